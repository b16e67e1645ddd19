"""Configurations of Triton models as protobuf's own text format writes them: triton_configs.py SEED COUNT

Prints a JSON list of {"text", "config"}: text in one of the printer's forms, sometimes respelled in ways that its parser takes, and what the parser reads in it.
"""

import json
import random
import re
import sys

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as pb

TYPES = ["TYPE_BOOL", "TYPE_UINT8", "TYPE_INT32", "TYPE_INT64", "TYPE_FP16", "TYPE_FP32", "TYPE_FP64", "TYPE_STRING", "TYPE_BF16"]
TEXTS = ["x", "features", "it's", 'a "quote"', "tab\tand\nline", "größe", "日本", "back\\slash", "", "\x01\x7f", "# no comment", "{", "🙂"]


def tensor(rng, made):
    made.name = rng.choice(TEXTS)
    made.data_type = getattr(pb, rng.choice(TYPES))
    made.dims.extend(rng.choice([-1, 0, 1, 3, 224, 2**40]) for _ in range(rng.randrange(4)))
    if rng.random() < 0.3:
        made.reshape.shape.extend(rng.choice([[], [1], [3, -1]]))


def config(rng):
    made = pb.ModelConfig(name=rng.choice(TEXTS), max_batch_size=rng.choice([0, 0, 1, 8, 2**31 - 1]))
    made.platform = rng.choice(["", "onnxruntime_onnx", "pytorch_libtorch"])
    made.backend = rng.choice(["", "onnxruntime", "python", "fil"])
    made.default_model_filename = rng.choice(["", "model.onnx", "net.onnx"])
    for _ in range(rng.randrange(4)):
        tensor(rng, made.input.add())
    for _ in range(rng.randrange(3)):
        tensor(rng, made.output.add())
    if rng.random() < 0.5:
        made.instance_group.add(name="g", count=rng.randrange(4), kind=pb.ModelInstanceGroup.KIND_GPU, gpus=[0, 1])
    if rng.random() < 0.3:
        made.dynamic_batching.preferred_batch_size.extend([4, 8])
        made.dynamic_batching.max_queue_delay_microseconds = 100
    if rng.random() < 0.3:
        made.version_policy.specific.versions.extend([1, 3])
    if rng.random() < 0.4:
        made.parameters[rng.choice(TEXTS)].string_value = rng.choice(TEXTS)
        made.parameters["empty"].string_value = ""
    if rng.random() < 0.3:
        made.optimization.execution_accelerators.gpu_execution_accelerator.add(name="tensorrt").parameters["precision_mode"] = "FP16"
    if rng.random() < 0.2:
        made.ensemble_scheduling.step.add(model_name="m", model_version=-1).input_map["a"] = "b"
    return made


def respelled(rng, text):
    """Other spellings of the same, where no string is touched; they are checked with the parser."""
    changes = [
        lambda t: re.sub(r"(?m)^(\s*)(\w+) \{$", r"\1\2: {", t),
        lambda t: re.sub(r"(?m)^(\s*)(\w+) \{$", r"\1\2 { # a comment with } and \"", t),
        lambda t: re.sub(r"(?m)^(\s*(?:dims|count|max_batch_size): -?\d+)$", r"\1;", t),
        lambda t: re.sub(r"(?m)^(\s*)dims: (\d+)$", lambda m: f"{m[1]}dims: {hex(int(m[2]))}", t),
        lambda t: re.sub(r"(?m)^(\s*)dims: (\d+)$", lambda m: f"{m[1]}dims: 0{int(m[2]):o}", t),
        lambda t: re.sub(r"(?m)^(\s*)dims: -1$", r"\1dims : -1 ,", t),
        lambda t: re.sub(r'(?m)^(\s*name: )"(\w+)"$', r"""\1'\2' "" ''""", t),
        lambda t: re.sub(r"data_type: TYPE_FP32", "data_type: 11", t),
        lambda t: "# first line\r\n\r\n" + t.replace("\n", "\r\n"),
    ]
    for change in rng.sample(changes, rng.randrange(4)):
        text = change(text)
    return text


def said(made):
    def values(list_):
        return [
            {
                "name": one.name,
                "dataType": pb.DataType.Name(one.data_type) if one.data_type else "",
                "dims": list(one.reshape.shape if one.HasField("reshape") else one.dims),
            }
            for one in list_
        ]

    return {
        "name": made.name,
        "platform": made.platform,
        "backend": made.backend,
        "fileName": made.default_model_filename,
        "maxBatchSize": made.max_batch_size,
        "isEnsemble": made.HasField("ensemble_scheduling"),
        "inputs": values(made.input),
        "outputs": values(made.output),
    }


def main():
    rng = random.Random(int(sys.argv[1]))
    found = []
    for _ in range(int(sys.argv[2])):
        made = config(rng)
        options = {
            "as_utf8": rng.random() < 0.5,
            "as_one_line": rng.random() < 0.2,
            "use_short_repeated_primitives": rng.random() < 0.5,
            "pointy_brackets": rng.random() < 0.2,
        }
        text = respelled(rng, text_format.MessageToString(made, **options))
        found.append({"text": text, "config": said(text_format.Parse(text, pb.ModelConfig()))})
    print(json.dumps(found))


main()
