"""Writes a table and what pyarrow makes of its rows: expression_values.py INPUT EXPECTED."""

import datetime
import random
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROWS = 3000
random.seed(20)


def maybe(value):
    return None if random.random() < 0.1 else value


def column(make, kind):
    return pa.array([maybe(make()) for _ in range(ROWS)], kind)


DAY = datetime.date(2020, 1, 1)
TIME = datetime.datetime(2020, 1, 1)
table = pa.table(
    {
        "id": pa.array(range(ROWS), pa.int64()),
        "c0": pa.array([float(n % 50) for n in range(ROWS)], pa.float32()),
        "i": column(lambda: random.randint(-100, 100), pa.int32()),
        "f": column(lambda: random.uniform(-1e6, 1e6), pa.float64()),
        "t": column(lambda: "".join(random.choice("abcé😀 ") for _ in range(random.randint(0, 6))), pa.string()),
        "d": column(lambda: DAY + datetime.timedelta(random.randint(-20000, 20000)), pa.date32()),
        "ts": column(lambda: TIME + datetime.timedelta(seconds=random.randint(-(10**9), 10**9)), pa.timestamp("us")),
    }
)
pq.write_table(table, sys.argv[1], row_group_size=700)
i, f, t, d, ts = (table[name].combine_chunks() for name in ("i", "f", "t", "d", "ts"))
as_of = pa.scalar(datetime.date(2021, 6, 1), pa.date32())
expected = pa.table(
    {
        "id": table["id"],
        "plus": pc.add(i, 7),
        "times": pc.multiply(f, 2.5),
        "quarter": pc.divide(pc.cast(i, pa.float64()), 4.0),
        "upper": pc.utf8_upper(t),
        "len": pc.utf8_length(t),
        "sub": pc.utf8_slice_codeunits(t, 1, 3),
        "cat": pc.binary_join_element_wise(t, "-x", ""),
        "has": pc.match_substring(t, "ab"),
        "year": pc.year(d),
        "days": pc.days_between(d, as_of),
        "hour": pc.hour(ts),
        "floor": pc.floor(f),
        "gone": pc.is_null(i),
        "given": pc.coalesce(i, pa.scalar(-1, pa.int32())),
        "size": pc.if_else(pc.greater(pc.coalesce(i, pa.scalar(0, pa.int32())), 50), "big", "small"),
    }
)
keep = pa.array([v.as_py() is None or abs(v.as_py()) % 3 != 1 for v in i])
pq.write_table(expected.filter(keep), sys.argv[2])
