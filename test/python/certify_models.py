"""Small models whose last bits go by the size of their batch: a one-hot and logistic pipeline, and one of logarithms. Seeded; writes into the
folder that is named. `python test/python/certify_models.py fixtures/certify` made what is there."""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CARRIERS = ["9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV"]
NUMBERS = 12


def save(folder: Path, name: str, nodes: list, inputs: list, outputs: list, constants: list) -> None:
    graph = helper.make_graph(nodes, name, inputs, outputs, constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())


def floats(name: str, columns: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", columns])


def onehot_logistic(folder: Path) -> None:
    random = np.random.default_rng(20240229)
    width = NUMBERS + len(CARRIERS)
    weights = random.normal(0, 0.7, width)
    bias = float(random.normal(0, 0.3))
    scaled = {"offset": random.normal(0, 2, NUMBERS), "scale": random.uniform(0.1, 2, NUMBERS)}
    nodes = [
        helper.make_node("OneHotEncoder", ["carrier"], ["hot"], domain="ai.onnx.ml", cats_strings=CARRIERS, zeros=1),
        helper.make_node("Reshape", ["hot", "shape"], ["flat"]),
        helper.make_node(
            "Scaler",
            ["numbers"],
            ["scaled"],
            domain="ai.onnx.ml",
            **{key: [float(v) for v in values] for key, values in scaled.items()},
        ),
        helper.make_node("Concat", ["scaled", "flat"], ["features"], axis=1),
        helper.make_node(
            "LinearClassifier",
            ["features"],
            ["label", "probabilities"],
            domain="ai.onnx.ml",
            coefficients=[float(v) for v in [*-weights, *weights]],
            intercepts=[-bias, bias],
            classlabels_ints=[0, 1],
            post_transform="LOGISTIC",
            multi_class=0,
        ),
    ]
    inputs = [floats("numbers", NUMBERS), helper.make_tensor_value_info("carrier", TensorProto.STRING, ["N", 1])]
    outputs = [helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]), floats("probabilities", 2)]
    shape = numpy_helper.from_array(np.array([-1, len(CARRIERS)], np.int64), "shape")
    save(folder, "onehot_logistic", nodes, inputs, outputs, [shape])


def logarithms(folder: Path) -> None:
    nodes = [
        helper.make_node("Abs", ["x"], ["positive"]),
        helper.make_node("Add", ["positive", "one"], ["above"]),
        helper.make_node("Log", ["above"], ["y"]),
    ]
    constants = [numpy_helper.from_array(np.array([1], np.float32), "one")]
    save(folder, "logarithms", nodes, [floats("x", 3)], [floats("y", 3)], constants)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    onehot_logistic(target)
    logarithms(target)
