"""Models as people make them, each with a table as a tool writes it by default, and what onnxruntime answers: walk_models.py OUT SEED

A folder for each case: model.onnx, the table, and case.json with the key, how many marked lines are to be edited, and the answers
by row. See scripts/prove/first-contact.ts.
"""

import json
import sys
import warnings
from pathlib import Path

import catboost
import duckdb
import lightgbm
import numpy as np
import onnx
import onnxmltools
import onnxruntime
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import skl2onnx
import xgboost
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx.common.data_types import StringTensorType
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

OUT = Path(sys.argv[1])
SEED = int(sys.argv[2])
ROWS = 200
NUMBERS = ["age", "income", "score", "height"]
RNG = np.random.default_rng(SEED)
warnings.filterwarnings("ignore")


def customers():
    data = pd.DataFrame(RNG.normal(size=(ROWS, 4)), columns=NUMBERS)
    data["city"] = RNG.choice(["Berlin", "Paris", "Rome"], ROWS)
    data["customer_id"] = np.arange(1000, 1000 + ROWS)
    # What tables have beside features: a date, a category, a flag, counts with holes.
    data["signed_up"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 1000, ROWS), "D")
    data["segment"] = pd.Categorical(RNG.choice(["a", "b"], ROWS))
    data["is_active"] = RNG.random(ROWS) < 0.5
    data["visits"] = pd.array([None if v < 3 else int(v) for v in RNG.integers(0, 30, ROWS)], dtype="Int64")
    data["target"] = (data.age + data.income > 0).astype("int64")
    return data


DATA = customers()
VECTOR = DATA[NUMBERS].to_numpy(dtype=np.float32)
TARGET = DATA.target
PLAIN = {"zipmap": False}


def ask(model, feeds):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(names, feeds)))
    return {name: np.asarray(value).tolist() for name, value in found.items() if not isinstance(value, list)}


def write(data, path, tool):
    """The table as a tool writes it when it is asked for nothing but a file."""
    if tool == "pandas":
        data.to_parquet(path)
    elif tool == "polars":
        pl.from_pandas(data).write_parquet(path)
    elif tool == "polars-arrow":
        pl.from_pandas(data).write_ipc(path)
    elif tool == "duckdb":
        duckdb.from_df(data).write_parquet(str(path))
    elif tool == "pyarrow":
        pq.write_table(pa.Table.from_pandas(data, preserve_index=False), path)
    elif tool == "pandas-csv":
        data.to_csv(path, index=False)
    else:
        data.to_json(path, orient="records", lines=True)


ENDINGS = {"polars-arrow": "arrow", "pandas-csv": "csv", "pandas-jsonl": "jsonl"}


def case(name, model, data, tool, answers, edits=0, key="customer_id", **more):
    folder = OUT / name
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    table = f"table.{ENDINGS.get(tool, 'parquet')}"
    write(data, folder / table, tool)
    rows = data.to_dict("records") if not isinstance(data, pl.DataFrame) else data.to_dicts()
    keys = [row[key] for row in rows]
    first = {k: (v.tolist() if isinstance(v, np.ndarray) else v) for k, v in rows[0].items()}
    facts = {"table": table, "tool": tool, "key": key, "edits": edits, "keys": keys, "first": first, "answers": answers, **more}
    (folder / "case.json").write_text(json.dumps(facts, default=lambda v: v.item() if hasattr(v, "item") else str(v)))


def plain(model, options=PLAIN):
    """Through an array: the ONNX has one input without names."""
    made = skl2onnx.to_onnx(model, VECTOR[:1], options=options)
    onnx.helper.set_model_props(made, {})
    return made


def scikit():
    columns = ColumnTransformer([("n", StandardScaler(), ["age", "income"]), ("c", OneHotEncoder(), ["city"])])
    data = DATA[["age", "income", "city"]].astype({"age": "float32", "income": "float32"})
    mixed = make_pipeline(columns, LogisticRegression()).fit(data, TARGET)
    made = skl2onnx.to_onnx(mixed, data[:1], options=PLAIN)
    feeds = {name: data[[name]].to_numpy() for name in data}
    case("columns", made, DATA, "pandas", ask(made, feeds))

    forest = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=5, random_state=0)).fit(VECTOR, TARGET)
    named = plain(forest)
    onnx.helper.set_model_props(named, {"feature_names": json.dumps(NUMBERS)})
    shuffled = DATA.sample(frac=1, random_state=SEED)
    case("forest", named, shuffled, "pandas", ask(named, {"X": shuffled[NUMBERS].to_numpy(np.float32)}))

    for name, model, tool, options in [
        ("linear", LinearRegression().fit(VECTOR, DATA.income * 2 + 1), "polars", None),
        ("bayes", GaussianNB().fit(VECTOR, TARGET), "polars-arrow", PLAIN),
        ("mlp", MLPRegressor(hidden_layer_sizes=(8,), max_iter=200, random_state=0).fit(VECTOR, DATA.income), "pyarrow", None),
        ("svc", make_pipeline(StandardScaler(), SVC(probability=True, random_state=0)).fit(VECTOR, TARGET), "pandas-csv", PLAIN),
        ("pca", PCA(n_components=2).fit(VECTOR), "duckdb", None),
        ("isolation", IsolationForest(n_estimators=5, random_state=0).fit(VECTOR), "pandas-jsonl", None),
        ("classes", RandomForestClassifier(n_estimators=5, random_state=0).fit(VECTOR, DATA.city), "duckdb", PLAIN),
    ]:
        target = skl2onnx.to_onnx(model, VECTOR[:1], options=options, target_opset={"": 18, "ai.onnx.ml": 3})
        case(name, target, DATA, tool, ask(target, {"X": VECTOR}), edits=1)

    series = DATA[NUMBERS].rename(columns={name: f"f{i}" for i, name in enumerate(NUMBERS)}).assign(customer_id=DATA.customer_id)
    means = plain(KMeans(n_clusters=3, random_state=0, n_init=1).fit(VECTOR), None)
    case("numbered", means, series, "polars", ask(means, {"X": VECTOR}))

    lists = DATA[["customer_id"]].assign(embedding=[row.tolist() for row in VECTOR])
    near = plain(KNeighborsRegressor(n_neighbors=3).fit(VECTOR, DATA.income), None)
    case("lists", near, lists, "pyarrow", ask(near, {"X": VECTOR}))

    texts = [f"{a} {b} {c}" for a, b, c in zip(RNG.choice(["good", "bad", "odd"], ROWS), DATA.city, RNG.choice(["shop", "bar"], ROWS))]
    words = np.array(texts).reshape(-1, 1)
    pipe = make_pipeline(TfidfVectorizer(lowercase=False), LogisticRegression()).fit(texts, [t.startswith("good") for t in texts])
    made = skl2onnx.to_onnx(pipe, initial_types=[("review", StringTensorType([None, 1]))], options=PLAIN)
    reviews = DATA[["customer_id"]].assign(review=texts)
    case("tfidf", made, reviews, "pandas", ask(made, {"review": words.astype(object)}))

    holes = DATA[["age", "income"]].mask(RNG.random((ROWS, 2)) < 0.2)
    fill = ColumnTransformer([("n", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"])])
    small = holes.astype("float32")
    model = make_pipeline(fill, LinearRegression()).fit(small, DATA.score)
    made = skl2onnx.to_onnx(model, small[:1])
    feeds = {name: small[[name]].to_numpy() for name in small}
    case("holes", made, holes.assign(customer_id=DATA.customer_id), "duckdb", ask(made, feeds))


def boosted():
    shape = [("input", FloatTensorType([None, 4]))]
    binary = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(VECTOR, TARGET)
    made = onnxmltools.convert_lightgbm(binary.booster_, initial_types=shape, zipmap=False)
    case("lgbm-binary", made, DATA, "pandas", ask(made, {"input": VECTOR}), edits=1)
    amount = lightgbm.LGBMRegressor(n_estimators=5, verbose=-1).fit(VECTOR, DATA.income)
    made = onnxmltools.convert_lightgbm(amount.booster_, initial_types=shape)
    case("lgbm-amount", made, DATA, "polars", ask(made, {"input": VECTOR}), edits=1)
    flat = xgboost.XGBClassifier(n_estimators=5).fit(VECTOR, TARGET)
    made = onnxmltools.convert_xgboost(flat, initial_types=shape)
    case("xgb-binary", made, DATA, "duckdb", ask(made, {"input": VECTOR}), edits=1)
    many = xgboost.XGBRegressor(n_estimators=5).fit(VECTOR, DATA.income)
    made = onnxmltools.convert_xgboost(many, initial_types=shape)
    case("xgb-amount", made, DATA, "pyarrow", ask(made, {"input": VECTOR}), edits=1)
    for name, model, tool in [
        ("cat-binary", catboost.CatBoostClassifier(iterations=5, verbose=0, allow_writing_files=False).fit(VECTOR, TARGET), "pandas"),
        ("cat-amount", catboost.CatBoostRegressor(iterations=5, verbose=0, allow_writing_files=False).fit(VECTOR, DATA.income), "polars-arrow"),
    ]:
        path = OUT / f"{name}.onnx"
        model.save_model(str(path), format="onnx")
        made = onnx.load(str(path))
        path.unlink()
        case(name, made, DATA, tool, ask(made, {"features": VECTOR}), edits=1)


def tensor(name, kind, dims):
    return h.make_tensor_value_info(name, kind, dims)


def network(nodes, inputs, outputs, weights):
    named = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    made = h.make_model(h.make_graph(nodes, "g", inputs, outputs, named), opset_imports=[h.make_opsetid("", 18)])
    made.ir_version = 9
    return made


def floats(*shape):
    return RNG.normal(0, 0.5, shape).astype(np.float32)


def networks():
    """A recommender of two towers, and networks over lists of any length, as frameworks export them."""
    pairs = pd.DataFrame({"pair_id": np.arange(ROWS), "user": RNG.integers(0, 50, ROWS), "item": RNG.integers(0, 80, ROWS)})
    pairs["price"] = RNG.random(ROWS)
    towers = network(
        [
            h.make_node("Gather", ["users", "user"], ["u"]),
            h.make_node("Gather", ["items", "item"], ["i"]),
            h.make_node("Mul", ["u", "i"], ["m"]),
            h.make_node("ReduceSum", ["m", "axis"], ["s"], keepdims=0),
            h.make_node("Sub", ["s", "price"], ["logit"]),
            h.make_node("Sigmoid", ["logit"], ["click"]),
        ],
        [tensor("user", T.INT64, ["N"]), tensor("item", T.INT64, ["N"]), tensor("price", T.FLOAT, ["N"])],
        [tensor("click", T.FLOAT, ["N"])],
        {"users": floats(50, 8), "items": floats(80, 8), "axis": np.array([1])},
    )
    feeds = {"user": pairs.user.to_numpy(), "item": pairs.item.to_numpy(), "price": pairs.price.to_numpy(np.float32)}
    case("two-tower", towers, pairs, "pandas", ask(towers, feeds), key="pair_id")

    tokens = [RNG.integers(1, 40, RNG.integers(1, 20)).tolist() for _ in range(ROWS)]
    encoder = network(
        [
            h.make_node("Gather", ["table", "input_ids"], ["x"]),
            h.make_node("Cast", ["attention_mask"], ["m"], to=T.FLOAT),
            h.make_node("Unsqueeze", ["m", "last"], ["m3"]),
            h.make_node("Mul", ["x", "m3"], ["kept"]),
            h.make_node("ReduceSum", ["kept", "axis"], ["sum"], keepdims=0),
            h.make_node("ReduceSum", ["m3", "axis"], ["count"], keepdims=0),
            h.make_node("Div", ["sum", "count"], ["mean"]),
            h.make_node("Tanh", ["mean"], ["sentence_embedding"]),
        ],
        [tensor("input_ids", T.INT64, ["batch", "sequence"]), tensor("attention_mask", T.INT64, ["batch", "sequence"])],
        [tensor("sentence_embedding", T.FLOAT, ["batch", 6])],
        {"table": floats(40, 6), "axis": np.array([1]), "last": np.array([2])},
    )
    alone = [ask(encoder, {"input_ids": np.array([t]), "attention_mask": np.ones((1, len(t)), np.int64)}) for t in tokens]
    answers = {"sentence_embedding": [a["sentence_embedding"][0] for a in alone]}
    data = pd.DataFrame({"doc_id": [f"doc-{i}" for i in range(ROWS)], "tokens": tokens})
    case("encoder", encoder, data, "polars", answers, key="doc_id")

    series = [RNG.normal(size=RNG.integers(1, 12)).astype(np.float32).tolist() for _ in range(ROWS)]
    size = 4
    gru = network(
        [
            h.make_node("Transpose", ["series"], ["turned"], perm=[1, 0]),
            h.make_node("Unsqueeze", ["turned", "last"], ["steps"]),
            h.make_node("GRU", ["steps", "w", "r"], ["", "state"], hidden_size=size),
            h.make_node("Squeeze", ["state", "first"], ["flat"]),
            h.make_node("MatMul", ["flat", "out"], ["next"]),
        ],
        [tensor("series", T.FLOAT, ["N", "T"])],
        [tensor("next", T.FLOAT, ["N", 1])],
        {"w": floats(1, 3 * size, 1), "r": floats(1, 3 * size, size), "out": floats(size, 1), "last": np.array([2]), "first": np.array([0])},
    )
    answers = {"next": [ask(gru, {"series": np.array([s], np.float32)})["next"][0] for s in series]}
    data = pd.DataFrame({"sensor_id": np.arange(ROWS), "series": series})
    case("series", gru, data, "pandas-jsonl", answers, key="sensor_id")


if __name__ == "__main__":
    scikit()
    boosted()
    networks()
