"""XGBoost models for trainers_models.py."""

import json

import numpy as np
import pandas as pd
import xgboost as xgb
from trainer_rows import CITIES, score

CONTRIBUTIONS = 24
VERSION = tuple(int(part) for part in xgb.__version__.split(".")[:2])


def thresholds(text, width):
    """Conditions of numeric nodes by feature, from the JSON of a model."""
    found = [[] for _ in range(width)]
    booster = json.loads(text)["learner"]["gradient_booster"]
    booster = booster.get("gbtree", booster)
    for tree in booster["model"]["trees"]:
        for left, feature, condition in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"]):
            if left != -1 and condition is not None and np.isfinite(condition):
                found[feature].append(condition)
    return found


def make(cases):
    x = cases.train.astype("float32")
    signal = score(x.astype("float64"))
    rng = np.random.default_rng(cases.options.seed)
    noisy = signal + rng.normal(size=len(x)) * 0.5
    binary = (noisy > np.quantile(noisy, 0.7)).astype(int)
    classes = np.digitize(noisy, np.quantile(noisy, [0.3, 0.6, 0.8]))
    positive = np.exp(noisy / 3) + 0.01
    basis = {"verbosity": 0, "nthread": 1, "seed": cases.options.seed, "eta": 0.3, "tree_method": "hist"}
    basis |= {"max_depth": 6} if cases.options.big else {"max_depth": 3}
    rounds = 60 if cases.options.big else 6
    saved = cases.out / "saved"

    def answer(name, suffix, booster, salt, table=None, used=(0, 0), **facts):
        path = saved.with_suffix(f".{suffix}")
        booster.save_model(path)
        model = path.read_bytes()
        path.unlink()
        width = booster.num_features()
        try:
            places = thresholds(booster.save_raw("json").decode(), width)
        except KeyError:
            places = [[] for _ in range(width)]
        rows = cases.rows(places, "float32", salt)
        # XGBoost takes no infinities.
        rows[np.isinf(rows)] = np.sign(rows[np.isinf(rows)]) * np.float32(3.4e38)
        made = matrix(booster, rows) if table is None else table(rows)
        raw = booster.predict(made, output_margin=True, iteration_range=used)
        answers = booster.predict(made, iteration_range=used)
        arrays = {"rows": rows, "raw": raw.reshape(len(rows), -1), "answers": answers.reshape(len(rows), -1)}
        if facts.pop("explained", True):
            step = max(1, len(rows) // CONTRIBUTIONS)
            picked = rows[::step][:CONTRIBUTIONS]
            part = (matrix(booster, picked) if table is None else table(picked))
            shapes = booster.predict(part, pred_contribs=True, iteration_range=used)
            arrays |= {"explained": picked, "contributions": shapes.reshape(len(picked), -1).astype("float32")}
            arrays["leaves"] = booster.predict(made, pred_leaf=True, iteration_range=used).reshape(len(rows), -1)
        cases.add(f"xgboost_{name}", suffix, model, {k: v.astype("float32") for k, v in arrays.items()}, version=xgb.__version__, **facts)

    def matrix(booster, rows):
        return xgb.DMatrix(rows, feature_names=booster.feature_names, feature_types=booster.feature_types, **categorical)

    categorical = {}

    def add(name, label, salt, suffix="json", rounds=rounds, group=None, explained=True, **params):
        made = xgb.DMatrix(x, label)
        if group is not None:
            made.set_group(group)
        booster = xgb.train(basis | params, made, rounds)
        answer(name, suffix, booster, salt, explained=explained)

    add("binary", binary, 1, objective="binary:logistic")
    add("binary_ubj", binary, 1, suffix="ubj", objective="binary:logistic")
    add("base_set", binary, 2, suffix="ubj", objective="binary:logistic", base_score=0.123)
    add("logitraw", binary, 3, rounds=2, objective="binary:logitraw", base_score=0.4)
    add("logistic", binary * 0.9, 4, rounds=2, objective="reg:logistic")
    add("hinge", binary, 5, rounds=2, objective="binary:hinge")
    add("squared", noisy, 6, suffix="ubj", objective="reg:squarederror")
    add("exact", noisy, 7, objective="reg:squarederror", tree_method="exact", base_score=-1.7, gamma=20.0)
    for i, name in enumerate(["count:poisson", "reg:gamma", "reg:tweedie"]):
        add(name.split(":")[1], positive, 10 + i, rounds=2, objective=name)
    add("gamma_base", positive, 13, suffix="ubj", rounds=2, objective="reg:gamma", base_score=1.9)
    for i, name in enumerate(["reg:pseudohubererror", "reg:absoluteerror", "reg:squaredlogerror"]):
        add(name.split(":")[1], positive, 14 + i, suffix="ubj", rounds=2, objective=name)
    add("cox", positive, 17, rounds=2, objective="survival:cox")
    add("softprob", classes, 20, rounds=3, objective="multi:softprob", num_class=4)
    add("softmax", classes, 21, suffix="ubj", rounds=3, objective="multi:softmax", num_class=4)
    groups = [50] * (len(x) // 50)
    add("ndcg", classes, 22, group=groups, objective="rank:ndcg")
    add("pairwise", classes, 23, suffix="ubj", rounds=2, group=groups, objective="rank:pairwise")
    add("dart", binary, 24, objective="binary:logistic", booster="dart", rate_drop=0.5, one_drop=1)
    add("dart_ubj", classes, 25, suffix="ubj", rounds=3, objective="multi:softprob", num_class=4, booster="dart", rate_drop=0.5)
    add("forest", binary, 26, rounds=2, objective="binary:logistic", num_parallel_tree=3, subsample=0.5, colsample_bynode=0.5)
    add("forest_classes", classes, 27, suffix="ubj", rounds=2, objective="multi:softprob", num_class=4, num_parallel_tree=2, subsample=0.5)
    add("leaves", binary, 28, rounds=2, objective="binary:logistic", min_child_weight=1e9)
    add("zero_steps", (x[:, 3] > 0).astype(int), 29, rounds=2, objective="binary:logistic", base_score=0.5)

    categorical["enable_categorical"] = True
    types = ["q"] * (x.shape[1] - 2) + ["c", "c"]
    sets = {"max_cat_to_onehot": 3, "min_child_weight": 0, "lambda": 0.1}
    coded = xgb.DMatrix(x, noisy, feature_types=types, enable_categorical=True)
    answer("categorical", "json", xgb.train(basis | sets | {"objective": "reg:squarederror"}, coded, rounds), 30)
    answer("categorical_ubj", "ubj", xgb.train(basis | sets | {"objective": "reg:squarederror"}, coded, rounds), 31)
    onehot = basis | sets | {"max_cat_to_onehot": 100}
    answer("onehot", "json", xgb.train(onehot | {"objective": "reg:squarederror"}, coded, rounds), 32)

    # A table with texts: XGBoost 3.1 and later keep them in the file. Rows here are codes, which a table gives by the same list.
    def table(rows, cities=tuple(city for city in CITIES if city.isascii())):
        made = pd.DataFrame(rows[:, :-2], columns=[f"column {i}" for i in range(rows.shape[1] - 2)])
        codes = np.nan_to_num(rows[:, -2], nan=-1, posinf=-1, neginf=-1)
        known = (codes >= 0) & (codes < len(cities)) & (codes == np.floor(codes))
        made["city"] = pd.Categorical.from_codes(np.where(known, codes, -1).astype(int), list(cities))
        made["grade"] = pd.Categorical(np.where(np.isin(rows[:, -1], range(45)), rows[:, -1], np.nan), categories=range(45))
        rows[:, -2] = np.where(known, codes, np.nan)
        rows[:, -1] = np.where(np.isin(rows[:, -1], range(45)), rows[:, -1], np.nan)
        return xgb.DMatrix(made, enable_categorical=True)

    frame = table(x.copy())
    frame.set_label(binary)
    booster = xgb.train(basis | sets | {"objective": "binary:logistic"}, frame, rounds)
    answer("table", "json", booster, 33, table)
    answer("table_ubj", "ubj", booster, 34, table)
    if VERSION >= (3, 1):
        # XGBoost of before 3.4 cuts these texts in wrong places.
        frame = table(x.copy(), CITIES)
        frame.set_label(binary)
        booster = xgb.train(basis | sets | {"objective": "binary:logistic"}, frame, 1)
        answer("letters_refused", "json", booster, 35, lambda rows: table(rows, CITIES))

    watched = {"num_boost_round": 8, "early_stopping_rounds": 2, "verbose_eval": False}
    flipped = xgb.DMatrix(x[::3], 1 - binary[::3])
    booster = xgb.train(basis | {"objective": "binary:logistic"}, xgb.DMatrix(x, binary), evals=[(flipped, "v")], **watched)
    answer("stopped", "json", booster, 35)
    wrapper = xgb.XGBClassifier(n_estimators=8, max_depth=3, early_stopping_rounds=2, n_jobs=1, learning_rate=0.3)
    wrapper.fit(x, classes, eval_set=[(x[::3], (classes[::3] + 1) % 4)], verbose=False)
    # Saved by the wrapper, as its users do, which marks the file.
    wrapper.save_model(cases.out / "wrapper.json")
    (cases.out / "wrapper.json").unlink()
    booster = wrapper.get_booster()
    meta = json.dumps({"_estimator_type": "classifier"})
    booster.set_attr(scikit_learn=meta)
    answer("stopped_wrapper", "json", booster, 36, used=(0, wrapper.best_iteration + 1))

    if VERSION >= (2, 0):
        both = np.stack([noisy, positive], axis=1)
        add("targets", both, 40, rounds=3, objective="reg:squarederror")
        add("quantiles", noisy, 41, suffix="ubj", rounds=2, objective="reg:quantileerror", quantile_alpha=np.array([0.1, 0.5, 0.9]))
        add("vectors_refused", both, 42, rounds=2, objective="reg:squarederror", multi_strategy="multi_output_tree", explained=False)
    if VERSION >= (3, 1):
        add("base_list", classes, 43, rounds=2, objective="multi:softprob", num_class=4, base_score=[0.1, -0.2, 0.3, 1.5])
        add("base_zero", np.zeros(len(x)), 44, rounds=1, objective="binary:logistic")
    add("linear_refused", noisy, 50, rounds=2, objective="reg:squarederror", booster="gblinear", tree_method="auto", explained=False)
