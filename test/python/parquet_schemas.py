"""Files whose columns are not what a job expects: one folder a case; columns id, x, note and kept unless said."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from parquet_damaged import rows
from parquet_surgery import ParquetFile

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def put(folder, name, table, **options):
    pq.write_table(table, folder / f"{name}.parquet", **{"row_group_size": 1000, **options})


def with_column(table, name, column):
    return table.set_column(table.column_names.index(name), name, column)


def other_x(name, make):
    def write(folder):
        put(folder, "a", with_column(rows(0, 100), "x", make(100)))

    CASES[f"a22_{name}"] = write

    def write_second(folder):
        put(folder, "a", rows(0, 100))
        put(folder, "b", with_column(rows(100, 100), "x", make(100)))

    CASES[f"a22_second_{name}"] = write_second


other_x("struct", lambda n: pa.array([{"x": 1.0}] * n))
other_x("list", lambda n: pa.array([[1.0]] * n))
other_x("list_of_lists", lambda n: pa.array([[[1.0]]] * n))
other_x("map", lambda n: pa.array([[("x", 1.0)]] * n, pa.map_(pa.string(), pa.float32())))
other_x("text", lambda n: pa.array(["1"] * n))
other_x("binary", lambda n: pa.array([b"1"] * n))
other_x("null", lambda n: pa.nulls(n))


@case
def a23_lists(folder):
    lists = [[1.0, 2.0, 3.0], [1.0, 2.0], [], None, [1.0, 2.0, 3.0, 4.0], [1.0, None, 3.0], [4.0, 5.0, 6.0]]
    table = pa.table({"id": pa.array(range(7)), "v": pa.array(lists, pa.list_(pa.float32()))})
    put(folder, "lists", table)
    fixed = pa.array([[1.0, 2.0, 3.0], None, [4.0, 5.0, 6.0]], pa.list_(pa.float64(), 3))
    put(folder, "fixed", pa.table({"id": pa.array(range(10, 13)), "v": fixed}))


@case
def a24_duplicate_columns(folder):
    table = rows(0, 100)
    put(folder, "a", rows(100, 100))
    put(folder, "b", table.append_column("x", table["x"]))


@case
def a24_duplicate_columns_unused(folder):
    table = rows(0, 100)
    spare = pa.array(range(100))
    put(folder, "a", rows(100, 100))
    put(folder, "b", table.append_column("evil\nname\u202e", spare).append_column("evil\nname\u202e", spare))


def bad_text(values):
    """A text array with bytes that are no UTF-8."""
    offsets = np.cumsum([0] + [len(v or b"") for v in values]).astype("<i4")
    holes = pa.array([v is not None for v in values])
    bitmap = holes.buffers()[1]
    return pa.Array.from_buffers(pa.string(), len(values), [bitmap, pa.py_buffer(offsets), pa.py_buffer(b"".join(v or b"" for v in values))])


def texts(first, count):
    """note: a, b, others, nulls; every 100th from 50 on is not valid."""
    out = []
    for i in range(first, first + count):
        out.append(b"\xff\xfe" if i % 100 == 50 else None if i % 10 == 3 else b"ab"[i % 2 : i % 2 + 1])
    return bad_text(out)


def texts_file(folder, name, first, **options):
    table = rows(first, 3000, nullable=True)
    put(folder, name, with_column(table, "note", texts(first, 3000)), **options)


@case
def a27_dictionary(folder):
    texts_file(folder, "a", 0)


@case
def a27_plain_v2(folder):
    texts_file(folder, "a", 0, use_dictionary=False, data_page_version="2.0", compression="zstd")


@case
def a27_beside_good_files(folder):
    put(folder, "a", with_column(rows(10_000, 1000, nullable=True), "note", pa.array(["a"] * 1000)))
    texts_file(folder, "b", 0)
    put(folder, "c", with_column(rows(20_000, 1000, nullable=True), "note", pa.array(["b"] * 1000)))


@case
def a27_beside_a_damaged_group(folder):
    """The second row group has a flipped byte as well."""
    texts_file(folder, "a", 0, compression="zstd")
    path = folder / "a.parquet"
    file = ParquetFile(path)
    file.groups[1][1].pages[-1].body[0] ^= 0xFF
    file.save(path)


@case
def a27_in_tiny_groups(folder):
    """3,000 row groups of one row; number 777 has a flipped byte as well."""
    texts_file(folder, "a", 0, compression="zstd", row_group_size=1)
    path = folder / "a.parquet"
    file = ParquetFile(path)
    file.groups[777][1].pages[-1].body[0] ^= 0xFF
    file.save(path)


@case
def a27_in_a_list(folder):
    """A text inside a list cannot be told from its neighbours: the row group is what cannot be read."""
    table = rows(0, 3000, nullable=True)
    notes = bad_text([b"\xff" if i == 1500 else b"ok" for i in range(3000)])
    lists = pa.ListArray.from_arrays(pa.array(range(3001), pa.int32()), notes)
    put(folder, "a", with_column(table, "note", lists))


def pair(name, a, b):
    def write(folder):
        put(folder, "a", a)
        put(folder, "b", b)

    CASES[f"a32_{name}"] = write


def cast(table, **types):
    for name, kind in types.items():
        table = with_column(table, name, table[name].cast(kind))
    return table


FIRST, SECOND = rows(0, 100), rows(100, 100)
pair("order", FIRST, SECOND.select(["note", "x", "kept", "id"]))
pair("nullability", FIRST, rows(100, 100, nullable=True))
pair("id_int32_and_int64", cast(FIRST, id=pa.int32()), SECOND)
pair("id_int64_and_int16", FIRST, cast(SECOND, id=pa.int16()))
pair("id_uint32_and_int16", cast(FIRST, id=pa.uint32()), cast(SECOND, id=pa.int16()))
pair("x_float_and_double", FIRST, cast(SECOND, x=pa.float64()))
pair("x_int8_and_float", cast(with_column(FIRST, "x", pa.array([1.0] * 100)), x=pa.int8()), SECOND)
pair("kept_large_text", FIRST, cast(SECOND, kept=pa.large_string(), note=pa.dictionary(pa.int8(), pa.string())))
pair("extra_and_unused", FIRST.append_column("spare", pa.array(range(100))), SECOND.append_column("spare", pa.array(["t"] * 100)))
pair("missing_x", FIRST, SECOND.drop_columns(["x"]))
pair("missing_kept", FIRST, SECOND.drop_columns(["kept"]))
pair("first_missing_kept", FIRST.drop_columns(["kept"]), SECOND)
pair("upper_case_x", FIRST, SECOND.rename_columns(["id", "X", "note", "kept"]))
pair("id_int64_and_uint64", FIRST, cast(SECOND, id=pa.uint64()))
pair("id_int64_and_double", FIRST, cast(SECOND, id=pa.float64()))
pair("id_int64_and_text", FIRST, cast(SECOND, id=pa.string()))
pair("kept_text_and_binary", FIRST, cast(SECOND, kept=pa.binary()))
pair("id_dates_and_timestamps", cast(cast(FIRST, id=pa.int32()), id=pa.date32()), cast(SECOND, id=pa.timestamp("us")))


def write(folder, names):
    for name in names or CASES:
        place = folder / name
        place.mkdir(parents=True)
        CASES[name](place)
