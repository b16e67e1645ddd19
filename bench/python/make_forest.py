"""The model of the case forest: scikit-learn's random forest as it comes, 500 trees without a limit of depth. make_forest.py MODEL.onnx COLUMN...

The fixtures have no answers, so that one is made of some columns and noise: trees then grow as deep as on real ones. Each sees 4,000 flights
and gets about a thousand leaves. Missing values are a number to the forest; how they are scored is what ONNX Runtime makes of it.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

ROOT = Path(__file__).resolve().parents[2]
SEED = 20131231
ROWS = 60_000


def main():
    model, columns = sys.argv[1], sys.argv[2:]
    files = sorted(ROOT.glob("fixtures/flights/month=0[1-6]/*.parquet"))
    table = pa.concat_tables([pq.read_table(file, columns=columns, partitioning=None) for file in files])
    rows = np.column_stack([table[name].to_numpy(zero_copy_only=False) for name in columns]).astype(np.float32)
    random = np.random.default_rng(SEED)
    rows = np.nan_to_num(rows[random.permutation(len(rows))[:ROWS]], nan=-1)
    place = {name: k for k, name in enumerate(columns)}
    shape = lambda name: (rows[:, place[name]] - rows[:, place[name]].mean()) / rows[:, place[name]].std()
    score = shape("hour") + shape("origin_hour_load") + np.sin(shape("temp") * 3) + shape("wind_speed") * shape("precip")
    late = (score + random.normal(size=len(rows)) * 1.5 > 0.8).astype(np.int64)
    forest = RandomForestClassifier(500, max_samples=4_000, random_state=SEED, n_jobs=-1).fit(rows, late)
    options = {id(forest): {"zipmap": False}}
    made = to_onnx(forest, rows[:1], options=options, target_opset={"": 18, "ai.onnx.ml": 3})
    made.graph.input[0].name, before = "input", made.graph.input[0].name
    for node in made.graph.node:
        node.input[:] = ["input" if name == before else name for name in node.input]
    onnx.save(made, model)


main()
