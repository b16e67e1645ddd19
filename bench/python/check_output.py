"""Compares a contender's output with the reference, row by row by id. check_output.py CASE.json REFERENCE_DIR OUTPUT_DIR

Prints JSON: rows, rows that differ at all, the largest difference, labels that differ where it is not a tie, columns.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from case_scorer import read_case

TIE = 1e-6


def load(case, folder):
    names = [case["id"], *[o["column"] for o in case["outputs"]]]
    files = sorted(Path(folder).rglob("*.parquet"))
    tables = [pq.ParquetFile(file).read(columns=names) for file in files]
    tables = [table.set_column(0, case["id"], table[case["id"]].cast(pa.string())) for table in tables]
    schema = pq.ParquetFile(files[0]).schema_arrow
    return pa.concat_tables([t.cast(tables[0].schema) for t in tables]).sort_by(case["id"]), schema.names


def main():
    case = read_case(sys.argv[1])
    wanted, _ = load(case, sys.argv[2])
    got, columns = load(case, sys.argv[3])
    answer = {"rows": got.num_rows, "columns": columns, "sameIds": got[case["id"]].equals(wanted[case["id"]])}
    if answer["sameIds"]:
        differing = np.zeros(got.num_rows, bool)
        largest, ties = 0.0, np.zeros(got.num_rows, bool)
        for output in case["outputs"]:
            name = output["column"]
            a, b = wanted[name].to_numpy(), got[name].to_numpy()
            differing |= ~((a == b) | ((a != a) & (b != b)))
            if output["type"] == "float32":
                largest = max(largest, float(np.nanmax(np.abs(a.astype(np.float64) - b))))
                ties |= np.abs(a - 0.5) <= TIE
                if not np.array_equal(np.isnan(a), np.isnan(b)):
                    largest = float("inf")
        labels = [o["column"] for o in case["outputs"] if o["type"] == "int64"]
        wrong = sum(int(np.sum((wanted[n].to_numpy() != got[n].to_numpy()) & ~ties)) for n in labels)
        answer |= {"differing": int(differing.sum()), "largest": largest if np.isfinite(largest) else 1e300, "wrongLabels": wrong}
    print(json.dumps(answer))


main()
