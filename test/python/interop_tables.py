"""Writes tables with every type that prescore writes: interop_tables.py OUT

OUT/pyarrow/types.parquet and OUT/arrow/types.arrow: the same 3,000 rows. OUT/duckdb/types.parquet: types that pyarrow does
not write. OUT/names/names.parquet: odd column names. OUT/edges/<name>.parquet: values at the ends of what a type holds.

Every column begins with the ends of its type and has nulls at rows of its own, so that a row that moved is seen. `x` feeds
the model of make_identity.py that is named casts; the columns want_* hold what it gives. Prints {folder: [column, …]}.
"""

import json
import sys
import uuid
from decimal import Context, Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 3000
random = np.random.default_rng(11)
made = 0


def spread(ends, more):
    """The ends first, then what `more` gives for a row number; a null in every 11th row after them, another for each column."""
    global made
    made += 1
    rest = (None if i % 11 == made % 11 else more(i) for i in range(len(ends), ROWS))
    return [*ends, *rest]


def numbers(kind):
    ends = np.iinfo(kind)
    plain = random.integers(ends.min, ends.max, ROWS, dtype=kind, endpoint=True).tolist()
    return pa.array(spread([0, ends.min, ends.max], lambda i: plain[i]), pa.from_numpy_dtype(kind))


def floats(kind, ends):
    plain = random.standard_normal(ROWS).astype(kind).tolist()
    odd = [0.0, -0.0, float("nan"), float("inf"), float("-inf"), *ends]
    return pa.array(spread(odd, lambda i: plain[i]), pa.from_numpy_dtype(kind))


def stored(kind, storage, ends):
    """Dates and times by the whole numbers that they are stored as."""
    low, high = min(ends), max(ends)
    return pa.array(spread(ends, lambda i: low + (high - low) // ROWS * i), storage).cast(kind)


def decimals(kind):
    digits, scale = kind.precision, kind.scale
    place = Context(prec=80)
    value = lambda number: Decimal(number).scaleb(-scale, place)
    ends = [value(n) for n in (0, 10**digits - 1, 1 - 10**digits, 1, -1)]
    return pa.array(spread(ends, lambda i: value((10**digits // ROWS * i + i) % 10**digits)), kind)


def texts(i):
    return f"row {i}" if i % 3 else f"a longer text, not kept inline: {i} – naïve 𝒳"


def columns():
    out = {f"{sign}int{bits}": numbers(f"{sign}int{bits}") for bits in (8, 16, 32, 64) for sign in ("", "u")}
    out["half"] = floats("f2", [65504.0, 6e-8])
    out["float"] = floats("f4", [3.4028234663852886e38, 1e-45])
    out["double"] = floats("f8", [1.7976931348623157e308, 5e-324, 0.1])
    out["bool"] = pa.array(spread([True, False], lambda i: i % 3 == 0))
    text = pa.array(spread(["", "a", "null", "twelve bytes", "\u202e\n\t\"'", "a\0b"], texts))
    out["string"], out["large_string"], out["string_view"] = text, text.cast(pa.large_string()), text.cast(pa.string_view())
    blob = pa.array(spread([b"", b"\0", b"\xff\xfe"], lambda i: bytes([i % 256]) * (i % 30)))
    out["binary"], out["large_binary"] = blob, blob.cast(pa.large_binary())
    out["fixed_binary"] = pa.array(spread([b"\0" * 5, b"\xff" * 5], lambda i: b"%05d" % i), pa.binary(5))
    # The years 1 and 9999.
    out["date"] = stored(pa.date32(), pa.int32(), [0, -1, -719162, 2932896])
    out["date64"] = out["date"].cast(pa.date64())
    for unit, size, kind in (("s", 1, pa.time32), ("ms", 1000, pa.time32), ("us", 10**6, pa.time64), ("ns", 10**9, pa.time64)):
        out[f"time_{unit}"] = stored(kind(unit), pa.int32() if kind is pa.time32 else pa.int64(), [0, 86400 * size - 1])
    for unit, size in (("s", 1), ("ms", 1000), ("us", 10**6)):
        for zone in (None, "UTC", "America/St_Johns"):
            ends = [0, -1, -62135596800 * size, 253402300800 * size - 1]
            out[f"timestamp_{unit}_{zone}"] = stored(pa.timestamp(unit, zone), pa.int64(), ends)
    out["timestamp_ns_None"] = stored(pa.timestamp("ns"), pa.int64(), [0, -1, 1, -9223286400000000000, 2**63 - 2])
    for digits, scale in ((4, 1), (9, 2), (9, 9), (18, 3), (38, 10), (38, 0), (38, 38)):
        out[f"decimal_{digits}_{scale}"] = decimals(pa.decimal128(digits, scale))
    out["decimal32"], out["decimal64"] = decimals(pa.decimal32(9, 2)), decimals(pa.decimal64(18, 9))
    out["dictionary"] = pa.array(spread([""], lambda i: f"kind {i % 7}")).dictionary_encode()
    out["dictionary_int64"] = pa.array(spread([2**62], lambda i: i % 5)).dictionary_encode()
    lists = {"float": pa.float32(), "double": pa.float64(), "int64": pa.int64(), "uint8": pa.uint8(), "bool": pa.bool_(), "string": pa.string()}
    for name, kind in lists.items():
        item = texts if name == "string" else (lambda i: i % 2 == 0) if name == "bool" else (lambda i: i % 256)
        ends = [[], [None], [item(1), None]]
        out[f"list_{name}"] = pa.array(spread(ends, lambda i: [item(i + k) for k in range(i % 4)]), pa.list_(kind))
    out["fixed_list"] = pa.array(spread([], lambda i: [i / 8, -i, 0.5]), pa.list_(pa.float32(), 3))
    amounts = lambda i: [Decimal(k * i - 900).scaleb(-2) for k in range(3)]
    out["list_decimal"] = pa.array(spread([], amounts), pa.list_(pa.decimal128(9, 2)))
    out["large_list"] = pa.array(spread([[]], lambda i: [i] * (i % 3)), pa.large_list(pa.int32()))
    out["null"] = pa.nulls(ROWS)
    return out


def nested():
    out = {"list_of_lists": pa.array(spread([[], [[]], [None]], lambda i: [[i], [i, None]]), pa.list_(pa.list_(pa.int64())))}
    out["struct"] = pa.array(spread([{"a": None, "b": ""}], lambda i: {"a": i, "b": texts(i)}))
    out["map"] = pa.array(spread([[]], lambda i: [(f"k{i}", i), ("other", None)]), pa.map_(pa.string(), pa.int64()))
    out["uuid"] = pa.array(spread([b"\0" * 16, b"\xff" * 16], lambda i: uuid.UUID(int=i << 70).bytes), pa.uuid())
    return out


def predictions(x):
    """What the model casts gives for whole numbers from 0 to 99."""
    out = {kind: pa.array(x.astype(kind)) for kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")}
    out["float16"], out["bool"], out["string"] = out["float32"], pa.array(x > 0), pa.array([str(int(v)) for v in x])
    factors = np.outer(x, [1, 2, 0.5])
    for name, kind in {"list": "f4", "list_float16": "f4", "list_float64": "f8", "list_int64": "i8", "list_bool": "?"}.items():
        out[name] = pa.array(factors.astype(kind).tolist(), pa.list_(pa.from_numpy_dtype(kind)))
    best = np.where(x > 0, 1, 0)
    out["best"], out["best_text"] = pa.array(best, pa.int32()), pa.array([["läg", "high"][b] for b in best])
    out["best_whole"], out["best_fraction"] = pa.array(best + 2**40), pa.array(best + 0.25)
    out["second"] = pa.array((2 * x).astype("f4"))
    return {f"want_{name}": column for name, column in out.items()}


def head(rows):
    x = (np.arange(rows) * 7 % 100).astype("f4")
    return {"id": pa.array(range(rows)), "x": pa.array(x), **predictions(x)}


def write_parquet(folder, name, table):
    (out / folder).mkdir(parents=True)
    pq.write_table(table, out / folder / f"{name}.parquet", row_group_size=1100)


DUCKDB_TYPES = """select i as id, x, {want},
  case when i % 7 = 1 then null else json_object('row', i, 'text', 'naïve') end as json,
  case when i % 7 = 2 then null else ('00000000-0000-4000-8000-' || lpad(i::varchar, 12, '0'))::uuid end as uuid,
  case when i % 7 = 3 then null else (['red', 'green', 'naïve'])[1 + i % 3]::enum('red', 'green', 'naïve') end as "enum",
  case when i % 7 = 4 then null else ('12:34:56.' || lpad(i::varchar, 6, '0') || '+02')::timetz end as time_tz,
  case when i % 7 = 5 then null else i::bit::varchar end as bits,
  [i, i / 2, -i]::double[3] as fixed_list,
  case when i % 7 = 1 then null else make_timestamp_ns(1577836800123456789 + i) end as timestamp_ns
  from head"""

NAMES = [
    "a.b", "a b", " lead", "trail ", '"quoted"', "it's", "`tick`", "naïve ключ 键 🔑", "__proto__", "constructor", "toString",
    "select", "a,b;c", "a=b", "a/b\\c", "%20", "{partition}", "$1", "*", "new\nline", "tab\t", "\u202ertl", "x" * 300, "list.element",
]


def write_edges():
    """Values that a type holds and another cannot."""
    (out / "edges").mkdir(parents=True)
    edges = {
        "timestamp_ms": pa.array([0, 2**63 - 1, -(2**63)], pa.int64()).cast(pa.timestamp("ms")),
        "timestamp_us": pa.array([0, 2**63 - 1, -(2**63) + 1], pa.int64()).cast(pa.timestamp("us")),
        "timestamp_ns": pa.array([0, 2**63 - 1, -(2**63) + 1], pa.int64()).cast(pa.timestamp("ns")),
        "timestamp_ns_utc": pa.array([0, 1577836800123456789, -1001], pa.int64()).cast(pa.timestamp("ns", "UTC")),
        "date": pa.array([0, 2**31 - 1, -(2**31)], pa.int32()).cast(pa.date32()),
    }
    for name, column in edges.items():
        table = pa.table({"id": pa.array(range(3)), "x": pa.array([1.0, 2.0, 3.0], pa.float32()), name: column})
        pq.write_table(table, out / "edges" / f"{name}.parquet")
        if name == "timestamp_ns_utc":
            with pa.ipc.new_file(str(out / "edges" / f"{name}.arrow"), table.schema) as writer:
                writer.write_table(table)
    stamps = pa.array([0, 1_600_000_000_123_456_000, -1_000_000_000, None], pa.int64()).cast(pa.timestamp("ns"))
    table = pa.table({"id": pa.array(range(4)), "x": pa.array([1.0] * 4, pa.float32()), "int96": stamps})
    pq.write_table(table, out / "edges" / "int96.parquet", use_deprecated_int96_timestamps=True)


out = Path(sys.argv[1])
kept = columns()
table = pa.table({**head(ROWS), **kept})
(out / "arrow").mkdir(parents=True)
with pa.OSFile(str(out / "arrow/types.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
    writer.write_table(table, max_chunksize=1100)
more = nested()
for name, column in more.items():
    table = table.append_column(name, column)
write_parquet("pyarrow", "types", table)
first = pa.table(head(ROWS))
(out / "duckdb").mkdir()
wanted = ", ".join(name for name in first.column_names if name.startswith("want_"))
duckdb.sql("set threads = 1")
duckdb.from_arrow(first).create_view("source")
duckdb.sql("create view head as select id as i, * exclude (id) from source")
duckdb.sql(f"copy ({DUCKDB_TYPES.format(want=wanted)}) to '{out}/duckdb/types.parquet' (row_group_size 2048)")
names = {name: pa.array(spread([], lambda i, k=k: i * 100 + k), pa.int64()) for k, name in enumerate(NAMES)}
names["Twin"], names["twin"] = pa.array([f"upper {i}" for i in range(ROWS)]), pa.array(np.arange(ROWS, dtype="f4"))
write_parquet("names", "names", pa.table({"x": head(ROWS)["x"], **names}))
write_edges()
folders = {"arrow": [*kept], "pyarrow": [*kept, *more], "names": NAMES}
folders["duckdb"] = ["json", "uuid", "enum", "time_tz", "bits", "fixed_list", "timestamp_ns"]
print(json.dumps(folders))
