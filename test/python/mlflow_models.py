"""Models of every flavour in a real MLflow: mlflow_models.py TRACKING OUT [ROWS [SEED [catboost]]]

Trains small ones, logs and registers them by MLflow's own API, gives alias `champion` and stage `Production` to version 1 of each, and writes to OUT
rows.parquet (id, f0 … f7, float32) and answers.json: what each flavour itself answers for these rows, raw scores of trees. Prints what was made as JSON.
"""

import json
import os
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false")

import lightgbm
import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression

NAMES = [f"f{i}" for i in range(8)]
# Whatever MLflow would find out of the machine by importing and asking an index: not what is tried here.
PLAIN = {"pip_requirements": ["none"]}


def network(rng):
    """Two layers; the graph is named as its exporter likes."""
    parts = {"w1": rng.normal(size=(8, 64)), "b1": rng.normal(size=64), "w2": rng.normal(size=(64, 1)), "b2": rng.normal(size=1)}
    tensors = [numpy_helper.from_array(part.astype(np.float32), name) for name, part in parts.items()]
    nodes = [
        helper.make_node("Gemm", ["features", "w1", "b1"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "w2", "b2"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["p"]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", 8])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, ["N", 1])],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def main():
    tracking, out = sys.argv[1], Path(sys.argv[2])
    rows = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    with_catboost = "catboost" in sys.argv[5:]
    out.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(tracking)
    client = mlflow.MlflowClient()
    mlflow.set_experiment("imports")
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(1000, 8)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=1000) * 0.3 > 0).astype(int)
    test = rng.normal(size=(rows, 8)).astype(np.float32)
    table = {"id": np.arange(rows, dtype=np.int64), **{name: test[:, i] for i, name in enumerate(NAMES)}}
    pq.write_table(pa.table(table), out / "rows.parquet")
    frame = pd.DataFrame(test, columns=NAMES)
    columns = ModelSignature(Schema([ColSpec(DataType.float, name) for name in NAMES]))
    answers, made = {}, {}

    def register(name, log, answer):
        with mlflow.start_run() as run:
            mlflow.log_params({"seed": seed, "flavour": name})
            mlflow.log_metrics({"auc": 0.5 + len(name) / 100, "loss": 0.25})
            if name == "lgb":
                mlflow.log_input(mlflow.data.from_pandas(frame, source="s3://lake/flights/2026", name="flights"), context="training")
            if name == "net":
                mlflow.set_tag("mlflow.source.git.commit", "c0ffee" + "0" * 34)
            info = log()
        version = mlflow.register_model(info.model_uri, name)
        client.set_registered_model_alias(name, "champion", version.version)
        client.transition_model_version_stage(name, version.version, "Production")
        answers[name] = np.asarray(answer(f"models:/{name}@champion"), dtype=np.float64).reshape(rows).tolist()
        made[name] = {"runId": run.info.run_id, "version": int(version.version)}

    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, lightgbm.Dataset(x, y, feature_name=NAMES), 20)
    register("lgb", lambda: mlflow.lightgbm.log_model(booster, name="model", signature=columns, **PLAIN), lambda uri: mlflow.lightgbm.load_model(uri).predict(test, raw_score=True))

    matrix = xgboost.DMatrix(x, y, feature_names=NAMES)
    trees = xgboost.train({"objective": "binary:logistic", "nthread": 1, "max_depth": 4}, matrix, 20)
    for form in ("ubj", "json"):
        register(
            f"xgb_{form}",
            lambda form=form: mlflow.xgboost.log_model(trees, name="model", signature=columns, model_format=form, **PLAIN),
            lambda uri: mlflow.xgboost.load_model(uri).predict(xgboost.DMatrix(frame), output_margin=True),
        )

    # Its package is larger than all others together.
    if with_catboost:
        import catboost

        cat = catboost.CatBoostClassifier(iterations=20, depth=4, verbose=False, thread_count=1, allow_writing_files=False)
        cat.fit(pd.DataFrame(x, columns=NAMES), y)
        register("cat", lambda: mlflow.catboost.log_model(cat, name="model", signature=columns, **PLAIN), lambda uri: mlflow.catboost.load_model(uri).predict(frame, prediction_type="RawFormulaVal"))

    tensors = ModelSignature(Schema([TensorSpec(np.dtype(np.float32), (-1, 8), "features")]), Schema([TensorSpec(np.dtype(np.float32), (-1, 1), "p")]))
    register(
        "net",
        lambda: mlflow.onnx.log_model(network(rng), name="model", signature=tensors, **PLAIN),
        lambda uri: mlflow.pyfunc.load_model(uri).predict({"features": test})["p"],
    )
    # A second version, whose signature is of another graph.
    wrong = ModelSignature(Schema([TensorSpec(np.dtype(np.float64), (-1, 9), "other")]), Schema([TensorSpec(np.dtype(np.float32), (-1, 1), "p")]))
    with mlflow.start_run():
        info = mlflow.onnx.log_model(network(rng), name="model", signature=wrong, **PLAIN)
    made["net"]["second"] = int(mlflow.register_model(info.model_uri, "net").version)

    with mlflow.start_run():
        info = mlflow.sklearn.log_model(LogisticRegression().fit(x, y), name="model", serialization_format="pickle", **PLAIN)
    mlflow.register_model(info.model_uri, "logit")

    (out / "answers.json").write_text(json.dumps(answers))
    print(json.dumps({"made": made}))


main()
