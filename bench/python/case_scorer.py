"""What the Python contenders share: the case file, feeds from Arrow columns, one session.run per batch, constant columns."""

import argparse
import json
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa


def read_options(*counts):
    """CASE and OUT of a command line, --batch, --threads and further counts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("out")
    for name in ("batch", "threads", *counts):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args()


def read_case(path):
    """The case as bench/cases.ts wrote it."""
    return json.loads(Path(path).read_text())


def columns_of(case):
    """Names of all feature columns, in order."""
    return [column for feature in case["features"] for column in feature["columns"]]


class CaseScorer:
    """One session; scores Arrow columns in batches of `batch` rows."""

    def __init__(self, case, batch, threads):
        # Not everybody who reads cases scores by it.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(case["model"], options, providers=["CPUExecutionProvider"])
        self.case = case
        self.batch = batch
        self.fetches = [output["tensor"] for output in case["outputs"]]

    def score(self, columns):
        """`columns`: name -> pyarrow Array of equal lengths. Answers prediction column -> numpy array."""
        rows = len(next(iter(columns.values())))
        values = {f["tensor"]: [self._values(columns[name], f) for name in f["columns"]] for f in self.case["features"]}
        parts = []
        for start in range(0, rows, self.batch):
            end = min(start + self.batch, rows)
            feeds = {f["tensor"]: pack(values[f["tensor"]], f, start, end) for f in self.case["features"]}
            parts.append(self.session.run(self.fetches, feeds))
        return {o["column"]: self._join(parts, k, o) for k, o in enumerate(self.case["outputs"])}

    def _values(self, column, feature):
        if feature["type"] == "string":
            # An object array of the dictionary's strings is far cheaper than one new string a row.
            codes = column.dictionary_encode(null_encoding="encode")
            texts = np.array([feature.get("fill") if t is None else t for t in codes.dictionary.to_pylist()], dtype=object)
            return texts[codes.indices.to_numpy(zero_copy_only=False)]
        if "width" in feature:
            return column.flatten().to_numpy(zero_copy_only=False).reshape(-1, feature["width"])
        return column.to_numpy(zero_copy_only=False)

    def _join(self, parts, k, output):
        index = output.get("index")
        if index is not None:
            return np.concatenate([part[k][:, index] for part in parts])
        return np.concatenate([part[k].reshape(-1) for part in parts])


def pack(columns, feature, start, end):
    """[N, F] of rows start to end: filled column by column, which is faster than np.stack of the whole. Lists are there already."""
    if "width" in feature:
        return columns[0][start:end]
    kind = {"float32": np.float32, "int64": np.int64, "string": object}[feature["type"]]
    out = np.empty((end - start, len(columns)), kind)
    for k, column in enumerate(columns):
        out[:, k] = column[start:end]
    return out


def lineage(case):
    """The constant columns that prescore's `lineage: true` adds."""
    return {
        "scored_at": datetime.now(timezone.utc),
        "model_name": case["modelName"],
        "model_version": case["modelVersion"],
        "run_id": f"{case['name']}.python",
    }


def lineage_arrays(constants, rows):
    """Constants as Arrow columns; the texts as dictionaries of one value, which pyarrow writes fastest."""
    zeros = pa.array(np.zeros(rows, np.int32))
    arrays = {}
    for name, value in constants.items():
        if isinstance(value, str):
            arrays[name] = pa.DictionaryArray.from_arrays(zeros, pa.array([value]))
        else:
            arrays[name] = pa.repeat(pa.scalar(value, pa.timestamp("us", tz="UTC")), rows)
    return arrays
