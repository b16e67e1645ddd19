"""Writes tables for the models of make_models.py and what Python's ONNX Runtime says of them:

model_kinds.py OUT FIXTURES

OUT gets the models, `types.parquet`, `vectors.parquet` and `expected.json`: values a row for every model that has some, for
`types` a map from tensors to such values. Floats are numbers (a half or a float is exact as a double), 64-bit integers are
text, rows of several values are lists; null stands for a row that fails or is not finite.
"""

import json
import os
import sys
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
import pyarrow as pa
import pyarrow.parquet as pq

from external_models import write_external
from make_models import write_all
from row_models import write_rows

# Neither a multiple of the batch in the tests nor of the row groups.
ROWS = 1037
BATCH = 100
VECTORS = 1500
INTEGERS = {"i8": np.int8, "u8": np.uint8, "i16": np.int16, "u16": np.uint16, "i32": np.int32, "u32": np.uint32, "i64": np.int64, "u64": np.uint64}
EXACT = 2**53


def columns():
    """One column a type, extremes first; texts of every length that is stored in another way."""
    random = np.random.default_rng(7)
    made = {"id": np.arange(ROWS, dtype=np.int64)}
    for name, kind in INTEGERS.items():
        low, high = max(np.iinfo(kind).min, -EXACT), min(np.iinfo(kind).max, EXACT)
        values = random.integers(low, high, ROWS, dtype=np.int64, endpoint=True)
        values[:3] = [low, high, 0]
        made[name] = values.astype(kind)
    for i in range(3):
        made[f"h{i}"] = random.normal(0, 20, ROWS).astype(np.float32)
    # A denormal half, one between two halves (ties go to the even one), and a zero with a sign.
    made["h0"][:4] = [0.0, 6.0e-8, 128.0625, -0.0]
    for i in range(2):
        made[f"d{i}"] = random.normal(0, 1e100, ROWS)
    made["flag"] = random.integers(0, 2, ROWS).astype(bool)
    texts = ["", "a", "twelve bytes", "thirteen byte", "größer als zwölf", "漢字", "a much longer text that repeats itself"]
    for name in ("text", "w0", "w1"):
        made[name] = np.array([texts[i] for i in random.integers(0, len(texts), ROWS)], dtype=object)
    for i in range(6):
        made[f"c{i}"] = random.normal(0, 1, ROWS).astype(np.float32)
    made["pick"] = random.integers(0, 4, ROWS)
    # Rows that fail: alone, side by side, first and last of a batch. Rows that wrap: -1.
    made["pick"][[0, 250, 251, 399, 400, ROWS - 1]] = 99
    made["pick"][[1, 500]] = -1
    made["level"] = np.abs(random.normal(0, 1, ROWS)).astype(np.float32)
    made["level"][[3, 700]] = [-1, 0]
    made["cut"] = np.array(["a\0b" if i in (5, 104) else f"row {i % 3}" for i in range(ROWS)], dtype=object)
    made["list"] = random.normal(0, 10, (ROWS, 6)).astype(np.float32)
    return made


def write_table(path, made):
    arrays = {name: pa.array(list(values), pa.list_(pa.float32())) if values.ndim == 2 else pa.array(values) for name, values in made.items()}
    pq.write_table(pa.table(arrays), path, row_group_size=400)


def feeds(made, rows):
    stack = lambda names, kind=np.float32: np.stack([made[n][rows] for n in names], axis=1).astype(kind)
    fed = {name: made[name][rows] for name in INTEGERS}
    for name in ("u8", "u16", "u32", "u64"):
        fed[name] = fed[name].reshape(-1, 1)
    return fed | {
        "half": stack(["h0", "h1", "h2"], np.float16),
        "double": stack(["d0", "d1"], np.float64),
        "flag": made["flag"][rows].reshape(-1, 1),
        "text": made["text"][rows],
        "words": stack(["w0", "w1"], object),
        "cube": stack([f"c{i}" for i in range(6)]).reshape(-1, 2, 3),
        "list": made["list"][rows],
        "half_list": made["list"][rows].astype(np.float16),
        "scale": np.array(2.5, np.float32),
        "shift": np.full((len(made["id"][rows]), 1), -1, np.float32),
        "weights": np.array([1, 2, 3, 4, 5, 6], np.float32),
    }


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def score_types(path, made):
    model = session(path)
    names = [o.name for o in model.get_outputs()]
    parts = [model.run(names, feeds(made, slice(at, at + BATCH))) for at in range(0, ROWS, BATCH)]
    return {name: plain(np.concatenate([p[i] for p in parts])) for i, name in enumerate(names)}


def plain(values):
    if values.dtype in (np.int64, np.uint64):
        return values.astype(str).tolist()
    return values.astype(np.float64).tolist() if values.dtype == np.float16 else values.tolist()


def score_fixed(path, vectors):
    model = session(path)
    scores = []
    for at in range(0, len(vectors), 1024):
        part = vectors[at : at + 1024]
        padded = np.concatenate([part, np.repeat(part[-1:], 1024 - len(part), axis=0)])
        scores.append(model.run(["score"], {"features": padded})[0][: len(part), 0])
    return np.concatenate(scores).tolist()


def score_rows(path, name, values):
    """Row by row; None where ONNX Runtime fails."""
    model = session(path)
    scores = []
    for value in values:
        try:
            scores.append(float(model.run(None, {name: value.reshape(1)})[0][0]))
        except ort.capi.onnxruntime_pybind11_state.InvalidArgument:
            scores.append(None)
    return scores


def score_batches(path, name, values):
    """In the batches of the tests: log of one row alone differs in the last bit. None where it is not finite."""
    model = session(path)
    parts = [model.run(None, {name: values[at : at + BATCH]})[0] for at in range(0, ROWS, BATCH)]
    return [float(v) if np.isfinite(v) else None for v in np.concatenate(parts).ravel()]


def main(out, fixtures):
    out.mkdir(parents=True, exist_ok=True)
    write_all(out)
    write_external(out)
    write_rows(out)
    made = columns()
    write_table(out / "types.parquet", made)
    vectors = pq.read_table(fixtures / "vectors/vector256_8192.parquet").slice(0, VECTORS)
    pq.write_table(vectors, out / "vectors.parquet", row_group_size=700)
    matrix = np.stack(vectors["features"].to_numpy()).astype(np.float32)
    expected = {
        "types": score_types(out / "types.onnx", made),
        "fixed1024": score_fixed(fixtures / "models/delay_mlp_fixed1024.onnx", matrix),
        "gather": score_rows(out / "gather.onnx", "index", made["pick"]),
        "log": score_batches(out / "log.onnx", "x", made["level"]),
        "sum": score_batches(out / "sum.onnx", "x", np.stack([made[f"c{i}"] for i in range(3)], axis=1)),
    }
    (out / "expected.json").write_text(json.dumps(expected, ensure_ascii=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
