"""Makes the input of a case from the fixtures, or from a seed. make_data.py CASE ROWS FILES OUT

Writes FILES Parquet files of ROWS rows each: snappy, row groups of 65,536 (row-groups: 250; wide: 10,000), ids unique over
all files.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
GROUP = 65536
# Rows that are made together, and rows of a row group.
STEPS = {"row-groups": (62_500, 250), "wide": (10_000, 10_000)}


def fixture(pattern):
    files = sorted(ROOT.glob(pattern))
    return pa.concat_tables([pq.read_table(file, partitioning=None) for file in files]).combine_chunks()


def repeated(table):
    """Answers a function that gives rows start to end of the table repeated without end, with ids made unique."""

    def take(start, end):
        parts = []
        while start < end:
            copy, offset = divmod(start, table.num_rows)
            part = table.slice(offset, min(end - start, table.num_rows - offset))
            ids = pc.binary_join_element_wise(part["flight_id"], f"{copy}", "#")
            parts.append(part.set_column(part.column_names.index("flight_id"), "flight_id", ids))
            start += part.num_rows
        return pa.concat_tables(parts).combine_chunks()

    return take


def seeded(start, end):
    """20 float32 columns of normal values; the first and the 17th have a long tail."""
    random = np.random.default_rng([20131231, start])
    columns = {"id": pa.array([f"row-{n:09d}" for n in range(start, end)])}
    for k in range(20):
        values = random.standard_normal(end - start, dtype=np.float32)
        if k % 16 == 0:
            values = np.exp(values)
        columns[f"f{k:02d}"] = pa.array(values)
    return pa.table(columns)


def embedded(start, end):
    """A list of 256 float32 between -1 and 1."""
    random = np.random.default_rng([20131231, start])
    values = random.random(256 * (end - start), dtype=np.float32) * 2 - 1
    offsets = np.arange(0, values.size + 1, 256, dtype=np.int32)
    ids = pa.array([f"row-{n:09d}" for n in range(start, end)])
    return pa.table({"id": ids, "features": pa.ListArray.from_arrays(pa.array(offsets), pa.array(values))})


def widely(start, end):
    """3,000 float32 columns between 0 and 1."""
    random = np.random.default_rng([20131231, start])
    columns = {"id": pa.array([f"row-{n:09d}" for n in range(start, end)])}
    for k in range(3000):
        columns[f"f{k:04d}"] = pa.array(random.random(end - start, dtype=np.float32))
    return pa.table(columns)


def main():
    case, rows, files, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    if case in ("heavy", "forest"):
        take = repeated(fixture("fixtures/flights/month=*/*.parquet"))
    elif case == "mixed":
        take = repeated(fixture("fixtures/mixed/month=*/*.parquet"))
    elif case == "wide":
        take = widely
    elif case in ("lists", "activations"):
        take = embedded
    else:
        take = seeded
    out.mkdir(parents=True, exist_ok=True)
    step, group = STEPS.get(case, (GROUP, GROUP))
    for n in range(files):
        writer = None
        for start in range(n * rows, (n + 1) * rows, step):
            part = take(start, min(start + step, (n + 1) * rows))
            writer = writer or pq.ParquetWriter(out / f"input-{n:02d}.parquet", part.schema, compression="snappy")
            writer.write_table(part, row_group_size=group)
        writer.close()


main()
