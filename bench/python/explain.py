"""The trainers' own contributions, for bench/micro/explain.ts.

    explain.py train FOLDER NAMES ROWS FLIGHTS...  models of 200 trees on the flights, and rows.f32
    explain.py run MODEL ROWS WIDTH ROUNDS         prints microseconds of CPU a row, a line a round; contributions go beside the rows
"""

import sys
import time
from pathlib import Path

import numpy as np


def train(folder, files, names, rows):
    import catboost
    import lightgbm
    import pyarrow as pa
    import pyarrow.parquet as pq
    import xgboost

    table = pa.concat_tables([pq.ParquetFile(path).read(columns=names) for path in files])
    x = np.stack([table[name].to_numpy(zero_copy_only=False).astype("float32") for name in names], axis=1)
    rng = np.random.default_rng(1)
    z = np.nan_to_num(x)
    hour, load, wind, doy = (z[:, names.index(name)] for name in ["hour", "origin_hour_load", "wind_speed", "doy"])
    y = 0.3 * hour + 0.2 * wind + 0.05 * load + np.sin(doy / 20) + rng.normal(size=len(x)) * 2
    y = (y > np.median(y)).astype(int)
    picked = rng.permutation(len(x))
    some = picked[:100_000]
    np.ascontiguousarray(x[picked[:rows]]).tofile(folder / "rows.f32")
    params = {"objective": "binary", "verbose": -1, "num_threads": 2, "learning_rate": 0.05}
    for leaves, rounds in [(31, 200), (255, 100)]:
        made = lightgbm.Dataset(x[some], y[some], feature_name=names)
        lightgbm.train(params | {"num_leaves": leaves}, made, rounds).save_model(folder / f"lightgbm_{rounds}x{leaves}.txt")
    params = {"objective": "binary:logistic", "max_depth": 6, "eta": 0.1, "nthread": 2}
    xgboost.train(params, xgboost.DMatrix(x[some], y[some]), 200).save_model(folder / "xgboost_200x64.json")
    made = catboost.CatBoostClassifier(iterations=200, depth=6, verbose=0, thread_count=2, allow_writing_files=False)
    made.fit(x[some], y[some]).save_model(str(folder / "catboost_200x64.cbm"))


def explainer(model, rows):
    if model.endswith(".txt"):
        import lightgbm

        booster = lightgbm.Booster(model_file=model)
        doubles = rows.astype("float64")
        return lambda: booster.predict(doubles, pred_contrib=True, num_threads=1)
    if model.endswith(".cbm"):
        import catboost

        booster = catboost.CatBoost().load_model(model)
        return lambda: booster.get_feature_importance(catboost.Pool(rows), type="ShapValues", thread_count=1)
    import xgboost

    booster = xgboost.Booster({"nthread": 1}, model_file=model)
    return lambda: booster.predict(xgboost.DMatrix(rows, nthread=1), pred_contribs=True)


if sys.argv[1] == "train":
    train(Path(sys.argv[2]), sys.argv[5:], sys.argv[3].split(","), int(sys.argv[4]))
else:
    model, path, width, rounds = sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    given = np.fromfile(path, "float32").reshape(-1, width)
    run = explainer(model, given)
    for _ in range(rounds):
        begun = time.process_time()
        found = run()
        print((time.process_time() - begun) / len(given) * 1e6)
    np.ascontiguousarray(found, "float64").tofile(f"{path}.contributions")
