"""make_feeds.py OUT SPEC: OUT/feeds.onnx gives back each of its inputs as out_<input>; SPEC is JSON, {input: [type, width or 0]}."""

import json
import sys
from pathlib import Path

import onnx
from onnx import TensorProto as T
from onnx import helper as h

NAMES = {"float32": "FLOAT", "float64": "DOUBLE"}
out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
nodes, inputs, outputs = [], [], []
for name, (kind, width) in json.loads(sys.argv[2]).items():
    shape = ["N", width] if width else ["N"]
    element = getattr(T, NAMES.get(kind, kind.upper()))
    inputs.append(h.make_tensor_value_info(name, element, shape))
    outputs.append(h.make_tensor_value_info(f"out_{name}", element, shape))
    nodes.append(h.make_node("Identity", [name], [f"out_{name}"]))
model = h.make_model(h.make_graph(nodes, "feeds", inputs, outputs), opset_imports=[h.make_opsetid("", 21)])
model.ir_version = 10
onnx.save(model, str(out / "feeds.onnx"))
