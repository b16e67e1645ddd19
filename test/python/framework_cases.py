"""Networks as torch and Keras export them by default, each with a table and what onnxruntime answers in Python:

    python framework_cases.py torch fixtures/exports     in an environment with torch, onnx, onnxscript, onnxruntime, pyarrow
    python framework_cases.py keras fixtures/exports     keras, tensorflow-cpu, tf2onnx, onnx, onnxruntime, pyarrow

Made with torch 2.15.0, onnxscript 0.7.2, Keras 3.15.1, TensorFlow 2.21.0, tf2onnx 1.17.0; no test installs them. A folder is a case as
zoo_cases.py says it.
"""

import json
import os
import shutil
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq

RNG = np.random.default_rng(20240229)
ROWS = 40
NUMBERS = RNG.normal(0, 1, (ROWS, 4)).astype(np.float32)
IMAGES = RNG.uniform(0, 1, (ROWS, 1, 8, 8)).astype(np.float32)
CATEGORIES = RNG.integers(0, 7, ROWS)
SENTENCES = [RNG.integers(1, 50, RNG.integers(1, 12)).tolist() for _ in range(ROWS)]
# For exports of one length.
TOKENS = RNG.integers(1, 50, (ROWS, 7))


def ask(path, feeds, batch):
    """Answers in batches of so many rows; the last one is filled up with the last row. `feeds`: lists of rows in the order of the inputs."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    outputs = [one.name for one in session.get_outputs()]
    answers = {name: [] for name in outputs}
    for at in range(0, ROWS, batch):
        rows = [min(at + i, ROWS - 1) for i in range(batch)]
        fed = {name: np.stack([values[row] for row in rows]) for name, values in zip(names, feeds)}
        for name, value in zip(outputs, session.run(outputs, fed)):
            answers[name] += np.asarray(value).tolist()[: min(batch, ROWS - at)]
    return answers


def case(out, name, write, columns, feeds, batch=1, **facts):
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write(folder / "model.onnx")
    keys = list(range(500, 500 + ROWS))
    pq.write_table(pa.table({"row_id": pa.array(keys, pa.int64()), **columns}), folder / "table.parquet", compression="zstd")
    if "refused" not in facts:
        facts["answers"] = ask(folder / "model.onnx", feeds, batch)
    (folder / "case.json").write_text(json.dumps({"key": "row_id", "keys": keys, "edits": 0, **facts}))
    print(name, {path.name: path.stat().st_size for path in folder.iterdir()})


def lists(name, values, kind):
    return {name: pa.array([np.asarray(value).reshape(-1).tolist() for value in values], pa.list_(kind))}


FLOATS = {f"x{i}": NUMBERS[:, i] for i in range(4)}
PICTURES = lists("image", IMAGES, pa.float32())
MIXED = {**lists("amounts", NUMBERS[:, :2], pa.float32()), "category": CATEGORIES}


def from_torch(out):
    import torch
    from torch import nn

    torch.manual_seed(0)

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(60, 8)
            layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.encode = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
            self.head = nn.Linear(8, 2)

        def forward(self, input_ids, attention_mask):
            hidden = self.encode(self.embed(input_ids), src_key_padding_mask=attention_mask == 0)
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            return self.head((hidden * mask).sum(1) / mask.sum(1))

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.lstm, self.head = nn.Embedding(50, 6), nn.LSTM(6, 5, batch_first=True), nn.Linear(5, 2)

        def forward(self, tokens):
            _, (last, _) = self.lstm(self.embed(tokens))
            return self.head(last[-1])

    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Embedding(7, 3), nn.Linear(5, 2)

        def forward(self, amounts, category):
            return self.head(torch.cat([amounts, self.embed(category)], 1))

    layers = [nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 1), nn.Sigmoid()]
    perceptron = nn.Sequential(*layers)
    pictures = nn.Sequential(
        *[nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3), nn.ReLU()],
        *[nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3), nn.Softmax(1)],
    )
    ones = [np.ones(len(row), np.int64) for row in SENTENCES]
    words = [np.array(row) for row in SENTENCES]
    tokens, masks = lists("tokens", SENTENCES, pa.int64()), np.ones((ROWS, 7), np.int64)
    ids, short = lists("input_ids", SENTENCES, pa.int64()), lists("tokens", TOKENS, pa.int64())
    rows, steps = {0: "batch"}, {0: "batch", 1: "steps"}
    cases = {
        "mlp": (perceptron, ["x"], [rows], FLOATS, [NUMBERS], None),
        "cnn": (pictures, ["image"], [rows], PICTURES, [IMAGES], None),
        "mixed": (Mixed(), ["amounts", "category"], [rows, rows], MIXED, [NUMBERS[:, :2], CATEGORIES], None),
        "lstm": (Recurrent(), ["tokens"], [steps], tokens, [words], (short, [TOKENS])),
        "encoder": (Encoder(), ["input_ids", "attention_mask"], [steps, steps], ids, [words, ones],
                    ({"input_ids": short["tokens"]}, [TOKENS, masks])),
    }  # fmt: skip
    for name, (module, names, axes, columns, feeds, fixed) in cases.items():
        fixed_columns, fixed_feeds = fixed or (columns, feeds)
        example = tuple(torch.from_numpy(np.stack([values[0], values[1]])) for values in fixed_feeds)
        dynamic = tuple({axis: torch.export.Dim.DYNAMIC for axis in one} for one in axes)
        module = module.eval()

        def script(path):
            open_axes = {**dict(zip(names, axes)), "score": rows}
            torch.onnx.export(module, example, path, dynamo=False, input_names=names, output_names=["score"], dynamic_axes=open_axes)

        def dynamo(path):
            torch.onnx.export(module, example, path, dynamo=True, input_names=names, output_names=["score"], dynamic_shapes=dynamic)

        def unnamed(path):
            torch.onnx.export(module, example, path)

        # The lengths of the example are written into the attention.
        is_baked = name == "encoder"
        case(out, f"torch-{name}-script", script, columns, feeds, **({"refused": "model_error.*cannot be reshaped"} if is_baked else {}))
        case(out, f"torch-{name}-dynamo", dynamo, columns, feeds)
        case(out, f"torch-{name}-fixed", unnamed, fixed_columns, fixed_feeds, batch=2, edits=int(name == "encoder"))


def from_keras(out):
    import keras
    import tensorflow as tf
    import tf2onnx

    keras.utils.set_random_seed(0)
    numbers = [keras.layers.Dense(8, activation="relu"), keras.layers.BatchNormalization(), keras.layers.Dropout(0.2), keras.layers.Dense(1, activation="sigmoid")]
    perceptron = keras.Sequential([keras.Input((4,), name="x"), *numbers])
    pictures = keras.Sequential(
        [keras.Input((8, 8, 1), name="image"), keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.MaxPooling2D()]
        + [keras.layers.Conv2D(8, 3, activation="relu"), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3, activation="softmax")]
    )
    recurrent = keras.Sequential([keras.Input((None,), dtype="int32", name="tokens"), keras.layers.Embedding(50, 6), keras.layers.LSTM(5), keras.layers.Dense(2)])
    amounts, category = keras.Input((2,), name="amounts"), keras.Input((), dtype="int32", name="category")
    joined = keras.layers.Concatenate()([amounts, keras.layers.Embedding(7, 3)(category)])
    mixed = keras.Model([amounts, category], keras.layers.Dense(2)(joined))
    words = [np.array(row, np.int32) for row in SENTENCES]
    cases = {
        "mlp": (perceptron, FLOATS, [NUMBERS]),
        "cnn": (pictures, PICTURES, [IMAGES.reshape(ROWS, 8, 8, 1)]),
        "mixed": (mixed, MIXED, [NUMBERS[:, :2], CATEGORIES.astype(np.int32)]),
        "lstm": (recurrent, lists("tokens", SENTENCES, pa.int32()), [words]),
    }
    for name, (model, columns, feeds) in cases.items():
        model([tf.constant(one[:1] if isinstance(one, np.ndarray) else one[0][None]) for one in feeds] if len(feeds) > 1 else tf.constant(np.asarray(feeds[0][0])[None]))

        def exported(path):
            model.export(str(path), format="onnx", verbose=False)

        def converted(path):
            specs = [tf.TensorSpec(one.shape, one.dtype, name=one.name) for one in model.inputs]
            call = tf.function(lambda *inputs: model(list(inputs) if len(inputs) > 1 else inputs[0]), input_signature=specs)
            tf2onnx.convert.from_function(call, input_signature=specs, output_path=str(path))

        case(out, f"keras-{name}", exported, columns, feeds)
        case(out, f"tf2onnx-{name}", converted, columns, feeds)


if __name__ == "__main__":
    {"torch": from_torch, "keras": from_keras}[sys.argv[1]](Path(sys.argv[2]))
