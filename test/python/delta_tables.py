"""Delta tables by delta-rs, and what it reads of them.

delta_tables.py make OUT          writes the tables below OUT/<name>, each in several versions
delta_tables.py byhand OUT        tables that delta-rs does not write (deletion vectors, mapped columns, widened types, INT96, checkpoints
                                  in parts and of version 2), with what must come of them as OUT/<name>.expected.parquet
delta_tables.py append TABLE N    one more version with N rows, ids from 1,000,000
delta_tables.py compare SPECS     SPECS is a JSON list of {table, version, output, columns, key, where?}: reads the rows of the table's
                                  version by delta-rs and the output by pyarrow, and prints the differences of each as JSON
"""

import datetime as dt
import decimal
import json
import math
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

SIGNS = ["plain", "a b", "a/b", "100%", "ü=?#", "x:y", "[z]*", "", None, "it's", "a%20b", "__HIVE_DEFAULT_PARTITION_"]


def rows(first, count, salt=0):
    ids = range(first, first + count)
    return pa.table({
        "id": pa.array(ids, pa.int64()),
        "c0": pa.array([float(i) for i in ids], pa.float32()),
        "c1": pa.array([float(i % 7 + salt) for i in ids], pa.float32()),
        "c2": pa.array([float(i % 3) for i in ids], pa.float32()),
    })


def make_plain(place):
    for n in range(3):
        write_deltalake(place, rows(n * 100, 100), mode="append")
    DeltaTable(place).update(predicate="id < 50", updates={"c1": "c1 + 10"})
    DeltaTable(place).delete("id >= 250")
    DeltaTable(place).create_checkpoint()
    write_deltalake(place, rows(500, 40), mode="append")
    DeltaTable(place).merge(
        rows(510, 60, 5), predicate="t.id = s.id", source_alias="s", target_alias="t"
    ).when_matched_update_all().when_not_matched_insert_all().execute()
    DeltaTable(place).optimize.compact()
    write_deltalake(place, rows(900, 30), mode="overwrite")
    write_deltalake(place, rows(930, 5), mode="append")


def make_parts(place):
    count = 240
    base = rows(0, count)
    day = [None if i % 11 == 0 else dt.date(2024, 1, 1) + dt.timedelta(days=i % 5) for i in range(count)]
    table = (
        base.append_column("kind", pa.array([SIGNS[i % len(SIGNS)] for i in range(count)], pa.string()))
        .append_column("day", pa.array(day, pa.date32()))
    )
    write_deltalake(place, table, partition_by=["kind", "day"])
    DeltaTable(place).delete("day = DATE '2024-01-02'")
    DeltaTable(place).update(predicate="kind = 'a b'", updates={"c2": "c2 + 100"})
    DeltaTable(place).create_checkpoint()
    write_deltalake(place, table.slice(0, 24), mode="append")


def make_typed(place):
    """One partition column of each type that has texts of its own."""
    count = 60
    values = {
        "i": pa.array([None if i % 9 == 0 else i % 4 - 2 for i in range(count)], pa.int32()),
        "b": pa.array([None if i % 7 == 0 else i % 2 == 0 for i in range(count)], pa.bool_()),
        "d": pa.array([decimal.Decimal(i % 3) / 4 for i in range(count)], pa.decimal128(9, 2)),
        "f": pa.array([[1.5, 1e10, -0.25, math.inf][i % 4] for i in range(count)], pa.float64()),
        "z": pa.array([dt.datetime(2024, 1, 1, 3, i % 2, 5, 123456) for i in range(count)], pa.timestamp("us", "UTC")),
        "n": pa.array([dt.datetime(2024, 1, 1, 3, 4, 5 + i % 2) for i in range(count)], pa.timestamp("us")),
    }
    table = rows(0, count)
    for name, column in values.items():
        table = table.append_column(name, column)
    write_deltalake(place, table, partition_by=list(values))


def make_evolve(place):
    write_deltalake(place, rows(0, 50), mode="append")
    wide = rows(50, 50)
    count = 50
    for name, column in {
        "t": pa.array([f"text {i}" if i % 3 else None for i in range(count)]),
        "x": pa.array([i / 4 for i in range(count)], pa.float64()),
        "m": pa.array([decimal.Decimal(i) / 10 for i in range(count)], pa.decimal128(12, 3)),
        "at": pa.array([dt.datetime(2024, 5, 1, 12, 0, i) for i in range(count)], pa.timestamp("us", "UTC")),
        "on": pa.array([dt.date(2024, 5, 1 + i % 9) for i in range(count)]),
        "l": pa.array([[i, i + 1] if i % 4 else [] for i in range(count)], pa.list_(pa.int64())),
    }.items():
        wide = wide.append_column(name, column)
    write_deltalake(place, wide, mode="append", schema_mode="merge")
    write_deltalake(place, rows(100, 50), mode="append", schema_mode="merge")
    DeltaTable(place).create_checkpoint()
    DeltaTable(place).delete("id < 10")


def make_many(place):
    """Thirty commits with a checkpoint on the way, of which the ones before it are cleaned up."""
    write_deltalake(place, rows(0, 10), configuration={"delta.logRetentionDuration": "interval 0 days"})
    for n in range(1, 21):
        write_deltalake(place, rows(n * 10, 10), mode="append")
    DeltaTable(place).create_checkpoint()
    DeltaTable(place).cleanup_metadata()
    for n in range(21, 26):
        write_deltalake(place, rows(n * 10, 10), mode="append")


def plain(value):
    """A value as JSON can hold it, with what types of times and decimals differ in taken away."""
    if isinstance(value, float):
        return str(value)
    if isinstance(value, dt.datetime):
        return (value if value.tzinfo is None else value.astimezone(dt.UTC)).replace(tzinfo=None).isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value.normalize())
    return value if value is None or isinstance(value, (bool, int, str, list)) else str(value)


def compare(spec):
    columns = spec["columns"]
    expected = Path(spec["table"] + ".expected.parquet")
    if expected.exists():
        want = pq.read_table(expected)
    else:
        want = DeltaTable(spec["table"], version=spec["version"]).to_pyarrow_table()
    if "where" in spec:
        column, value = spec["where"]
        want = want.filter(pc.equal(pc.cast(want[column], pa.string()), value))
    parts = sorted(str(path) for path in Path(spec["output"]).glob("*.parquet"))
    got = ds.dataset(parts).to_table()
    y = pc.add(pc.add(pc.cast(want["c0"], pa.float64()), want["c1"]), want["c2"])
    want = want.select([name for name in dict.fromkeys(["id", *columns])]).append_column("y", y)
    # Rows may stand twice in a table: they are compared as bags.
    def bag(of):
        names = ["id", "y", *columns]
        lists = [of[name].to_pylist() for name in names]
        return sorted(json.dumps([plain(value) for value in row]) for row in zip(*lists))
    a, b = bag(want), bag(got)
    of_a, of_b = set(a), set(b)
    only = [row for row in a if row not in of_b][:3], [row for row in b if row not in of_a][:3]
    return {"rows": len(b), "isSame": a == b, "missing": only[0], "extra": only[1], "expected": len(a)}


MADE = {"plain": make_plain, "parts": make_parts, "typed": make_typed, "evolve": make_evolve, "many": make_many}

if __name__ == "__main__":
    command, *args = sys.argv[1:]
    if command == "make":
        for name, make in MADE.items():
            make(f"{args[0]}/{name}")
        print(json.dumps({name: DeltaTable(f"{args[0]}/{name}").version() for name in MADE}))
    elif command == "append":
        write_deltalake(args[0], rows(1_000_000, int(args[1])), mode="append", schema_mode="merge")
    elif command == "byhand":
        import delta_by_hand

        delta_by_hand.make(args[0])
    else:
        print(json.dumps([compare(spec) for spec in json.loads(Path(args[0]).read_text())]))
