"""Rows for delay_mlp with a label and an id: make_vectors.py OUT ROWS SEED"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

out, rows, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(seed)
features = rng.normal(0, 1, (rows, 256)).astype(np.float32)
late = (features[:, :8].sum(axis=1) + rng.normal(0, 2, rows)) > 0
lists = pa.FixedSizeListArray.from_arrays(pa.array(features.reshape(-1)), 256)
pq.write_table(pa.table({"flight_id": np.arange(rows), "features": lists, "late": late}), out)
