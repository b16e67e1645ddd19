"""CatBoost models for trainers_models.py. Answers are those of the trained model: CatBoost's reader of JSON misses last bits of leaves."""

import json

import catboost
import numpy as np
from trainer_rows import CITIES, score

CONTRIBUTIONS = 24


def thresholds(text, width):
    found = [[] for _ in range(width)]
    for feature in json.loads(text)["features_info"]["float_features"]:
        found[feature["flat_feature_index"]] = feature.get("borders") or []
    return found


def make(cases):
    x = cases.train.astype("float32")
    signal = score(x.astype("float64"))
    rng = np.random.default_rng(cases.options.seed)
    noisy = signal + rng.normal(size=len(x)) * 0.5
    binary = (noisy > np.quantile(noisy, 0.7)).astype(int)
    classes = np.digitize(noisy, np.quantile(noisy, [0.3, 0.6, 0.8]))
    positive = np.exp(noisy / 3) + 0.01
    basis = {"verbose": 0, "thread_count": 1, "random_seed": cases.options.seed, "allow_writing_files": False}
    basis |= {"iterations": 60, "depth": 6} if cases.options.big else {"iterations": 7, "depth": 3, "border_count": 24}
    saved = cases.out / "saved"

    def answer(name, format, model, rows, pool=None):
        path = saved.with_suffix(f".{format}")
        model.save_model(str(path), format=format, **({} if pool is None else {"pool": pool}))
        raw = model.predict(rows, prediction_type="RawFormulaVal", thread_count=1)
        kind = "Probability" if isinstance(model, catboost.CatBoostClassifier) else None
        answers = model.predict(rows, prediction_type=kind) if kind else model.predict(rows)
        count = len(rows)
        raw, answers = raw.reshape(count, -1), np.asarray(answers, "float64").reshape(count, -1)
        if kind and raw.shape[1] == 1:
            answers = answers[:, 1:]
        # Numbers alone, where some columns are texts.
        kept = rows if rows.dtype != object else np.where(np.isin(range(rows.shape[1]), [6, 7]), 0, rows).astype("float32")
        arrays = {"rows": kept, "raw": raw.astype("float64"), "answers": answers}
        if rows.dtype != object:
            arrays["leaves"] = model.calc_leaf_indexes(rows, thread_count=1).reshape(count, -1).astype("float32")
        cases.add(f"catboost_{name}", format, path.read_bytes(), arrays, version=catboost.__version__)
        path.unlink()

    def add(name, kind, label, salt, formats=("json", "cbm"), group=None, **params):
        model = kind(basis | params) if kind is catboost.CatBoost else kind(**(basis | params))
        model.fit(catboost.Pool(x, label, group_id=group))
        path = saved.with_suffix(".json")
        model.save_model(str(path), format="json")
        rows = cases.rows(thresholds(path.read_text(), x.shape[1]), "float32", salt)
        path.unlink()
        for format in formats:
            answer(name if format == "json" else f"{name}_cbm", format, model, rows)

    regressor, classifier = catboost.CatBoostRegressor, catboost.CatBoostClassifier
    add("squared", regressor, noisy, 1)
    add("nan_max", regressor, noisy, 2, nan_mode="Max")
    add("poisson", regressor, positive, 3, formats=["json"], loss_function="Poisson")
    add("quantile", regressor, noisy, 4, formats=["json"], loss_function="Quantile:alpha=0.7")
    add("binary", classifier, binary, 5)
    add("texts", classifier, np.array(["no", "yes"])[binary], 6, formats=["json"])
    add("multiclass", classifier, classes, 7, iterations=4)
    add("one_vs_all", classifier, classes, 8, formats=["json"], iterations=3, loss_function="MultiClassOneVsAll")
    add("ranking", catboost.CatBoost, classes, 9, formats=["json"], group=np.arange(len(x)) // 50, loss_function="YetiRank")
    add("depthwise", regressor, noisy, 10, grow_policy="Depthwise")
    add("lossguide", classifier, classes, 11, grow_policy="Lossguide", iterations=3, max_leaves=9)
    add("deep", regressor, noisy, 12, iterations=2, depth=9)
    add("targets", regressor, np.stack([noisy, positive], axis=1), 13, formats=["json"], iterations=3, loss_function="MultiRMSE")
    mixed = x.astype(object)
    mixed[:, 6] = [CITIES[int(code)] for code in x[:, -2]]
    mixed[:, 7] = ["none" if np.isnan(code) else str(int(code) % 2) for code in x[:, -1]]
    for name, most in [("onehot_refused", 50), ("ctr_refused", 1)]:
        pool = catboost.Pool(mixed, noisy * 0 + np.isin(x[:, -2], [1, 3]), cat_features=[6, 7])
        model = regressor(**(basis | {"one_hot_max_size": most})).fit(pool)
        answer(name, "json", model, mixed[:20], pool)
        answer(f"{name}_cbm", "cbm", model, mixed[:20])
