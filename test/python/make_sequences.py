"""Models that take lists of any length, their tables, and what onnxruntime answers row by row: make_sequences.py OUT"""

import json
import sys
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

OUT = Path(sys.argv[1])
ROWS = 300
RNG = np.random.default_rng(20240229)


def tensor(name, kind, dims):
    return h.make_tensor_value_info(name, kind, dims)


def const(name, values, kind=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype=kind), name)


def node(op, inputs, outputs, **attributes):
    return h.make_node(op, inputs, outputs, **attributes)


def model(nodes, inputs, outputs, initializers):
    graph = h.make_graph(nodes, "sequences", inputs, outputs, initializers)
    made = h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], producer_name="prescore-tests")
    made.ir_version = 10
    return made


def random(*shape):
    return RNG.normal(0, 0.5, shape)


def encoder(has_mask=True):
    """One head of attention over embedded tokens, then the mean of the tokens that are there, as text encoders have it."""
    width = 8
    weights = [const("table", random(50, width)), const("w_q", random(width, width))]
    weights += [const("w_k", random(width, width)), const("w_v", random(width, width)), const("w_out", random(width, 1))]
    weights += [const("far", [-1e9]), const("one", [1.0]), const("axis1", [1], np.int64), const("axis2", [2], np.int64)]
    inputs = [tensor("input_ids", T.INT64, ["batch", "sequence"])]
    nodes = [node("Gather", ["table", "input_ids"], ["words"])]
    if has_mask:
        inputs += [tensor("attention_mask", T.INT64, ["batch", "sequence"])]
        weights.append(const("types", random(2, width)))
        inputs += [tensor("token_type_ids", T.INT64, ["batch", "sequence"])]
        nodes += [
            node("Gather", ["types", "token_type_ids"], ["kinds"]),
            node("Add", ["words", "kinds"], ["x"]),
            node("Cast", ["attention_mask"], ["mask"], to=T.FLOAT),
        ]
    else:
        nodes += [
            node("Identity", ["words"], ["x"]),
            node("Cast", ["input_ids"], ["numbers"], to=T.FLOAT),
            node("Mul", ["numbers", "zero"], ["nothing"]),
            node("Add", ["nothing", "one"], ["mask"]),
        ]
        weights.append(const("zero", [0.0]))
    nodes += [
        node("MatMul", ["x", "w_q"], ["q"]),
        node("MatMul", ["x", "w_k"], ["k"]),
        node("MatMul", ["x", "w_v"], ["v"]),
        node("Transpose", ["k"], ["k_t"], perm=[0, 2, 1]),
        node("MatMul", ["q", "k_t"], ["raw"]),
        node("Sub", ["one", "mask"], ["hidden"]),
        node("Mul", ["hidden", "far"], ["bias_flat"]),
        node("Unsqueeze", ["bias_flat", "axis1"], ["bias"]),
        node("Add", ["raw", "bias"], ["masked"]),
        node("Softmax", ["masked"], ["attention"], axis=-1),
        node("MatMul", ["attention", "v"], ["mixed"]),
        node("Unsqueeze", ["mask", "axis2"], ["mask_3"]),
        node("Mul", ["mixed", "mask_3"], ["kept"]),
        node("ReduceSum", ["kept", "axis1"], ["sum"], keepdims=0),
        node("ReduceSum", ["mask_3", "axis1"], ["count"], keepdims=0),
        node("Div", ["sum", "count"], ["embedding"]),
        node("MatMul", ["embedding", "w_out"], ["logit"]),
        node("Sigmoid", ["logit"], ["score"]),
    ]
    outputs = [tensor("score", T.FLOAT, ["batch", 1]), tensor("embedding", T.FLOAT, ["batch", width])]
    return model(nodes, inputs, outputs, weights)


def steps():
    """[N, T, 3]: the largest of each of three numbers over the steps, added up."""
    nodes = [node("ReduceMax", ["x", "axis1"], ["most"], keepdims=0), node("ReduceSum", ["most", "axis1"], ["y"], keepdims=1)]
    return model(nodes, [tensor("x", T.FLOAT, ["N", "T", 3])], [tensor("y", T.FLOAT, ["N", 1])], [const("axis1", [1], np.int64)])


def two():
    """Two lists of lengths of their own, and a number."""
    axis = const("axis1", [1], np.int64)
    nodes = [
        node("ReduceMean", ["history", "axis1"], ["h"], keepdims=1),
        node("ReduceMax", ["basket", "axis1"], ["b"], keepdims=1),
        node("Mul", ["h", "b"], ["hb"]),
        node("Add", ["hb", "age"], ["y"]),
    ]
    inputs = [tensor("history", T.FLOAT, ["N", "H"]), tensor("basket", T.FLOAT, ["N", "B"]), tensor("age", T.FLOAT, ["N", 1])]
    return model(nodes, inputs, [tensor("y", T.FLOAT, ["N", 1])], [axis])


def tags():
    """An answer for each token."""
    nodes = [node("Gather", ["table", "tokens"], ["tag"])]
    return model(nodes, [tensor("tokens", T.INT64, ["N", "T"])], [tensor("tag", T.FLOAT, ["N", "T"])], [const("table", random(50))])


def lists(kind, low, high, step=1):
    lengths = RNG.integers(low, high, ROWS)
    if kind == "int":
        return [[int(v) for v in RNG.integers(1, 50, n * step)] for n in lengths]
    return [[float(np.float32(v)) for v in RNG.normal(0, 1, n * step)] for n in lengths]


def table():
    tokens = lists("int", 1, 40)
    # Rows that no model can take.
    tokens[7], tokens[8], tokens[9] = None, [], [3, None, 4]
    tokens[10] = [1] * 200
    columns = {
        "row_id": pa.array(range(ROWS), pa.int64()),
        "tokens": pa.array(tokens, pa.list_(pa.int64())),
        "steps": pa.array(lists("float", 1, 6, 3), pa.list_(pa.float32())),
        "history": pa.array(lists("float", 1, 9), pa.list_(pa.float32())),
        "basket": pa.array(lists("float", 1, 4), pa.list_(pa.float64())),
        "age": pa.array([float(v) for v in RNG.integers(18, 90, ROWS)], pa.float32()),
    }
    return pa.table(columns)


@cache
def session_of(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def ask(path, feeds):
    session = session_of(path)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds)))


def answers(rows):
    """Each row alone; null where a list is null, empty, has a null or has more than 100 tokens."""
    found = {"encoder": [], "plain": [], "steps": [], "two": [], "tags": []}
    for row in rows.to_pylist():
        tokens = row["tokens"]
        if not tokens or None in tokens or len(tokens) > 100:
            for name in ("encoder", "plain", "tags"):
                found[name].append(None)
        else:
            ids = np.array([tokens], np.int64)
            feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            found["encoder"].append({k: v[0].tolist() for k, v in ask(OUT / "encoder.onnx", feeds).items()})
            found["plain"].append({k: v[0].tolist() for k, v in ask(OUT / "plain.onnx", {"input_ids": ids}).items()})
            found["tags"].append(ask(OUT / "tags.onnx", {"tokens": ids})["tag"][0].tolist())
        found["steps"].append(float(ask(OUT / "steps.onnx", {"x": np.array(row["steps"], np.float32).reshape(1, -1, 3)})["y"][0, 0]))
        feeds = {name: np.array([row[name]], np.float32) for name in ("history", "basket")}
        feeds["age"] = np.array([[row["age"]]], np.float32)
        found["two"].append(float(ask(OUT / "two.onnx", feeds)["y"][0, 0]))
    return found


if __name__ == "__main__":
    made = {"encoder": encoder(), "plain": encoder(False), "steps": steps(), "two": two(), "tags": tags()}
    for name, proto in made.items():
        (OUT / f"{name}.onnx").write_bytes(proto.SerializeToString())
    rows = table()
    pq.write_table(rows, OUT / "rows.parquet", row_group_size=97)
    # Those that every model takes.
    pq.write_table(rows.slice(11), OUT / "good.parquet")
    with pa.OSFile(str(OUT / "rows.arrow"), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows, max_chunksize=64)
    with open(OUT / "rows.jsonl", "w") as lines:
        for row in rows.to_pylist():
            lines.write(json.dumps(row) + "\n")
    (OUT / "expected.json").write_text(json.dumps(answers(rows)))
