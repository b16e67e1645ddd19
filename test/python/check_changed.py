"""How two models differ on the rows of a table, by onnxruntime: check_changed.py PARENT CHANGED TABLE [LABELS]

The table has a list column `features`; with LABELS also the AUC of the last column of the first output is told."""

import json
import sys

import numpy as np
import onnxruntime
import pyarrow.parquet as pq

parent, changed, table = sys.argv[1:4]
rows = pq.read_table(table)
features = np.stack(rows.column("features").to_numpy())


def scores(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    (name,) = [one.name for one in session.get_inputs()]
    # In the same batches as they are compared in.
    parts = [session.run(None, {name: features[at : at + 256]})[0] for at in range(0, len(features), 256)]
    return np.concatenate(parts).reshape(len(features), -1)


def auc(values, labels):
    order = np.argsort(values, kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    for value in np.unique(values):
        same = values == value
        ranks[same] = ranks[same].mean()
    second = labels == 1
    n = second.sum()
    return (ranks[second].sum() - n * (n + 1) / 2) / (n * (len(values) - n))


before, after = scores(parent).astype(np.float64), scores(changed).astype(np.float64)
delta = np.sort(np.abs(before - after).max(axis=1))
answer = {
    "rows": len(delta),
    "max": delta[-1],
    "mean": delta.mean(),
    "p99": delta[int(np.ceil(0.99 * len(delta))) - 1],
    "flips": int(((before[:, -1] > 0.5) != (after[:, -1] > 0.5)).sum()),
}
if len(sys.argv) > 4:
    labels = rows.column(sys.argv[4]).to_numpy(zero_copy_only=False).astype(int)
    answer["auc"] = [auc(before[:, -1], labels), auc(after[:, -1], labels)]
print(json.dumps(answer))
