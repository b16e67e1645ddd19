"""What zoo_models.py, zoo_trained.py and zoo_networks.py share: a case is a folder with model.onnx, table.parquet and case.json.

case.json: the key of a row, how many marked lines are to be edited, what onnxruntime answers by tensor and row, the labels of classes, or the
pattern of the refusal. See scripts/prove/models.ts.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd

OUT = Path(sys.argv[1])
SEED = int(sys.argv[2])
RNG = np.random.default_rng(SEED)
ROWS = 240
WIDTH = 8
MADE = []
LOST = []


def open_session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def labels_of(model):
    """Output -> the labels of its classes, of every ZipMap."""
    found = {}
    for node in model.graph.node:
        if node.op_type == "ZipMap":
            for a in node.attribute:
                values = [v.decode() for v in a.strings] if a.name.endswith("strings") else list(a.ints)
                if a.name.startswith("classlabels") and values:
                    found[node.output[0]] = values
    return found


def plain(value, labels, rows):
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [[float(row[label]) for label in labels] for row in value]
    if isinstance(value, list):
        return None
    # Some labels come as [1, N].
    return np.asarray(value).reshape(-1).tolist() if rows > 1 and np.shape(value) == (1, rows) else np.asarray(value).tolist()


def ask(path, feeds, labels={}, alone=False):
    """Answers by tensor, row by row; alone: each row in a batch of its own (feeds are lists of arrays then)."""
    session = open_session(path)
    names = [output.name for output in session.get_outputs()]
    if not alone:
        found = dict(zip(names, session.run(names, feeds)))
        rows = len(next(iter(feeds.values())))
        answers = {name: plain(value, labels.get(name), rows) for name, value in found.items()}
        return {name: value for name, value in answers.items() if value is not None}
    rows = [session.run(names, {name: values[i] for name, values in feeds.items()}) for i in range(len(next(iter(feeds.values()))))]
    return {name: [np.asarray(row[i])[0].tolist() for row in rows] for i, name in enumerate(names)}


def folder_of(name):
    folder = OUT / name
    folder.mkdir(parents=True)
    return folder


def write_case(folder, data, key, **facts):
    data.to_parquet(folder / "table.parquet", index=False)
    facts = {"key": key, "keys": data[key].tolist(), "edits": 0, **facts}
    (folder / "case.json").write_text(json.dumps(facts, default=lambda v: v.item() if hasattr(v, "item") else str(v)))
    MADE.append(folder.name)


def case(name, model, data, feeds, key="customer_id", alone=False, **facts):
    """A model that is to be right. `model`: a ModelProto, or a function that writes it to a path."""
    folder = folder_of(name)
    path = folder / "model.onnx"
    if callable(model):
        model(path)
    else:
        path.write_bytes(model.SerializeToString())
    labels = labels_of(onnx.load(str(path), load_external_data=False))
    write_case(folder, data, key, answers=ask(path, feeds, labels, alone), labels=labels, **facts)


def refused(name, model, data, pattern, key="customer_id"):
    """A model that is to be refused in words that the pattern matches."""
    folder = folder_of(name)
    if callable(model):
        model(folder / "model.onnx")
    else:
        (folder / "model.onnx").write_bytes(model.SerializeToString())
    write_case(folder, data, key, refused=pattern)


def attempt(name, make):
    """What an exporter cannot write is no case; it is told."""
    try:
        make()
    except Exception as error:
        shutil.rmtree(OUT / name, ignore_errors=True)
        LOST.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:160] if str(error) else ''}")


def numbered(values):
    """Numbers in columns f0, f1, … beside the id of a customer."""
    data = pd.DataFrame(values, columns=[f"f{i}" for i in range(values.shape[1])])
    data.insert(0, "customer_id", np.arange(1000, 1000 + len(data)))
    return data


def finish():
    (OUT / "lost.json").write_text(json.dumps(LOST))
