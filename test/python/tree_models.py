"""Small tree models as converters write them: tree_models.py OUT

Made once and committed under fixtures/trees, since training takes longer than a test may. Pins: trainers-requirements.txt.
What they answer is asked of ONNX Runtime by the test.
"""

import sys
import warnings
from pathlib import Path

import catboost
import lightgbm
import numpy as np
import onnx.helper
import onnxmltools
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as Floats
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import pandas as pd

warnings.filterwarnings("ignore")
OUT = Path(sys.argv[1])
ROWS = 600
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, 6)).astype(np.float32)
X[:, 3] = RANDOM.integers(0, 5, ROWS)
X[:, 4] = np.exp(X[:, 4] * 3)
SUM = X[:, 0] + X[:, 1] * X[:, 2] + 0.3 * X[:, 3]
TWO = (SUM > 0.6).astype(int)
FOUR = np.digitize(SUM, [-1, 0.5, 2])
NAMES = np.array(["low", "fair", "good", "high"])[FOUR]
VALUE = SUM.astype(np.float32)
CITY = RANDOM.choice(["Berlin", "Paris", "Rome"], ROWS)

# skl2onnx hands numbers of numpy through, which newer versions of onnx refuse.
plain = onnx.helper.make_attribute


def make_attribute(key, value, *args, **kwargs):
    if isinstance(value, list):
        value = [one.item() if isinstance(one, np.generic) else one for one in value]
        value = [int(one) if isinstance(one, bool) else one for one in value]
    return plain(key, value, *args, **kwargs)


onnx.helper.make_attribute = make_attribute


def save(name, model):
    (OUT / f"{name}.onnx").write_bytes(model.SerializeToString())


def sklearn(name, model, target, zipmap=None, ml=3, inputs=None):
    options = None if zipmap is None else {id(model): {"zipmap": zipmap}}
    opset = {"": 21 if ml == 5 else 18, "ai.onnx.ml": ml}
    sample = None if inputs else X[:1]
    save(name, to_onnx(model, sample, initial_types=inputs, target_opset=opset, options=options))


def fit(model, target):
    return model.fit(X, target)


sklearn("forest_two", fit(RandomForestClassifier(12, max_depth=5, random_state=0), TWO), TWO, zipmap=False)
sklearn("forest_names", fit(RandomForestClassifier(8, max_depth=5, random_state=0), NAMES), NAMES, zipmap=True)
sklearn("forest_deep", fit(RandomForestClassifier(3, min_samples_leaf=1, random_state=0, max_features=1), (RANDOM.random(ROWS) * 4).astype(int)), FOUR, zipmap=False)
sklearn("forest_value", fit(RandomForestRegressor(10, max_depth=5, random_state=0), VALUE), VALUE)
sklearn("forest_values", fit(RandomForestRegressor(8, max_depth=4, random_state=0), np.stack([VALUE, -VALUE], 1)), VALUE)
sklearn("forest_ml5", fit(RandomForestRegressor(8, max_depth=4, random_state=0), VALUE), VALUE, ml=5)
sklearn("extra_two", fit(ExtraTreesClassifier(8, max_depth=6, random_state=0), TWO), TWO, zipmap=False)
sklearn("tree_four", fit(DecisionTreeClassifier(max_depth=5), FOUR), FOUR, zipmap=True)
sklearn("boosting_two", fit(GradientBoostingClassifier(n_estimators=15, random_state=0), TWO), TWO, zipmap=False)
sklearn("boosting_four", fit(GradientBoostingClassifier(n_estimators=6, random_state=0), FOUR), FOUR, zipmap=True)
sklearn("boosting_value", fit(GradientBoostingRegressor(n_estimators=15, random_state=0), VALUE), VALUE)
sklearn("isolation", fit(IsolationForest(n_estimators=4, max_samples=64, random_state=0), None), None)
sklearn("ada", fit(AdaBoostClassifier(n_estimators=3, random_state=0), FOUR), FOUR, zipmap=False)
sklearn("scaled_forest", fit(make_pipeline(StandardScaler(), RandomForestClassifier(8, max_depth=5, random_state=0)), TWO), TWO, zipmap=False)
for name, model, target in [
    ("hist_two", HistGradientBoostingClassifier(max_iter=10), TWO),
    ("hist_four", HistGradientBoostingClassifier(max_iter=5), FOUR),
    ("hist_value", HistGradientBoostingRegressor(max_iter=10), VALUE),
]:
    with_gaps = X.copy()
    with_gaps[RANDOM.random(X.shape) < 0.1] = np.nan
    model.fit(with_gaps, target)
    try:
        sklearn(name, model, target, zipmap=False if name != "hist_value" else None)
    except Exception as error:
        print(name, repr(error.__cause__)[:300], file=sys.stderr)

table = pd.DataFrame(X, columns=[f"f{i}" for i in range(6)]).assign(city=CITY)
numbers = ("numbers", StandardScaler(), [f"f{i}" for i in range(6)])
city = ("city", OneHotEncoder(handle_unknown="ignore"), ["city"])
mixed = Pipeline([("columns", ColumnTransformer([numbers, city])), ("trees", GradientBoostingClassifier(n_estimators=6))])
mixed.fit(table, FOUR)
types = [(f"f{i}", FloatTensorType([None, 1])) for i in range(6)] + [("city", StringTensorType([None, 1]))]
sklearn("mixed_boosting", mixed, FOUR, zipmap=False, inputs=types)


def light(name, params, target, rounds=12, zipmap=False):
    params = {"num_leaves": 15, "verbose": -1, "num_threads": 1, **params}
    booster = lightgbm.train(params, lightgbm.Dataset(X, target), rounds)
    types = [("input", Floats([None, X.shape[1]]))]
    save(name, onnxmltools.convert_lightgbm(booster, initial_types=types, zipmap=zipmap, target_opset=15))


light("light_two", {"objective": "binary"}, TWO)
light("light_four", {"objective": "multiclass", "num_class": 4}, FOUR, rounds=5, zipmap=True)
light("light_ova", {"objective": "multiclassova", "num_class": 4}, FOUR, rounds=5)
light("light_value", {"objective": "regression"}, VALUE)
light("light_count", {"objective": "poisson"}, np.abs(VALUE))
light("light_forest", {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}, TWO)
light("light_large", {"objective": "regression", "num_leaves": 300, "min_data_in_leaf": 1}, VALUE, rounds=3)


def gradient(name, params, target, rounds=10):
    booster = xgboost.train({"nthread": 1, "max_depth": 4, **params}, xgboost.DMatrix(X, target), rounds)
    types = [("input", Floats([None, X.shape[1]]))]
    save(name, onnxmltools.convert_xgboost(booster, initial_types=types, target_opset=15))


gradient("xgb_two", {"objective": "binary:logistic"}, TWO)
gradient("xgb_four", {"objective": "multi:softprob", "num_class": 4}, FOUR, rounds=5)
gradient("xgb_value", {"objective": "reg:squarederror"}, VALUE)

for name, model, target in [
    ("cat_two", catboost.CatBoostClassifier(iterations=12, depth=4, verbose=0, allow_writing_files=False), TWO),
    ("cat_four", catboost.CatBoostClassifier(iterations=6, depth=4, verbose=0, allow_writing_files=False), FOUR),
    ("cat_value", catboost.CatBoostRegressor(iterations=12, depth=4, verbose=0, allow_writing_files=False), VALUE),
]:
    fit(model, target).save_model(str(OUT / f"{name}.onnx"), format="onnx")
