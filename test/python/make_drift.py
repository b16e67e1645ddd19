"""Tables of two files whose one column `v` has other types: make_drift.py FOLDER. Prints, by case, what each file says of the column,
or null where the files do not go together. `f-` cases feed the model with v, `k-` cases keep it."""
import datetime as dt
import decimal
import json
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

root = sys.argv[1]
day, noon = dt.date(2024, 3, 1), dt.datetime(2024, 3, 1, 12, 0, 0, 1000)
D = decimal.Decimal
us = pa.timestamp("us")
utc = pa.timestamp("us", tz="UTC")
nulls = pa.nulls(2)
# name: the two columns; features give the number that the model is fed, or None where the units differ.
PAIRS = {
    "f-date-timestamp": ([day] * 2, pa.date32(), [noon] * 2, us, None),
    "f-date-int": ([day] * 2, pa.date32(), [19783] * 2, pa.int32(), None),
    "f-epoch-timestamp": ([1709294400] * 2, pa.int64(), [noon] * 2, us, None),
    "f-time-int": ([dt.time(1)] * 2, pa.time64("us"), [3600] * 2, pa.int64(), None),
    "f-naive-zoned": ([noon] * 2, us, [noon] * 2, utc, None),
    "f-ms-us": ([noon] * 2, pa.timestamp("ms"), [noon] * 2, us, [1709294400001000.0] * 4),
    "f-s-ns": ([dt.datetime(2024, 3, 1)] * 2, pa.timestamp("s"), [noon] * 2, pa.timestamp("ns"), [1709251200000000.0] * 2 + [1709294400001000.0] * 2),
    "f-int-double": ([1, 2**40], pa.int64(), [1.5, -2.5], pa.float64(), [1, 2**40, 1.5, -2.5]),
    "f-decimals": ([D("1.25"), D("-3.50")], pa.decimal128(6, 2), [D("1.2345"), D("9.0000")], pa.decimal128(12, 4), [1.25, -3.5, 1.2345, 9]),
    "f-bool-int8": ([True, False], pa.bool_(), [1, 0], pa.int8(), [1, 0, 1, 0]),
    "f-null-double": (nulls, None, [1.5, 2.5], pa.float64(), [-1, -1, 1.5, 2.5]),
    "f-text-null": (["a", "b"], pa.string(), nulls, None, None),
    "k-decimals": ([D("1.25"), D("-3.50")], pa.decimal128(6, 2), [D("1.2345"), D("99999999.0001")], pa.decimal128(12, 4), ["1.2500", "-3.5000", "1.2345", "99999999.0001"]),
    "k-decimals-too-wide": ([D(1), D(2)], pa.decimal128(38, 0), [D("1.5"), D("2.5")], pa.decimal128(4, 2), None),
    "k-ms-ns": ([noon] * 2, pa.timestamp("ms"), [noon] * 2, pa.timestamp("ns"), ["2024-03-01 12:00:00.001"] * 4),
    "k-int8-float": ([1, -2], pa.int8(), [1.5, 2.5], pa.float32(), ["1.0", "-2.0", "1.5", "2.5"]),
    "k-int32-double": ([1, -2], pa.int32(), [1.5, 2.5], pa.float64(), ["1.0", "-2.0", "1.5", "2.5"]),
    "k-int64-double": ([1, 2], pa.int64(), [1.5, 2.5], pa.float64(), None),
    "k-lists": ([[1], [2, None]], pa.list_(pa.int32()), [[2**40], []], pa.list_(pa.int64()), ["[1]", "[2, NULL]", "[1099511627776]", "[]"]),
    "k-empty-lists": ([[], []], pa.list_(pa.null()), [["a"], ["b", None]], pa.list_(pa.string()), ["[]", "[]", "[a]", "[b, NULL]"]),
    "k-null-text": (nulls, None, ["a", "b"], pa.string(), [None, None, "a", "b"]),
    "k-all-nan-text": ([None, None], pa.float64(), ["a", "b"], pa.string(), [None, None, "a", "b"]),
    "k-null-null": (nulls, None, nulls, None, [None] * 4),
    "k-date-timestamp": ([day] * 2, pa.date32(), [noon] * 2, us, None),
    "k-bool-int8": ([True, False], pa.bool_(), [1, 0], pa.int8(), None),
    "k-text-number": (["1", "2"], pa.string(), [1, 2], pa.int64(), None),
}


def column(values, kind):
    return values if kind is None else pa.array(values, kind)


def write(path, values, start):
    table = pa.table({"id": pa.array(range(start, start + 2)), "a": pa.array([0.5, 0.5], pa.float32()), "v": values})
    if path.endswith(".parquet"):
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)


wanted = {}
for name, (first, kind, second, other, want) in PAIRS.items():
    for form in ("parquet", "arrow"):
        for order in ("ab", "ba"):
            # Statistics tell that a typed column is all null; Arrow has none.
            if form == "arrow" and name == "k-all-nan-text":
                continue
            case = f"{name}-{form}-{order}"
            os.makedirs(f"{root}/{case}")
            files = [(first, kind), (second, other)] if order == "ab" else [(second, other), (first, kind)]
            for i, (values, typed) in enumerate(files):
                write(f"{root}/{case}/{i}.{form}", column(values, typed), 2 * i)
            wanted[case] = want if want is None or order == "ab" else want[2:] + want[:2]
print(json.dumps(wanted))
