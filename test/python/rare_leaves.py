"""Tree classifiers with a leaf that hardly any row reaches: rare_leaves.py OUT

Its weights are unlike those of all other leaves, so that rows which are made at random do not show how ONNX Runtime names classes there.
Made once and committed under fixtures/rare-leaves. Pins: trainers-requirements.txt.
"""

import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

OUT = Path(sys.argv[1])
FEATURES = 20


def save(name, classes, usual, rare, **more):
    nodes, weights = [], []
    for depth in range(FEATURES):
        nodes.append((2 * depth, depth, "BRANCH_LEQ", 2 * depth + 2, 2 * depth + 1))
        nodes.append((2 * depth + 1, 0, "LEAF", 0, 0))
        weights += [(2 * depth + 1, *one) for one in usual]
    nodes.append((2 * FEATURES, 0, "LEAF", 0, 0))
    weights += [(2 * FEATURES, *one) for one in rare]
    node = helper.make_node(
        "TreeEnsembleClassifier",
        ["x"],
        ["label", "scores"],
        domain="ai.onnx.ml",
        nodes_treeids=[0] * len(nodes),
        nodes_values=[0.0] * len(nodes),
        **{
            f"nodes_{key}": [one[i] for one in nodes]
            for i, key in enumerate(["nodeids", "featureids", "modes", "truenodeids", "falsenodeids"])
        },
        class_treeids=[0] * len(weights),
        **{f"class_{key}": [one[i] for one in weights] for i, key in enumerate(["nodeids", "ids", "weights"])},
        classlabels_int64s=list(range(classes)),
        **more,
    )
    graph = helper.make_graph(
        [node],
        "rare",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, FEATURES])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, classes]),
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), OUT / f"{name}.onnx")


save("two_first_larger", 2, [(0, 0.4), (1, 0.6)], [(0, 0.9), (1, 0.6)])
save("two_negative", 2, [(0, -0.2), (1, 0.7)], [(0, -0.9), (1, -0.8)])
save("two_without_second", 2, [(0, 0.4), (1, 0.6)], [(0, 0.9)], post_transform="LOGISTIC")
save("two_without_any", 2, [(1, 0.3)], [], base_values=[0.9])
save("three_without_last", 3, [(0, -0.3), (1, 0.7), (2, 0.1)], [(0, -0.9), (1, -0.5)])
