"""Changes an ONNX model for prescore: halves its floats (fp16), or makes it compute in eight bits (int8).

    python change_model.py fp16 PARENT TARGET
    python change_model.py int8 PARENT TARGET FEEDS     FEEDS: a folder of feeds with an index.json

Prints one JSON object: {"tool": ..., "changed": {...}}, {"missing": [...]} or {"error": ...}.
"""

import json
import os
import sys

# Libraries of both packages speak on stdout now and then: the answer alone goes there.
ANSWER = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

# With weights; whatever stands between them follows in eight bits, or stays as it is.
QUANTIZED = ["Conv", "ConvTranspose", "MatMul", "Gemm", "Gather"]
TYPES = {
    "float32": "<f4", "float64": "<f8", "float16": "<f2", "int8": "i1", "int16": "<i2", "int32": "<i4", "int64": "<i8",
    "uint8": "u1", "uint16": "<u2", "uint32": "<u4", "uint64": "<u8", "bool": "?",
}  # fmt: skip


def answer(**facts):
    json.dump(facts, ANSWER)
    ANSWER.write("\n")
    ANSWER.flush()
    sys.exit(0)


try:
    import numpy
    import onnx
    import onnxruntime
except ImportError as error:
    answer(missing=[error.name or str(error)])

TOOL = f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}, Python {sys.version.split()[0]}"


def kept_feeds(folder):
    """The batches that lie in a folder, each as a dict of arrays."""
    with open(os.path.join(folder, "index.json"), encoding="utf-8") as index:
        batches = json.load(index)["batches"]
    for batch in batches:
        feeds = {}
        for tensor in batch["tensors"]:
            path = os.path.join(folder, tensor["file"])
            if tensor["type"] == "string":
                with open(path, encoding="utf-8") as texts:
                    feeds[tensor["name"]] = numpy.array(json.load(texts), dtype=object).reshape(tensor["dims"])
            else:
                flat = numpy.fromfile(path, dtype=TYPES[tensor["type"]])
                feeds[tensor["name"]] = flat.reshape(tensor["dims"])
        yield feeds


def operators(model):
    counts = {}
    for node in model.graph.node:
        counts[node.op_type] = counts.get(node.op_type, 0) + 1
    return counts


def last_weights(model):
    """Nodes with weights from which the outputs follow without another one between: their values are the answer, and stay exact."""
    makers = {output: node for node in model.graph.node for output in node.output}
    found, seen = [], set()
    todo = [output.name for output in model.graph.output]
    while todo:
        node = makers.get(todo.pop())
        if node is None or node.name in seen:
            continue
        seen.add(node.name)
        if node.op_type in QUANTIZED:
            found.append(node.name)
        else:
            todo.extend(node.input)
    return found


def int8(parent, target, folder):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Rows(CalibrationDataReader):
        def __init__(self):
            self.feeds = kept_feeds(folder)

        def get_next(self):
            return next(self.feeds, None)

    model = onnx.load(parent)
    opset = max((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=0)
    if opset < 13:
        # Weights that are quantized by their channels are told since then.
        model = onnx.version_converter.convert_version(model, 13)
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"node_{number}"
    if len({node.name for node in model.graph.node}) < len(model.graph.node):
        for number, node in enumerate(model.graph.node):
            node.name = f"{node.name}_{number}"
    model = onnx.shape_inference.infer_shapes(model)
    before = operators(model)
    names = [node.name for node in model.graph.node if node.op_type in QUANTIZED]
    last = last_weights(model)
    # A model of one layer has nothing else.
    excluded = last if len(last) < len(names) else []
    prepared = target + ".prepared.onnx"
    onnx.save(model, prepared)
    quantize_static(
        prepared,
        target,
        Rows(),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=QUANTIZED,
        nodes_to_exclude=excluded,
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
    )
    made = onnx.load(target)
    after = operators(made)
    if "QuantizeLinear" not in after and "DequantizeLinear" not in after:
        answer(error="no operator was quantized")
    kept = {one.name: one for one in made.graph.input}
    for one in model.graph.input:
        if one.name in kept and kept[one.name].type.tensor_type.elem_type != one.type.tensor_type.elem_type:
            answer(error=f"input {one.name} has another type")
    answer(
        tool=TOOL,
        changed={"layers": len(names) - len(excluded), "kept": len(excluded), "before": before, "after": after},
    )


def fp16(parent, target):
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = onnx.load(parent)
    before = operators(model)
    made = convert_float_to_float16(model, keep_io_types=True)
    onnx.save(made, target)
    halves = sum(one.data_type == onnx.TensorProto.FLOAT16 for one in made.graph.initializer)
    if halves == 0:
        answer(error="no weight was halved")
    answer(tool=TOOL, changed={"layers": halves, "kept": 0, "before": before, "after": operators(made)})


try:
    {"int8": int8, "fp16": fp16}[sys.argv[1]](*sys.argv[2:])
except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
    text = " ".join(str(error).split())
    answer(error=f"{type(error).__name__}: {text[:600]}", tool=TOOL)
