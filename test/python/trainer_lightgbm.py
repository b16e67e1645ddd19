"""LightGBM models for trainers_models.py."""

import lightgbm as lgb
import numpy as np
import pandas as pd
from trainer_rows import CITIES, score

CONTRIBUTIONS = 24


def thresholds(text, width):
    """Thresholds of numeric nodes by feature, from the text of a model."""
    found = [[] for _ in range(width)]
    kept = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key in ("split_feature", "threshold", "decision_type"):
            kept[key] = value.split()
        if key == "decision_type":
            for feature, threshold, kind in zip(kept["split_feature"], kept["threshold"], kept["decision_type"]):
                if int(kind) & 1 == 0:
                    found[int(feature)].append(float(threshold))
    return found


def make(cases):
    x = cases.train
    signal = score(x)
    rng = np.random.default_rng(cases.options.seed)
    noisy = signal + rng.normal(size=len(x)) * 0.5
    binary = (noisy > np.median(noisy)).astype(int)
    classes = np.digitize(noisy, np.quantile(noisy, [0.3, 0.6, 0.8]))
    positive = np.exp(noisy / 3) + 0.01
    basis = {"verbose": -1, "num_threads": 1, "seed": cases.options.seed, "deterministic": True, "force_row_wise": True}
    basis |= {"num_leaves": 31, "learning_rate": 0.1} if cases.options.big else {"num_leaves": 9, "min_data_in_leaf": 5}
    rounds = 60 if cases.options.big else 8

    def add(name, label, salt, rounds=rounds, group=None, data=None, valid=None, **params):
        categorical = params.pop("categorical", "auto")
        made = lgb.Dataset(x if data is None else data, label, group=group, categorical_feature=categorical, params=basis | params)
        more = {} if valid is None else valid(made)
        booster = lgb.train(basis | params, made, rounds, **more)
        text = booster.model_to_string()
        rows = cases.rows(thresholds(text, x.shape[1]), "float64", salt)
        raw = booster.predict(rows, raw_score=True)
        arrays = {"rows": rows, "raw": raw.reshape(len(rows), -1), "answers": booster.predict(rows).reshape(len(rows), -1)}
        if not params.get("linear_tree"):
            picked = rows[:: max(1, len(rows) // CONTRIBUTIONS)][:CONTRIBUTIONS]
            shapes = booster.predict(picked, pred_contrib=True)
            arrays |= {"explained": picked, "contributions": shapes.reshape(len(picked), -1)}
        arrays["leaves"] = booster.predict(rows, pred_leaf=True).reshape(len(rows), -1).astype("float32")
        booster.save_model(cases.out / "saved.txt")
        saved = (cases.out / "saved.txt").read_bytes()
        (cases.out / "saved.txt").unlink()
        cases.add(f"lightgbm_{name}", "txt", saved, arrays, version=lgb.__version__)

    add("binary", binary, 1, objective="binary", sigmoid=0.7)
    add("zero_missing", binary, 2, objective="binary", zero_as_missing=True)
    add("no_missing", binary, 3, objective="binary", use_missing=False)
    add("multiclass", classes, 4, rounds=rounds // 2, objective="multiclass", num_class=4)
    add("multiclassova", classes, 5, rounds=3, objective="multiclassova", num_class=4, sigmoid=1.3)
    add("regression", noisy, 6, objective="regression")
    add("sqrt", positive, 7, rounds=3, objective="regression", reg_sqrt=True)
    for i, name in enumerate(["regression_l1", "huber", "fair", "quantile", "mape"]):
        add(name, noisy, 10 + i, rounds=2, objective=name)
    for i, name in enumerate(["poisson", "gamma", "tweedie"]):
        add(name, positive, 20 + i, rounds=3, objective=name)
    share = 1 / (1 + np.exp(-noisy))
    add("cross_entropy", share, 30, rounds=3, objective="cross_entropy")
    add("cross_entropy_lambda", share, 31, rounds=3, objective="cross_entropy_lambda")
    groups = [50] * (len(x) // 50)
    add("lambdarank", classes, 32, group=groups, objective="lambdarank")
    add("rank_xendcg", classes, 33, rounds=2, group=groups, objective="rank_xendcg")
    add("dart", binary, 34, objective="binary", boosting="dart", drop_rate=0.5)
    add("goss", binary, 38, rounds=3, objective="binary", data_sample_strategy="goss")
    forest = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "feature_fraction": 0.8}
    add("rf", binary, 35, objective="binary", **forest)
    add("rf_multiclass", classes, 36, rounds=3, objective="multiclass", num_class=4, **forest)
    codes = [x.shape[1] - 2, x.shape[1] - 1]
    sets = {"min_data_per_group": 5, "cat_smooth": 1, "cat_l2": 1, "max_cat_to_onehot": 3}
    add("categorical", noisy, 40, objective="regression", categorical=codes, **sets)
    add("categorical_multiclass", classes, 41, rounds=2, objective="multiclass", num_class=4, categorical=codes, **sets)
    table = pd.DataFrame(x[:, :-2], columns=[f"column {i}" for i in range(x.shape[1] - 2)])
    table["city"] = pd.Categorical([CITIES[int(code)] for code in x[:, -2]], categories=CITIES)
    table["grade"] = pd.Categorical(x[:, -1])
    add("pandas", binary, 42, data=table, objective="binary", **sets)
    add("stumps", binary, 43, rounds=2, objective="binary", min_data_in_leaf=len(x))
    add("constant", np.full(len(x), 3.25), 44, rounds=2, objective="regression")

    def valid(made):
        return {
            "valid_sets": [lgb.Dataset(x[::3], 1 - binary[::3], reference=made)],
            "callbacks": [lgb.early_stopping(1, verbose=False)],
        }

    add("early_stopping", binary, 45, rounds=9, valid=valid, objective="binary")

    def wish(raw, made):
        return raw - made.get_label(), np.ones_like(raw)

    add("custom", noisy, 46, rounds=3, objective=wish)
    add("linear", noisy, 47, rounds=2, objective="regression", linear_tree=True)
