"""Writes a small seeded MLP (20-32-16-1, ReLU, sigmoid at the end) as ONNX. make_mlp.py OUT.onnx"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LAYERS = (20, 32, 16, 1)


def main():
    random = np.random.default_rng(20131231)
    nodes, weights, value = [], [], "input"
    for k, (wide, narrow) in enumerate(zip(LAYERS, LAYERS[1:])):
        weight = random.standard_normal((wide, narrow), dtype=np.float32) / np.float32(np.sqrt(wide))
        bias = random.standard_normal(narrow, dtype=np.float32) * np.float32(0.1)
        weights += [numpy_helper.from_array(weight, f"w{k}"), numpy_helper.from_array(bias, f"b{k}")]
        is_last = k == len(LAYERS) - 2
        nodes.append(helper.make_node("Gemm", [value, f"w{k}", f"b{k}"], [f"sum{k}"]))
        value = "score" if is_last else f"h{k}"
        nodes.append(helper.make_node("Sigmoid" if is_last else "Relu", [f"sum{k}"], [value]))
    graph = helper.make_graph(
        nodes,
        "light_mlp",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", LAYERS[0]])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["N", 1])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, sys.argv[1])


main()
