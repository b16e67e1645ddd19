"""Writes the seeded models of two cases as ONNX. make_large.py wide|activations OUT.onnx

wide: a linear model over 3,000 columns. activations: two convolutions of 64 channels over 256 values, 64 KiB a row each.
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS = 64


def constant(name, values, kind=np.float32):
    return numpy_helper.from_array(np.asarray(values).astype(kind), name)


def wide(random):
    weights = [constant("w", random.standard_normal((3000, 1)) / 3000)]
    nodes = [helper.make_node("MatMul", ["input", "w"], ["sum"]), helper.make_node("Sigmoid", ["sum"], ["score"])]
    return 3000, nodes, weights


def activations(random):
    weights = [
        constant("one", [1], np.int64),
        constant("axes", [2], np.int64),
        constant("w1", random.standard_normal((CHANNELS, 1, 7)) / 7),
        constant("w2", random.standard_normal((CHANNELS, CHANNELS, 3)) / (3 * CHANNELS)),
        constant("w3", random.standard_normal((CHANNELS, 1))),
    ]
    nodes = [
        helper.make_node("Unsqueeze", ["input", "one"], ["a"]),
        helper.make_node("Conv", ["a", "w1"], ["b"], pads=[3, 3]),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("Conv", ["c", "w2"], ["d"], pads=[1, 1]),
        helper.make_node("Relu", ["d"], ["e"]),
        helper.make_node("ReduceMean", ["e", "axes"], ["f"], keepdims=0),
        helper.make_node("MatMul", ["f", "w3"], ["g"]),
        helper.make_node("Sigmoid", ["g"], ["score"]),
    ]
    return 256, nodes, weights


def main():
    width, nodes, weights = {"wide": wide, "activations": activations}[sys.argv[1]](np.random.default_rng(20131231))
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", width])]
    outputs = [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["N", 1])]
    graph = helper.make_graph(nodes, sys.argv[1], inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, sys.argv[2])


main()
