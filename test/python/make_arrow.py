"""Writes the Arrow corpus: make_arrow.py OUT [CASE ...]

For every case OUT holds <case>.<form>.<codec>.arrow, form `file` or `stream`, codec `none`, `lz4` or `zstd`, and
<case>.json with the values as pyarrow reads them: {"columns": [[name, [value, ...]], ...], "batches": [rows, ...]}.

Values are written as text as canonical.py says, but times and timestamps in the unit that DuckDB keeps.
"""

import decimal
import json
import math
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from canonical import text_of

decimal.getcontext().prec = 80
MICROS = {"s": 1_000_000, "ms": 1_000, "us": 1}


def kept_by_duckdb(value, kind):
    """A time, a timestamp or a duration in the unit that DuckDB keeps."""
    if pa.types.is_time(kind):
        return str(value.value * MICROS.get(kind.unit, 1))
    if pa.types.is_timestamp(kind):
        if kind.unit == "ns":
            # Cut towards 1970.
            micros = -(-value.value // 1000) if value.value < 0 else value.value // 1000
            return str(micros if kind.tz else value.value)
        return str(value.value * MICROS[kind.unit])
    return str(value.value)


def values_of(column):
    return [text_of(value, kept_by_duckdb) for value in column]


def batches_of(table, sizes):
    """The table as record batches of these sizes; a size may be 0."""
    start = 0
    for size in sizes:
        piece = table.slice(start, size).combine_chunks().to_batches()
        yield piece[0] if piece else empty_batch(table.schema)
        start += size
    assert start == table.num_rows


def empty_batch(schema):
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def with_nulls(values, kind, every):
    array = pa.array(values, kind)
    return pa.array([None if i % every == 1 else v for i, v in enumerate(array.to_pylist())], kind)


def integers():
    rows = 5000
    columns = {}
    rng = np.random.default_rng(1)
    for bits in (8, 16, 32, 64):
        for sign in ("", "u"):
            kind = pa.type_for_alias(f"{sign}int{bits}")
            low, high = (0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            values = rng.integers(low, high, rows, dtype=np.dtype(f"{sign}int{bits}"), endpoint=True).tolist()
            values[:4] = [low, high, low + 1, high - 1]
            columns[f"{sign}int{bits}"] = pa.array(values, kind)
            columns[f"{sign}int{bits}_null"] = with_nulls(values, kind, 3)
    columns["past_2_53"] = pa.array([2**53 + 1 + i for i in range(rows)], pa.int64())
    columns["bool"] = pa.array([i % 3 == 0 for i in range(rows)])
    columns["bool_null"] = with_nulls([i % 5 == 0 for i in range(rows)], pa.bool_(), 7)
    return pa.table(columns), [2048, 0, 1, 2047, 904]


def floats():
    special = [0.0, -0.0, 1.5, math.nan, math.inf, -math.inf, 1e-45, -1e-40, 6e-8, 6.1e-5, 65504.0, 5e-324]
    rng = np.random.default_rng(2)
    columns = {}
    for name in ("float16", "float32", "float64"):
        with np.errstate(over="ignore"):
            values = np.concatenate([np.array(special), rng.standard_normal(2988)]).astype(name)
        columns[name] = pa.array(values)
        columns[f"{name}_null"] = pa.array(values, mask=rng.random(3000) < 0.3)
    columns["every_half"] = pa.array(np.resize(np.arange(65536, dtype=np.uint16).view(np.float16)[::22], 3000))
    return pa.table(columns), [3000]


def decimals():
    columns = {}
    for kind in (
        pa.decimal128(4, 1), pa.decimal128(9, 2), pa.decimal128(18, 3), pa.decimal128(19, 0), pa.decimal128(38, 10),
        pa.decimal128(38, 38), pa.decimal256(4, 2), pa.decimal256(18, 2), pa.decimal256(38, 5),
        pa.decimal32(9, 3), pa.decimal32(4, 0), pa.decimal64(18, 6), pa.decimal64(5, 2),
    ):
        most = decimal.Decimal(10**kind.precision - 1).scaleb(-kind.scale)
        step = decimal.Decimal(1).scaleb(-kind.scale)
        values = [most, -most, step, -step, decimal.Decimal(0).scaleb(-kind.scale), None, most - step]
        columns[str(kind)] = pa.array(values, kind)
    return pa.table(columns), [3, 4]


def times():
    day = 86_400
    columns = {
        "date32": pa.array([0, -1, 19_000, None, 2_932_896, -719_162], pa.date32()),
        "date64": pa.array([0, -86_400_000, 19_000 * 86_400_000, None, 86_400_000, 0], pa.date64()),
        "time32_s": pa.array([0, 1, day - 1, None, 7, 8], pa.time32("s")),
        "time32_ms": pa.array([0, 1, day * 1000 - 1, None, 7, 8], pa.time32("ms")),
        "time64_us": pa.array([0, 1, day * 10**6 - 1, None, 7, 8], pa.time64("us")),
        "time64_ns": pa.array([0, 1, day * 10**9 - 1, None, 7, 8], pa.time64("ns")),
    }
    for unit, most in (("s", 8_000_000_000), ("ms", 9 * 10**15), ("us", 9 * 10**18), ("ns", 9 * 10**18)):
        values = [0, -1, 1_700_000_000_123 if unit != "s" else 1_700_000_000, None, most, -most]
        columns[f"timestamp_{unit}"] = pa.array(values, pa.timestamp(unit))
        columns[f"timestamp_{unit}_utc"] = pa.array(values, pa.timestamp(unit, "UTC"))
        columns[f"timestamp_{unit}_zone"] = pa.array(values, pa.timestamp(unit, "America/New_York"))
        columns[f"duration_{unit}"] = pa.array(values, pa.duration(unit))
    return pa.table(columns), [4, 2]


TEXTS = ["", "a", "twelve bytes", "thirteen byte", "é", "日本語の文字列です", "nul \0 inside", "e\u0301", "\U0001f600" * 4, "x" * 100_000]


def texts():
    rows = 2500
    values = [TEXTS[i % 9] + ("" if i % 4 else str(i)) for i in range(rows - 1)] + [TEXTS[9]]
    columns = {}
    for name, kind in (("utf8", pa.utf8()), ("large_utf8", pa.large_utf8()), ("utf8_view", pa.string_view())):
        columns[name] = pa.array(values, kind)
        columns[f"{name}_null"] = with_nulls(values, kind, 3)
    blobs = [bytes([i % 256, 0, 255]) * (i % 7) for i in range(rows)]
    for name, kind in (("binary", pa.binary()), ("large_binary", pa.large_binary()), ("binary_view", pa.binary_view())):
        columns[name] = with_nulls(blobs, kind, 5)
    for size in (0, 3, 16):
        columns[f"fixed_{size}"] = with_nulls([bytes([i % 256]) * size for i in range(rows)], pa.binary(size), 4)
    return pa.table(columns), [2100, 400]


def dictionaries():
    rows = 2400
    labels = pa.array(["red", "a label that is longer than twelve bytes", None, "", "grün"])
    numbers = pa.array([7, -(2**60) - 1, None, 0, 5], pa.int64())
    columns = {}
    for index in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        codes = pa.array([None if i % 11 == 3 else i % 5 for i in range(rows)], pa.type_for_alias(index))
        columns[f"{index}_text"] = pa.DictionaryArray.from_arrays(codes, labels)
    codes = pa.array([i % 5 for i in range(rows)], pa.int8())
    for name, values in (
        ("int64", numbers),
        ("float64", numbers.cast(pa.float64(), safe=False)),
        ("bool", pa.array([True, False, None, True, False])),
        ("decimal", pa.array([decimal.Decimal(i) for i in range(5)], pa.decimal128(20, 3))),
        ("timestamp", pa.array(range(5), pa.timestamp("ms", "UTC"))),
        ("large", labels.cast(pa.large_utf8())),
        ("binary", labels.cast(pa.binary())),
    ):
        columns[f"{name}_values"] = pa.DictionaryArray.from_arrays(codes, values)
    columns["all_null"] = pa.DictionaryArray.from_arrays(pa.array([None] * rows, pa.int8()), labels)
    return pa.table(columns), [2200, 200]


def lists():
    rows = 2300
    floats = [None if i % 9 == 4 else [None if j == 2 else i + j / 2 for j in range(i % 5)] for i in range(rows)]
    columns = {
        "list_float": pa.array(floats, pa.list_(pa.float32())),
        "large_list_int64": pa.array([[2**60 + i] * (i % 3) for i in range(rows)], pa.large_list(pa.int64())),
        "fixed_3": pa.array([None if i % 6 == 1 else [i, None, -i] for i in range(rows)], pa.list_(pa.float64(), 3)),
        "fixed_0": pa.array([[] for _ in range(rows)], pa.list_(pa.float32(), 0)),
        "list_text": pa.array([[TEXTS[(i + j) % 9] for j in range(i % 4)] for i in range(rows)], pa.list_(pa.utf8())),
        "list_bool": pa.array([[True, None, False][: i % 4] for i in range(rows)], pa.list_(pa.bool_())),
        "list_of_lists": pa.array([[[i], [], None, [1, 2]][: i % 5] for i in range(rows)], pa.list_(pa.list_(pa.int32()))),
        "list_null": pa.array([[None] * (i % 3) for i in range(rows)], pa.list_(pa.null())),
        "many": pa.array([list(range(i, i + 40)) for i in range(rows)], pa.list_(pa.int16())),
    }
    # Null slots that still own values, as the format allows.
    offsets = pa.array([i * 2 for i in range(rows + 1)], pa.int32())
    mask = pa.array([i % 3 == 1 for i in range(rows)])
    columns["null_with_values"] = pa.ListArray.from_arrays(offsets, pa.array(range(2 * rows), pa.int32()), mask=mask)
    words = pa.DictionaryArray.from_arrays(pa.array([i % 3 for i in range(rows)], pa.int8()), pa.array(["p", "q" * 20, "r"]))
    columns["list_dictionary"] = pa.ListArray.from_arrays(pa.array(range(rows + 1), pa.int32()), words)
    return pa.table(columns), [2250, 50]


def nulls():
    columns = {
        "null": pa.nulls(2500),
        "all_null_int": pa.nulls(2500, pa.int32()),
        "all_null_text": pa.nulls(2500, pa.utf8()),
        "all_null_list": pa.nulls(2500, pa.list_(pa.float32())),
        "present": pa.array(range(2500), pa.int32()),
    }
    return pa.table(columns), [2100, 0, 400]


def names():
    twins = ["__proto__", "constructor", "a.b", 'quo"te', "apo'strophe", "new\nline", "nul\0byte", "Twin", "twin", "TWIN", "",
             "\u202egnirts", "ünï", "c0", "select", "x" * 10_240]
    return pa.table([pa.array([i, i + 1, None], pa.int32()) for i in range(len(twins))], names=twins), [2, 1]


def empty():
    return pa.table({"a": pa.array([], pa.int32()), "b": pa.array([], pa.utf8()), "c": pa.array([], pa.list_(pa.float32()))}), [0]


def no_batches():
    return pa.table({"a": pa.array([], pa.int32())}), []


def sliced():
    """Batches that are slices: their offsets do not start at 0 in memory."""
    table = pa.table({
        "text": pa.array([f"value number {i}" for i in range(3000)]),
        "flag": pa.array([None if i % 7 == 0 else i % 2 == 0 for i in range(3000)]),
        "list": pa.array([[i, i + 1] for i in range(3000)], pa.list_(pa.int64())),
    }).slice(13, 2900)
    return table, [5, 1003, 1892]


def unreadable():
    """Types that are described only, around columns that must still be found."""
    rows = 3
    struct_type = pa.struct([("x y", pa.int32()), ("s", pa.utf8())])
    sparse = pa.UnionArray.from_sparse(pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]), pa.array(["a", "b", "c"])])
    dense = pa.UnionArray.from_dense(
        pa.array([0, 1, 0], pa.int8()), pa.array([0, 0, 1], pa.int32()), [pa.array([1, 2]), pa.array(["a"])])
    columns = {
        "struct": pa.array([{"x y": i, "s": "v"} for i in range(rows)], struct_type),
        "one": pa.array([1, None, 3], pa.int8()),
        "map": pa.array([[("k", i)] for i in range(rows)], pa.map_(pa.utf8(), pa.int32())),
        "sparse": sparse,
        "dense": dense,
        "two": pa.array(["a", None, "c"]),
        "interval": pa.array([(1, 2, 3)] * rows, pa.month_day_nano_interval()),
        "run_end": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int16()), pa.array([1, 2])),
        "list_view": pa.array([[1], [], [2, 3]], pa.list_view(pa.int32())),
        "views": pa.array(["a view that is longer than 12", None, "b"], pa.string_view()),
        "list_struct": pa.array([[{"x y": 1, "s": "v"}]] * rows, pa.list_(struct_type)),
        "wide_decimal": pa.array([decimal.Decimal(1)] * rows, pa.decimal256(39, 2)),
        "negative_scale": pa.array([decimal.Decimal("1E+2")] * rows, pa.decimal128(5, -2)),
        "three": pa.array([1.5, 2.5, None], pa.float64()),
    }
    return pa.table(columns), [3]


def mixed():
    """Small, with a bit of everything: the ground for damaged copies."""
    rows = 90
    table = pa.table({
        "int64": with_nulls(range(rows), pa.int64(), 5),
        "float": pa.array([i / 3 for i in range(rows)], pa.float32()),
        "text": with_nulls([f"text {i} " * (i % 4) for i in range(rows)], pa.utf8(), 7),
        "view": pa.array([f"a view of {i} is" * (i % 3) for i in range(rows)], pa.string_view()),
        "flag": with_nulls([i % 2 == 0 for i in range(rows)], pa.bool_(), 9),
        "code": pa.array([("red", "green", "a label of some length")[i % 3] for i in range(rows)]).dictionary_encode(),
        "list": pa.array([[i] * (i % 4) for i in range(rows)], pa.list_(pa.int16())),
        "when": pa.array(range(rows), pa.timestamp("ms", "UTC")),
        "price": pa.array([decimal.Decimal(i) / 4 for i in range(rows)], pa.decimal128(12, 2)),
    })
    return table, [40, 30, 20]


def duplicates():
    return pa.table([pa.array([1]), pa.array([2]), pa.array([3])], names=["a", "b", "a"]), [1]


CASES = (integers, floats, decimals, times, texts, dictionaries, lists, nulls, names, empty, no_batches, sliced, unreadable,
         mixed, duplicates)
READABLE_OF_UNREADABLE = ("one", "two", "views", "three")


def write(path, form, codec, schema, batches, **options):
    options = pa.ipc.IpcWriteOptions(compression=None if codec == "none" else codec, **options)
    new = pa.ipc.new_file if form == "file" else pa.ipc.new_stream
    with new(str(path), schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)


def save(out, name, form, codec, table, sizes, **options):
    write(out / f"{name}.{form}.{codec}.arrow", form, codec, table.schema, batches_of(table, sizes), **options)


def expect(out, name, table, sizes):
    keep = READABLE_OF_UNREADABLE if name == "unreadable" else None
    columns = [[n, values_of(c)] for n, c in zip(table.column_names, table.columns) if keep is None or n in keep]
    (out / f"{name}.json").write_text(json.dumps({"columns": columns, "batches": sizes}))


def changing_dictionaries(out):
    """Streams whose dictionary is replaced or extended between batches, and a file with deltas."""
    labels = [["a", "b"], ["a", "b", "a long label number three"], ["z", "y"]]
    batches = [
        pa.RecordBatch.from_arrays(
            [pa.DictionaryArray.from_arrays(pa.array([0, 1, len(some) - 1], pa.int8()), pa.array(some)),
             pa.DictionaryArray.from_arrays(pa.array([1, 0, None], pa.int8()), pa.array([10 * len(some), 7]))],
            names=["text", "number"])
        for some in labels
    ]
    table = pa.Table.from_batches(batches)
    write(out / "replaced.stream.none.arrow", "stream", "none", table.schema, batches)
    expect(out, "replaced", table, [3, 3, 3])
    growing = [
        pa.RecordBatch.from_arrays(
            [pa.DictionaryArray.from_arrays(pa.array([0, n - 1, None], pa.int8()), pa.array([f"label {i}" * (i + 1) for i in range(n)])),
             pa.DictionaryArray.from_arrays(pa.array([n - 1, 0, 0], pa.int8()), pa.array(range(n), pa.int64()))],
            names=["text", "number"])
        for n in (2, 3, 6)
    ]
    table = pa.Table.from_batches(growing)
    for form in ("file", "stream"):
        for codec in ("none", "zstd"):
            write(out / f"delta.{form}.{codec}.arrow", form, codec, table.schema, growing, emit_dictionary_deltas=True)
    expect(out, "delta", table, [3, 3, 3])


def widening(out):
    """Rows that become much wider: texts, lists and labels of a dictionary, within one record batch and in the second of two."""
    rows, half = 8192, 4096
    width = lambda i: 1 if i < half else 8000 + i
    table = pa.table({
        "id": pa.array(range(rows), pa.int32()),
        "text": pa.array(["x" * width(i) for i in range(rows)]),
        "list": pa.array([[i] * (width(i) // 8) for i in range(rows)], pa.list_(pa.int32())),
        "code": pa.DictionaryArray.from_arrays(pa.array([int(i >= half) for i in range(rows)], pa.int8()), pa.array(["", "y" * 4000])),
    })
    for form, sizes in (("file", [rows]), ("stream", [half, half])):
        save(out, "widening", form, "none", table, sizes)


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[2:]
    for case in CASES:
        name = case.__name__
        if wanted and name not in wanted:
            continue
        table, sizes = case()
        expect(out, name, table, sizes)
        for form in ("file", "stream"):
            for codec in ("none", "lz4", "zstd"):
                save(out, name, form, codec, table, sizes)
    if wanted:
        return
    table, sizes = integers()
    for form in ("file", "stream"):
        save(out, "legacy", form, "none", table, sizes, use_legacy_format=True)
        save(out, "version4", form, "none", table, sizes, metadata_version=pa.ipc.MetadataVersion.V4)
    for name in ("legacy", "version4"):
        expect(out, name, table, sizes)
    changing_dictionaries(out)
    widening(out)


main()
