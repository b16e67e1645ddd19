"""Writes a table with zeros of both signs: make_zeros.py OUT

OUT/<format>/t.<format> for parquet, arrow, csv and jsonl: id, a (double), f (float), l (a list of a; not in csv). Few values, each often.
"""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

out = Path(sys.argv[1])
values = [[0.0, -0.0, 1.0, 2.5][i % 4] for i in range(400)]
table = pa.table(
    {"id": pa.array(range(400), pa.int32()), "a": values, "f": pa.array(values, pa.float32()), "l": [[v] for v in values]}
)
for name in ("parquet", "arrow", "csv", "jsonl"):
    (out / name).mkdir(parents=True)
pq.write_table(table, out / "parquet/t.parquet")
with pa.ipc.new_file(out / "arrow/t.arrow", table.schema) as writer:
    writer.write_table(table)
rows = table.drop_columns(["l"]).to_pylist()
(out / "csv/t.csv").write_text("id,a,f\n" + "".join(f"{r['id']},{r['a']},{r['f']}\n" for r in rows))
(out / "jsonl/t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
