"""A small tree classifier inside graphs that cannot be cut as usual: around_trees.py OUT

Made once and committed under fixtures/around-trees. Pins: trainers-requirements.txt.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OUT = Path(sys.argv[1])


def trees(source):
    return helper.make_node(
        "TreeEnsembleClassifier",
        [source],
        ["label", "scores"],
        domain="ai.onnx.ml",
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=[1, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_values=[0.5, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0],
        nodes_falsenodeids=[2, 0, 0],
        class_treeids=[0] * 6,
        class_nodeids=[1, 1, 1, 2, 2, 2],
        class_ids=[0, 1, 2, 0, 1, 2],
        class_weights=[0.5, 0.25, -1.0, 0.125, 2.0, 0.5],
        classlabels_int64s=[0, 1, 2],
    )


def table(name, element=TensorProto.FLOAT, rows=None, width=2):
    return helper.make_tensor_value_info(name, element, [rows, width])


def save(name, nodes, inputs, outputs=("label", "scores"), constants=(), rows=None):
    known = {
        "label": helper.make_tensor_value_info("label", TensorProto.INT64, [rows]),
        "scores": helper.make_tensor_value_info("scores", TensorProto.FLOAT, [rows, 3]),
    }
    graph = helper.make_graph(nodes, name, inputs, [known[one] for one in outputs], constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), OUT / f"{name}.onnx")


CAST = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.DOUBLE)
save("label_alone", [trees("x")], [table("x")], ["label"])
save("unused_input", [trees("x")], [table("x"), table("u", width=1)])
save("one_row", [trees("x")], [table("x", rows=1)], rows=1)
save("whole_numbers", [trees("x")], [table("x", TensorProto.INT64)])
save("doubles", [trees("x")], [table("x", TensorProto.DOUBLE)])
save("made_doubles", [CAST, trees("y")], [table("x")])
save("constant_rows", [trees("c")], [table("x")], constants=[numpy_helper.from_array(np.ones((1, 2), "f4"), "c")])
