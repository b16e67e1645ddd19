"""Packs rows for the limit: 16 batches of 4,096, spread evenly over the input, as the model's raw tensors.

make_rows.py CASE.json OUT writes OUT/rows.bin and OUT/rows.json. Texts are int32 codes of a dictionary in rows.json.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
from case_scorer import columns_of, read_case

BATCH = 4096
BATCHES = 16
MOST_BYTES = 2**28


def main():
    case, out = read_case(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    table = ds.dataset(case["inputs"]).to_table()
    # Of wide rows fewer batches: they are all in memory.
    batches = max(1, min(BATCHES, MOST_BYTES // (BATCH * 4 * len(columns_of(case)))))
    wanted = np.arange(BATCH * batches) * table.num_rows // (BATCH * batches)
    rows = table.take(wanted)
    offset, inputs, parts = 0, [], []
    for feature in case["features"]:
        columns = [rows[name].combine_chunks() for name in feature["columns"]]
        texts = None
        if feature["type"] == "string":
            codes = columns[0].dictionary_encode(null_encoding="encode")
            texts = [feature.get("fill") if t is None else t for t in codes.dictionary.to_pylist()]
            values = codes.indices.to_numpy(zero_copy_only=False).astype("<i4")
        elif "width" in feature:
            values = columns[0].flatten().to_numpy(zero_copy_only=False).astype("<f4")
        else:
            kind = {"float32": "<f4", "int64": "<i8"}[feature["type"]]
            values = np.stack([c.to_numpy(zero_copy_only=False) for c in columns], axis=1).astype(kind)
        data = values.tobytes()
        data += bytes(-len(data) % 8)
        entry = {"name": feature["tensor"], "type": feature["type"], "width": feature.get("width", len(columns)), "offset": offset}
        inputs.append(entry if texts is None else {**entry, "texts": texts})
        parts.append(data)
        offset += len(data)
    (out / "rows.bin").write_bytes(b"".join(parts))
    (out / "rows.json").write_text(json.dumps({"batch": BATCH, "batches": batches, "inputs": inputs}))


main()
