"""Models whose rows are hard to find, or hard to tell apart in a trial; model_kinds.py writes them beside those of make_models.py."""

import numpy as np
from make_models import T, const, model, node, tensor

FIRST, SECOND, ONE = const("first", [0], np.int64), const("second", [1], np.int64), const("one", [1])


def x(rows="N"):
    return tensor("x", T.FLOAT, [rows, 3])


def y(*dims, kind=T.FLOAT):
    return tensor("y", kind, list(dims))


def centred(rows):
    nodes = [node("ReduceMean", ["x", "first"], ["mean"], keepdims=1), node("Sub", ["x", "mean"], ["y"])]
    return model(nodes, [x(rows)], [y(rows, 3)], [FIRST])


def in_training():
    """ONNX Runtime writes the new means into the model, so that every answer goes by all that came before; a NaN stays for good."""
    nodes = [node("BatchNormalization", ["x", "scale", "shift", "mean", "variance"], ["y", "means", "variances"], training_mode=1)]
    facts = [const("scale", [1, 1, 1]), const("shift", [0, 0, 0]), const("mean", [0, 0, 0]), const("variance", [1, 1, 1])]
    return model(nodes, [x()], [y("N", 3)], facts)


def nothing():
    """NaN, whatever comes."""
    nodes = [node("Sub", ["x", "x"], ["zero"]), node("Div", ["zero", "zero"], ["nan"]), node("ReduceMean", ["x", "first"], ["mean"], keepdims=1)]
    return model([*nodes, node("Add", ["nan", "mean"], ["y"])], [x()], [y("N", 3)], [FIRST])


def scaled():
    """Logarithms, whose last bits go by the size of a batch, times an input that is the same for all rows."""
    nodes = [node("Abs", ["x"], ["p"]), node("Add", ["p", "one"], ["above"]), node("Log", ["above"], ["log"]), node("Mul", ["log", "w"], ["y"])]
    return model(nodes, [x(), tensor("w", T.FLOAT, [1])], [y("N", 3)], [ONE])


def fewer():
    """Rows that do not pass are left out."""
    nodes = [node("ReduceMax", ["x", "second"], ["most"], keepdims=0), node("Greater", ["most", "least"], ["passes"]), node("Compress", ["x", "passes"], ["y"], axis=0)]
    return model(nodes, [x()], [y("M", 3)], [SECOND, const("least", -1.5)])


def best():
    """Which row is the largest: one answer for all of them."""
    nodes = [node("ArgMax", ["x"], ["y"], axis=0, keepdims=1)]
    return model(nodes, [x()], [y(1, 3, kind=T.INT64)])


def weighed():
    """Batches of 8 rows, and weights that are an input of another fixed length."""
    nodes = [node("Mul", ["x", "w"], ["p"]), node("ReduceSum", ["p", "second"], ["y"], keepdims=1)]
    return model(nodes, [x(8), tensor("w", T.FLOAT, [3])], [y(8, 1)], [SECOND])


def undeclared():
    nodes = [node("ReduceSum", ["x", "second"], ["y"], keepdims=1)]
    return model(nodes, [tensor("x", T.FLOAT, None)], [y("N", 1)], [SECOND])


def write_rows(out):
    models = {
        "centred": centred("N"), "centred8": centred(8), "in_training": in_training(), "nothing": nothing(), "scaled_log": scaled(),
        "fewer": fewer(), "best_row": best(), "weighed8": weighed(), "undeclared_x": undeclared(),
    }
    for name, made in models.items():
        (out / f"{name}.onnx").write_bytes(made.SerializeToString())
