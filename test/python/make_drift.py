"""Tables of a few files whose one column `v` has other types: make_drift.py FOLDER. Prints, by case, what each file says of the column,
or null where the files do not go together. `f-` cases feed the model with v, `k-` cases keep it."""
import datetime as dt
import decimal
import itertools
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


def stamps(numbers, kind):
    """Timestamps by the numbers that they are stored as, with those that some take for infinities."""
    return pa.array(numbers, pa.int64()).cast(kind)


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
    "k-empty-lists-times": ([[], [None]], pa.list_(pa.null()), [[noon], []], pa.list_(pa.timestamp("ns")), ["[]", "[NULL]", "['2024-03-01 12:00:00.001']", "[]"]),
    "k-list-units": ([[noon, None], None], pa.list_(us), [[noon], []], pa.list_(pa.timestamp("ns")), ["['2024-03-01 12:00:00.001', NULL]", None, "['2024-03-01 12:00:00.001']", "[]"]),
    "k-year-9999-ns": ([noon, dt.datetime(9999, 12, 31)], us, [noon] * 2, pa.timestamp("ns"), None),
    "k-year-1600-ns": ([noon, dt.datetime(1600, 1, 1)], us, [noon] * 2, pa.timestamp("ns"), None),
    "k-infinity-ns": (stamps([2**63 - 1, 1], us), us, [noon] * 2, pa.timestamp("ns"), None),
    "k-no-infinity-ns": (stamps([0, -(2**63) + 1], us), us, [noon] * 2, pa.timestamp("ns"), None),
    "k-list-infinity-ns": ([[noon], [noon, dt.datetime(9999, 12, 31)]], pa.list_(us), [[noon]] * 2, pa.list_(pa.timestamp("ns")), None),
    "k-ends-of-ns": (stamps([9223372036854775, -9223286400000000], us), us, stamps([2**63 - 2, 1], pa.timestamp("ns")), pa.timestamp("ns"), ["2262-04-11 23:47:16.854775", "1677-09-22 00:00:00", "2262-04-11 23:47:16.854775806", "1970-01-01 00:00:00.000000001"]),
    "k-null-text": (nulls, None, ["a", "b"], pa.string(), [None, None, "a", "b"]),
    "k-all-nan-text": ([None, None], pa.float64(), ["a", "b"], pa.string(), [None, None, "a", "b"]),
    "k-null-null": (nulls, None, nulls, None, [None] * 4),
    "k-date-timestamp": ([day] * 2, pa.date32(), [noon] * 2, us, None),
    "k-bool-int8": ([True, False], pa.bool_(), [1, 0], pa.int8(), None),
    "k-text-number": (["1", "2"], pa.string(), [1, 2], pa.int64(), None),
}

# name: files of one value, which go together in any order: its type, the value, and what it is in the output.
SETS = {
    "k-int-uint-double": [(pa.int32(), 1, "1.0"), (pa.uint32(), 2**32 - 1, "4294967295.0"), (pa.float64(), 1.5, "1.5")],
    "k-uint8-int16-uint16-float": [(pa.uint8(), 255, "255.0"), (pa.int16(), -9, "-9.0"), (pa.uint16(), 65535, "65535.0"), (pa.float32(), 0.5, "0.5")],
    "k-int-uint-int64": [(pa.int32(), -1, "-1"), (pa.uint32(), 2**32 - 1, "4294967295"), (pa.int64(), 2**60, str(2**60))],
    "k-units": [(pa.timestamp("ns"), noon, "2024-03-01 12:00:00.001"), (us, noon, "2024-03-01 12:00:00.001"), (pa.timestamp("s"), dt.datetime(1969, 12, 31), "1969-12-31 00:00:00")],
}


def column(values, kind):
    return values if kind is None or isinstance(values, pa.Array) else pa.array(values, kind)


def write(path, values, start, groups=1):
    rows = len(values)
    table = pa.table({"id": pa.array(range(start, start + rows)), "a": pa.array([0.5] * rows, pa.float32()), "v": values})
    if path.endswith(".parquet"):
        with pq.ParquetWriter(path, table.schema, version="2.6") as writer:
            for group in range(groups):
                writer.write_table(table if group == 0 else table.slice(0, 0))
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
                # A row group without rows says nothing of a column.
                write(f"{root}/{case}/{i}.{form}", column(values, typed), 2 * i, groups=2)
            wanted[case] = want if want is None or order == "ab" else want[2:] + want[:2]
for name, files in SETS.items():
    for order in itertools.permutations(range(len(files))):
        case = f"{name}-{''.join(map(str, order))}"
        os.makedirs(f"{root}/{case}")
        for i, k in enumerate(order):
            write(f"{root}/{case}/{i}.parquet", column([files[k][1]], files[k][0]), i)
        wanted[case] = [files[k][2] for k in order]
# One odd file in front of others, for runs that leave out what does not fit.
floats = [pa.array([i], pa.float32() if i == 2 else pa.float64()) for i in (1.0, 2.0, 3.0)]
for name, odd in {"odd-text": [pa.array(["x"])], "odd-nested": [pa.array([[1.5]])], "odd-texts": [pa.array(["x"])] * 2}.items():
    os.makedirs(f"{root}/{name}")
    for i, values in enumerate(odd + floats):
        write(f"{root}/{name}/{i}.parquet", values, i - len(odd) + 1)
print(json.dumps(wanted))
