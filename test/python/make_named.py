"""make_named.py OUT NAMES: OUT/named.onnx, which gives back x [N, K] int64 for the K names of a JSON list."""

import json
import sys
from pathlib import Path

import onnx
from onnx import TensorProto as T
from onnx import helper as h

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
shape = ["N", len(json.loads(sys.argv[2]))]
side = [h.make_tensor_value_info(name, T.INT64, shape) for name in ("x", "y")]
graph = h.make_graph([h.make_node("Identity", ["x"], ["y"])], "named", side[:1], side[1:])
model = h.make_model(graph, opset_imports=[h.make_opsetid("", 21)])
model.ir_version = 10
onnx.save(model, str(out / "named.onnx"))
