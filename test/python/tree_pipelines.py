"""Pipelines around trees in ONNX, for fixtures/tree-pipelines: tree_pipelines.py OUT. Made with scikit-learn 1.9.1 and skl2onnx 1.20.0."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(0)
x = rng.normal(size=(500, 4)).astype("float32")
classes = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(int) + (x[:, 3] > 1)
target = x[:, 0] * 2 + x[:, 3]
table = pd.DataFrame(x, columns=list("abcd"))
table["city"] = np.where(x[:, 0] > 0, "Ulm", "Oslo")

forest = RandomForestClassifier(5, max_depth=4, random_state=0)
made = make_pipeline(SimpleImputer(), StandardScaler(), forest).fit(x, classes)
kept = skl2onnx.to_onnx(made, x[:1], options={"zipmap": False})
(out / "scaled_forest.onnx").write_bytes(kept.SerializeToString())

for name, parts, columns in [
    ("joined_columns", [(StandardScaler(), ["c", "a"]), ("passthrough", ["d"])], ["c", "a", "d"]),
    ("one_hot", [(OneHotEncoder(sparse_output=False), ["city"]), ("passthrough", ["d"])], ["city", "d"]),
]:
    boosting = GradientBoostingRegressor(n_estimators=5, random_state=0)
    made = make_pipeline(make_column_transformer(*parts), boosting).fit(table[columns], target)
    types = [(c, (StringTensorType if c == "city" else FloatTensorType)([None, 1])) for c in columns]
    (out / f"{name}.onnx").write_bytes(skl2onnx.convert_sklearn(made, initial_types=types).SerializeToString())

# Of rows of four values the trees ask for one or two, not the last: how wide rows are is not seen from the trees.
stump = GradientBoostingRegressor(n_estimators=2, max_depth=1, random_state=0)
picked = make_column_transformer((StandardScaler(), [3, 0]), ("passthrough", [2, 1]))
twice = make_column_transformer((StandardScaler(), [0, 1]), ("passthrough", [0]))
for name, made, width in [
    ("picked_columns", make_pipeline(picked, stump), 4),
    ("column_twice", make_pipeline(twice, GradientBoostingRegressor(n_estimators=5, random_state=0)), 4),
    ("open_width", stump, None),
]:
    types = [("X", FloatTensorType([None, width]))]
    kept = skl2onnx.convert_sklearn(made.fit(x, x[:, 0]), initial_types=types)
    (out / f"{name}.onnx").write_bytes(kept.SerializeToString())
