"""Models, model files of other tools and tables as their tools write them by default: first_contact.py OUT

Made once and committed under fixtures/first-contact, since training takes longer than a test may. Pins: trainers-requirements.txt.
expected.json holds what onnxruntime in Python answers for the tables.
"""

import gzip
import json
import pickle
import sys
from pathlib import Path

import catboost
import duckdb
import fastavro
import joblib
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
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

OUT = Path(sys.argv[1])
NUMBERS = ["age", "income", "score", "height"]


def table(rows=60):
    rng = np.random.default_rng(7)
    made = pd.DataFrame(rng.normal(size=(rows, 4)).astype("float32"), columns=NUMBERS)
    made["city"] = rng.choice(["Berlin", "Paris", "Rome"], rows)
    made["customer_id"] = np.arange(1000, 1000 + rows)
    made["target"] = (made.age + made.income > 0).astype("int64")
    return made


def save(model, name):
    path = OUT / "models" / name
    path.write_bytes(model.SerializeToString())
    return path


def ask(path, feeds):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(names, feeds)))
    return {name: np.asarray(value).tolist() for name, value in found.items() if not isinstance(value, list)}


def models(data):
    numbers, target = data[NUMBERS], data.target
    vector = numbers.to_numpy()
    forest = make_pipeline(StandardScaler(), RandomForestClassifier(3, random_state=0)).fit(numbers, target)
    plain = skl2onnx.to_onnx(forest, vector[:1], options={"zipmap": False})
    onnx.helper.set_model_props(plain, {})
    expected = {"forest": ask(save(plain, "forest.onnx"), {"X": vector})}
    named = skl2onnx.to_onnx(forest, vector[:1], options={"zipmap": False})
    onnx.helper.set_model_props(named, {"feature_names": json.dumps(NUMBERS)})
    expected["named"] = ask(save(named, "named.onnx"), {"X": vector})
    columns = ColumnTransformer([("n", StandardScaler(), ["age", "income"]), ("c", OneHotEncoder(), ["city"])])
    mixed = make_pipeline(columns, LogisticRegression()).fit(data[["age", "income", "city"]], target)
    feeds = {name: data[[name]].to_numpy() for name in ("age", "income", "city")}
    made = skl2onnx.to_onnx(mixed, data[["age", "income", "city"]][:1], options={"zipmap": False})
    expected["columns"] = ask(save(made, "columns.onnx"), feeds)
    linear = LinearRegression().fit(numbers, target)
    expected["linear"] = ask(save(skl2onnx.to_onnx(linear, vector[:1]), "linear.onnx"), {"X": vector})

    booster = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(numbers, target)
    shape = [("input", FloatTensorType([None, 4]))]
    made = onnxmltools.convert_lightgbm(booster.booster_, initial_types=shape, zipmap=False)
    expected["lightgbm"] = ask(save(made, "lightgbm.onnx"), {"input": vector})
    boosted = xgboost.XGBClassifier(n_estimators=3).fit(numbers, target)
    cat = catboost.CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False).fit(numbers, target)
    cat.save_model(str(OUT / "models" / "catboost.onnx"), format="onnx")
    expected["catboost"] = ask(OUT / "models" / "catboost.onnx", {"features": vector})
    (OUT / "expected.json").write_text(json.dumps(expected))
    return forest, linear, booster, boosted, cat


def foreign(forest, linear, booster, boosted, cat):
    out = OUT / "foreign"
    booster.booster_.save_model(str(out / "lightgbm.txt"))
    (out / "lightgbm.json").write_text(json.dumps(booster.booster_.dump_model()))
    (out / "lightgbm.pkl").write_bytes(pickle.dumps(booster))
    boosted.save_model(str(out / "xgboost.json"))
    boosted.save_model(str(out / "xgboost.ubj"))
    boosted.get_booster().dump_model(str(out / "xgboost.txt"))
    (out / "xgboost.pkl").write_bytes(pickle.dumps(boosted))
    cat.save_model(str(out / "catboost.cbm"))
    cat.save_model(str(out / "catboost.json"), format="json")
    cat.save_model(str(out / "catboost.mlmodel"), format="coreml")
    cat.save_model(str(out / "catboost.pmml"), format="pmml")
    (out / "catboost.pkl").write_bytes(pickle.dumps(cat))
    (out / "sklearn.pkl").write_bytes(pickle.dumps(linear))
    (out / "sklearn_old.pkl").write_bytes(pickle.dumps(linear, protocol=0))
    joblib.dump(forest, out / "sklearn.joblib")
    joblib.dump(linear, out / "sklearn_packed.joblib", compress=3)
    joblib.dump(linear, out / "sklearn.pkl.gz")
    joblib.dump(linear, out / "sklearn.pkl.xz")
    (out / "forest.onnx.gz").write_bytes(gzip.compress((OUT / "models" / "forest.onnx").read_bytes(), mtime=0))
    weights = np.random.default_rng(1).normal(size=600).astype("float32")
    big = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])],
            "g",
            [onnx.helper.make_tensor_value_info("x", 1, ["N", 30])],
            [onnx.helper.make_tensor_value_info("y", 1, ["N", 20])],
            [onnx.numpy_helper.from_array(weights.reshape(30, 20), "w")],
        )
    )
    onnx.save(big, str(out / "external.onnx"), save_as_external_data=True, location="external.onnx.data", size_threshold=0)


def tables(data):
    out = OUT / "tables"
    data.to_parquet(out / "pandas.parquet")
    data.sample(frac=1, random_state=3).to_parquet(out / "pandas_index.parquet")
    pl.from_pandas(data).write_parquet(out / "polars.parquet")
    pl.from_pandas(data).write_ipc(out / "polars.arrow")
    duckdb.from_df(data).write_parquet(str(out / "duckdb.parquet"))
    pq.write_table(pa.Table.from_pandas(data, preserve_index=False), out / "pyarrow.parquet")
    data.to_csv(out / "other.csv", index=False)
    data.to_json(out / "other.jsonl", orient="records", lines=True)
    data.to_orc(out / "other.orc")
    data.head(5).to_excel(out / "other.xlsx", index=False)
    data.to_pickle(out / "other.pkl")
    data.drop(columns="city").to_stata(out / "other.dta", write_index=False)
    np.save(out / "other.npy", data[NUMBERS].to_numpy())
    schema = {"type": "record", "name": "row", "fields": [{"name": name, "type": "float"} for name in NUMBERS]}
    with open(out / "other.avro", "wb") as file:
        fastavro.writer(file, schema, data[NUMBERS].astype(float).to_dict("records"), sync_marker=b"0" * 16)


if __name__ == "__main__":
    for folder in ("models", "foreign", "tables"):
        (OUT / folder).mkdir(parents=True, exist_ok=True)
    rows = table()
    tables(rows)
    foreign(*models(rows))
