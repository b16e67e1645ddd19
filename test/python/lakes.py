"""Tables over a few files each, whose columns change their types from file to file, written by several tools.

lakes.py make FOLDER SEED NUMBERS: FOLDER/model.onnx, and for each number (a comma between them) the same rows in
FOLDER/in/<number>-<writer>/<file>.parquet, for each writer and for all of them mixed. Prints the names of these folders.
lakes.py check FOLDER SEED NUMBERS: compares every kept value and prediction in FOLDER/out/<number>-<writer> with the rows. Prints
what differs: {name: text}. All follows from seed and number.
"""
import glob
import json
import math
import os
import random
import sys
from decimal import Decimal, getcontext

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

getcontext().prec = 80
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
WRITERS = ["pyarrow", "spark", "polars", "duckdb", "mixed"]
# Types that one column may have in the files of a table.
FAMILIES = {
    "whole": ["int8", "int16", "int32", "int64"],
    "count": ["uint8", "uint16", "uint32", "uint64"],
    "signs": ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"],
    "number": ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float", "double"],
    "decimal": ["dec5_2", "dec9_0", "dec18_9", "dec30_4"],
    "stamp": ["ts_ms", "ts_us", "ts_ns"],
    "zoned": ["ts_ms_z", "ts_us_z"],
    "text": ["string", "large_string", "dictionary"],
    "flag": ["bool"],
    "day": ["date"],
    "bytes": ["binary"],
    "lists": ["list_int8", "list_int32", "list_int64"],
    "floats": ["list_float", "list_double", "list_int16"],
    "stamps": ["list_ts_us", "list_ts_ns"],
}
# What feeds the model; as such a column may be a decimal in one file and an integer in another.
FED = {**{name: FAMILIES[name] for name in ("signs", "number", "stamp", "day", "flag")}, "decimal": ["dec5_2", "dec9_0", "int32"]}
TEXTS = ["", "a", "é", "😀x", "a\nb", 'q"q', "x" * 13, "y" * 300, "NULL", "\t", " lead"]


def kind_of(name):
    if name.startswith("list_"):
        return pa.list_(kind_of(name[5:]))
    if name.startswith("dec"):
        return pa.decimal128(*map(int, name[3:].split("_")))
    if name.startswith("ts_"):
        unit, *zone = name[3:].split("_")
        return pa.timestamp(unit, "UTC" if zone else None)
    named = {"float": pa.float32(), "double": pa.float64(), "date": pa.date32(), "dictionary": pa.dictionary(pa.int32(), pa.string())}
    return named[name] if name in named else getattr(pa, name + ("_" if name == "bool" else ""))()


def one(rnd, name, is_fed):
    """A value; whole numbers of what is stored for dates and times, so that no library has a say."""
    edge = rnd.random() < 0.3
    if name.startswith("list_"):
        return [one(rnd, name[5:], is_fed) if rnd.random() < 0.9 else None for _ in range(rnd.choice([0, 1, 3]))]
    if name.startswith(("int", "uint")):
        bits = int(name.lstrip("uint"))
        low, high = (0, 2**bits - 1) if name[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if is_fed:
            low, high = max(low, -(2**53)), min(high, 2**53)
        return rnd.choice([low, high, 0, 1]) if edge else rnd.randint(max(low, -1000), min(high, 1000))
    if name in ("float", "double"):
        ends = [0.0, 1.0, 2.0**-126, 3e38, -3e38] if is_fed else [0.0, -0.0, math.inf, -math.inf, math.nan, 2.0**-149]
        value = rnd.choice(ends) if edge else rnd.gauss(0, 100)
        return value if name == "double" else pa.scalar(value, pa.float32()).as_py()
    if name.startswith("dec"):
        digits, scale = map(int, name[3:].split("_"))
        most = 10**digits - 1
        return Decimal(rnd.choice([most, -most, 0, 1]) if edge else rnd.randint(-most, most)).scaleb(-scale)
    if name.startswith("ts_"):
        step = 10**9 // UNITS[name[3:].split("_")[0]]
        # Seconds that nanoseconds hold, and as a feature those of less than 2^53 microseconds.
        most = 9_007_199_254 if is_fed else 9_223_286_400
        seconds = rnd.choice([-most, most - 1, 0, -1]) if edge else rnd.randint(-most + 1, most - 1)
        return seconds * step + (rnd.randrange(step) if rnd.random() < 0.5 and abs(seconds) < most - 1 else 0)
    if name == "date":
        return rnd.choice([-719162, 2932896, -1, 0]) if edge else rnd.randint(-50000, 50000)
    if name == "bool":
        return rnd.random() < 0.5
    if name == "binary":
        return rnd.choice([b"", b"\x00", b"\xff\xfe", b"abc"])
    return rnd.choice(TEXTS) if rnd.random() < 0.8 else f"t{rnd.random()}"


def stored(values, kind):
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.int64()).cast(kind)
    if pa.types.is_date(kind):
        return pa.array(values, pa.int32()).cast(kind)
    if pa.types.is_list(kind):
        flat = stored([x for v in values if v is not None for x in v], kind.value_type)
        at, offsets = 0, []
        for value in values:
            offsets.append(None if value is None else at)
            at += len(value or [])
        return pa.ListArray.from_arrays(pa.array([*offsets, at], pa.int32()), flat)
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind)


def meant(value, name):
    """What a value is, whatever type it is kept as: numbers, texts, nanoseconds."""
    if value is None:
        return None
    if name.startswith("list_"):
        return [meant(x, name[5:]) for x in value]
    return value * UNITS[name[3:].split("_")[0]] if name.startswith("ts_") else value


def fed(value, name):
    """The double that the model is fed."""
    if value is None:
        return -1.0
    if name.startswith("ts_"):
        nanos = meant(value, name)
        return float(-(-nanos // 1000) if nanos < 0 else nanos // 1000)
    return float(value)


def case_of(seed, number):
    """The files of a table: columns with their types, and rows."""
    rnd = random.Random(f"{seed}-{number}")
    columns = {f"c{i}": rnd.choice(list(FAMILIES.values())) for i in range(6)}
    columns.update({"f0": rnd.choice(list(FED.values())), "f1": rnd.choice(list(FED.values())), "s": FAMILIES["text"]})
    files, key = [], 0
    for _ in range(rnd.choice([1, 2, 3, 4])):
        rows = rnd.choice([0, 1, 7, 60, 300])
        share = rnd.choice([0, 0, 0.1, 0.5])
        drawn = {"k": ("int64", list(range(key, key + rows)))}
        for name, family in columns.items():
            kind = rnd.choice(family)
            is_null = rnd.random() < 0.1 and name != "s"
            values = [None if is_null or (name != "s" and rnd.random() < share) else one(rnd, kind, name[0] == "f") for _ in range(rows)]
            drawn[name] = (kind, values)
        order = list(drawn)
        rnd.shuffle(order)
        if rnd.random() < 0.3:
            drawn["unused"] = ("string", ["x"] * rows)
            order.insert(rnd.randint(0, len(order)), "unused")
        files.append({name: drawn[name] for name in order})
        key += rows
    if key == 0:
        files.append({**{name: (kind, [one(rnd, kind, True)]) for name, (kind, _) in files[0].items()}, "k": ("int64", [0])})
    return files


def write(rnd, table, path, writer):
    groups = rnd.choice([1, 2, 7, 64, 100_000]) if table.num_rows < 100 else rnd.choice([50, 100_000])
    if writer == "polars":
        import polars as pl

        codec = rnd.choice(["snappy", "zstd", "gzip", "lz4", "brotli", "uncompressed"])
        options = {"statistics": rnd.choice([True, False]), "row_group_size": groups, "data_page_size": rnd.choice([None, 64])}
        pl.from_arrow(table).write_parquet(path, compression=codec, **options)
    elif writer == "duckdb":
        import duckdb

        connection = duckdb.connect(config={"threads": 1})
        connection.register("t", table)
        options = f"compression {rnd.choice(['snappy', 'zstd', 'gzip', 'lz4_raw', 'uncompressed'])}, parquet_version {rnd.choice(['v1', 'v2'])}"
        connection.execute(f"copy (from t) to '{path}' (format parquet, {options}, row_group_size {max(groups, 2048)})")
    elif writer == "spark":
        # As Spark writes: the old types of the format where they hold the values, no Arrow schema.
        new = any("[ns" in str(kind) or "uint" in str(kind) for kind in table.schema.types)
        options = {"version": "2.6" if new else "1.0", "store_schema": False, "compression": "snappy", "write_batch_size": 16}
        pq.write_table(table, path, row_group_size=groups, **options)
    else:
        options = {
            "compression": rnd.choice(["snappy", "zstd", "gzip", "lz4", "brotli", "none"]),
            "data_page_version": rnd.choice(["1.0", "2.0"]),
            "use_dictionary": rnd.choice([True, False]),
            "write_statistics": rnd.choice([True, True, False]),
            "write_page_index": rnd.choice([True, False]),
            "store_schema": rnd.choice([True, False]),
            "write_page_checksum": rnd.choice([True, False]),
            "data_page_size": rnd.choice([1, 100, None]),
        }
        if not options["use_dictionary"] and rnd.random() < 0.7:
            options["column_encoding"] = encodings(rnd, table.schema)
        with pq.ParquetWriter(path, table.schema, version="2.6", **options) as out:
            out.write_table(table, row_group_size=groups)
            if rnd.random() < 0.2:
                out.write_table(table.slice(0, 0))


def encodings(rnd, schema):
    found = {}
    for field in schema:
        kind = field.type
        if pa.types.is_integer(kind) and kind.bit_width >= 32:
            found[field.name] = rnd.choice(["DELTA_BINARY_PACKED", "PLAIN"])
        elif pa.types.is_string(kind) or pa.types.is_binary(kind):
            found[field.name] = rnd.choice(["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "PLAIN"])
        elif kind in (pa.float32(), pa.float64()):
            found[field.name] = rnd.choice(["BYTE_STREAM_SPLIT", "PLAIN"])
        elif pa.types.is_boolean(kind):
            found[field.name] = rnd.choice(["RLE", "PLAIN"])
    return found or None


def make(folder, seed, numbers):
    save_model(f"{folder}/model.onnx")
    names = []
    for number in numbers:
        files = case_of(seed, number)
        for writer in WRITERS:
            rnd = random.Random(f"{seed}-{number}-{writer}")
            name = f"{number}-{writer}"
            os.makedirs(f"{folder}/in/{name}")
            for i, columns in enumerate(files):
                table = pa.table({c: stored(values, kind_of(kind)) for c, (kind, values) in columns.items()})
                tool = rnd.choice(WRITERS[:-1]) if writer == "mixed" else writer
                write(rnd, table, f"{folder}/in/{name}/{i}.parquet", tool)
            names.append(name)
    print(json.dumps(names))


def save_model(path):
    import onnx
    from onnx import TensorProto as T
    from onnx import helper as h

    nodes = [h.make_node("Identity", [a], [b]) for a, b in (("x", "y"), ("s", "t"))]
    given = [h.make_tensor_value_info("x", T.DOUBLE, ["N", 2]), h.make_tensor_value_info("s", T.STRING, ["N", 1])]
    made = [h.make_tensor_value_info("y", T.DOUBLE, ["N", 2]), h.make_tensor_value_info("t", T.STRING, ["N", 1])]
    model = h.make_model(h.make_graph(nodes, "lakes", given, made), opset_imports=[h.make_opsetid("", 21)])
    model.ir_version = 10
    onnx.save(model, path)


def read_back(array):
    """Values of an output column, as `meant` gives them."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        return [None if v is None else v * UNITS[kind.unit] for v in array.cast(pa.int64()).to_pylist()]
    if pa.types.is_date(kind):
        return array.cast(pa.int32()).to_pylist()
    if pa.types.is_list(kind):
        flat = read_back(array.combine_chunks().flatten() if isinstance(array, pa.ChunkedArray) else array.flatten())
        found, at = [], 0
        for length in pc.list_value_length(array).to_pylist():
            found.append(None if length is None else flat[at : at + length])
            at += length or 0
        return found
    return array.to_pylist()


def is_same(want, got, is_sign_kept):
    if isinstance(want, list) or isinstance(got, list):
        if not isinstance(want, list) or not isinstance(got, list) or len(want) != len(got):
            return False
        return all(is_same(a, b, is_sign_kept) for a, b in zip(want, got))
    if want is None or got is None:
        return want is got
    if isinstance(want, float) and math.isnan(want):
        return isinstance(got, float) and math.isnan(got)
    if isinstance(want, float) and want == 0 and is_sign_kept:
        return got == 0 and math.copysign(1, got) == math.copysign(1, want)
    return want == got


def fault_of(folder, seed, name):
    number, writer = name.split("-")
    files = case_of(seed, number)
    parts = [pq.ParquetFile(p).read() for p in sorted(glob.glob(f"{folder}/out/{name}/*.parquet"))]
    if not parts:
        return "no output"
    out = pa.concat_tables(parts)
    at = {key: row for row, key in enumerate(out["k"].to_pylist())}
    keys = [key for columns in files for key in columns["k"][1]]
    if sorted(at) != keys or out.num_rows != len(keys):
        return f"{out.num_rows} rows of {len(keys)}"
    # DuckDB's writer takes -0.0 for 0.0 where it makes a dictionary: there the file itself has lost the sign.
    is_sign_kept = writer not in ("duckdb", "mixed")
    got = {name: read_back(out[name]) for name in out.column_names}
    for columns in files:
        for row, key in enumerate(columns["k"][1]):
            there = at[key]
            for column, (kind, values) in columns.items():
                if column[0] == "c" and not is_same(meant(values[row], kind), got[column][there], is_sign_kept):
                    return f"key {key}, {column} as {kind}: {values[row]!r} became {got[column][there]!r}"
            for i in (0, 1):
                kind, values = columns[f"f{i}"]
                if fed(values[row], kind) != got["y"][there][i]:
                    return f"key {key}, f{i} as {kind}: {values[row]!r} was fed as {got['y'][there][i]!r}"
            if columns["s"][1][row] != got["t"][there]:
                return f"key {key}, s: {columns['s'][1][row]!r} was fed as {got['t'][there]!r}"
    return ""


def check(folder, seed, numbers):
    names = [f"{number}-{writer}" for number in numbers for writer in WRITERS]
    faults = {name: fault_of(folder, seed, name) for name in names}
    print(json.dumps({name: fault for name, fault in faults.items() if fault}))


{"make": make, "check": check}[sys.argv[1]](sys.argv[2], sys.argv[3], sys.argv[4].split(","))
