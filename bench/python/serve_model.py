"""What both FastAPI peers have: the model, the columns that it takes, and the bodies with which they are asked.

BENCH_MODEL, BENCH_COLUMNS (JSON list).
"""

import json
import os

import numpy as np
import onnxruntime as ort
from pydantic import BaseModel

COLUMNS = json.loads(os.environ["BENCH_COLUMNS"])

# With more threads a tree model gives other low bits.
options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(os.environ["BENCH_MODEL"], options, providers=["CPUExecutionProvider"])


class Row(BaseModel):
    key: str
    features: dict[str, float | None] | None = None


class Ask(BaseModel):
    key: str | None = None
    features: dict[str, float | None] | None = None
    keys: list[str] | None = None
    rows: list[Row] | None = None


def score(rows):
    """Labels and probabilities of rows, each a dict of features."""
    values = [[np.nan if (v := row.get(c)) is None else v for c in COLUMNS] for row in rows]
    return session.run(["label", "probabilities"], {"input": np.array(values, dtype=np.float32)})
