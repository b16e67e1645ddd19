"""Writes models that give back what they are fed: make_identity.py OUT

OUT/<type>.onnx for every element type: x [N] -> y [N]. OUT/list.onnx: x [N, 3] float -> y [N, 3].
OUT/casts.onnx: x [N] float -> one output of every type, a text and a list, to see what comes out of each.
OUT/labels.onnx: x [N] text -> y [N] float: "a" 1, "b" 2, "" 3, any other text -1.
OUT/odd_texts.onnx: x [N] int64 -> y [N] text: 1 a text with a NUL, 2 bytes that are no UTF-8, 3 no text, else "plain".
OUT/step.onnx: x [N] float -> y [N] bool, x > 0.5: a result that is never infinite.
"""

import sys
from pathlib import Path

import onnx
from onnx import TensorProto as T
from onnx import helper as h

TYPES = {
    "float16": T.FLOAT16, "float32": T.FLOAT, "float64": T.DOUBLE, "int8": T.INT8, "int16": T.INT16, "int32": T.INT32,
    "int64": T.INT64, "uint8": T.UINT8, "uint16": T.UINT16, "uint32": T.UINT32, "uint64": T.UINT64, "bool": T.BOOL,
    "string": T.STRING,
}


def save(name, nodes, inputs, outputs, initializers=(), domains=()):
    infos = [[h.make_tensor_value_info(n, kind, dims) for n, kind, dims in side] for side in (inputs, outputs)]
    graph = h.make_graph(nodes, "identity", *infos, list(initializers))
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 21), *domains], producer_name="prescore-tests")
    model.ir_version = 10
    onnx.save(model, str(out / f"{name}.onnx"))


out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
for name, kind in TYPES.items():
    save(name, [h.make_node("Identity", ["x"], ["y"])], [("x", kind, ["N"])], [("y", kind, ["N"])])
save("list", [h.make_node("Identity", ["x"], ["y"])], [("x", T.FLOAT, ["N", 3])], [("y", T.FLOAT, ["N", 3])])
half = h.make_tensor("half", T.FLOAT, [1], [0.5])
save("step", [h.make_node("Greater", ["x", "half"], ["y"])], [("x", T.FLOAT, ["N"])], [("y", T.BOOL, ["N"])], [half])

encode = h.make_node(
    "LabelEncoder", ["x"], ["y"], domain="ai.onnx.ml", keys_strings=["a", "b", ""], values_floats=[1.0, 2.0, 3.0], default_float=-1.0
)
save("labels", [encode], [("x", T.STRING, ["N"])], [("y", T.FLOAT, ["N"])], domains=[h.make_opsetid("ai.onnx.ml", 3)])

odd = h.make_node(
    "LabelEncoder", ["x"], ["y"], domain="ai.onnx.ml", keys_int64s=[1, 2, 3], values_strings=[b"a\0b", b"\xff", b""],
    default_string="plain",
)
save("odd_texts", [odd], [("x", T.INT64, ["N"])], [("y", T.STRING, ["N"])], domains=[h.make_opsetid("ai.onnx.ml", 3)])

nodes = [h.make_node("Cast", ["x"], [name], to=kind) for name, kind in TYPES.items()]
columns = h.make_tensor("columns", T.INT64, [2], [-1, 1])
factors = h.make_tensor("factors", T.FLOAT, [3], [1, 2, 0.5])
nodes += [h.make_node("Reshape", ["x", "columns"], ["column"]), h.make_node("Mul", ["column", "factors"], ["list"])]
nodes += [h.make_node("Cast", ["list"], [f"list_{name}"], to=TYPES[name]) for name in ("float16", "float64", "int64", "bool")]
lists = ["list"] + [f"list_{name}" for name in ("float16", "float64", "int64", "bool")]
kinds = [T.FLOAT, T.FLOAT16, T.DOUBLE, T.INT64, T.BOOL]
outputs = [(name, kind, ["N"]) for name, kind in TYPES.items()]
outputs += [(name, kind, ["N", 3]) for name, kind in zip(lists, kinds)]
save("casts", nodes, [("x", T.FLOAT, ["N"])], outputs, [columns, factors])
