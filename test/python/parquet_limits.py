"""Files that ask for much: one folder a case, columns id and x unless said."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from parquet_surgery import I64, LIST, STRUCT, ParquetFile, Repeated

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def numbers(count, x):
    return pa.table({"id": pa.array(np.arange(count)), "x": pa.array(x.astype("f4"))})


@case
def a09_bomb(folder):
    """3,000,000 rows of zeros in some 20 KB."""
    table = pa.table({"id": pa.array(np.zeros(3_000_000, "i8")), "x": pa.array(np.zeros(3_000_000, "f4"))})
    pq.write_table(table, folder / "bomb.parquet", row_group_size=3_000_000, compression="zstd")


@case
def a10_long_texts(folder):
    """2,000 texts of 1 MB each, all the same, in some 5 KB; and one of 64 KiB and one more byte."""
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(2000, "i4")), ["x" * 1_000_000])
    table = pa.table({"id": pa.array(np.arange(2000)), "text": texts, "label": pa.array(["a", "b"] * 1000)})
    pq.write_table(table, folder / "a.parquet", compression="zstd")
    edge = pa.array(["x" * 65_536, "y" * 65_537])
    pq.write_table(pa.table({"id": pa.array([2000, 2001]), "text": edge, "label": ["a", "b"]}), folder / "b.parquet")


@case
def a15_one_row_group(folder):
    count = 1_500_000
    values = np.random.default_rng(7).random(count)
    pq.write_table(numbers(count, values), folder / "one.parquet", row_group_size=count, compression="zstd")


def repeat_groups(path, count):
    """Names the one row group of a file many times, in the footer alone."""
    file = ParquetFile(path)
    rows = file.row_groups[0][3][1]
    file.save(path)
    data = open(path, "rb").read()
    size = int.from_bytes(data[-8:-4], "little")
    file.footer[4] = (LIST, (STRUCT, Repeated(file.row_groups[0], count)))
    file.footer[3] = (I64, rows * count)
    footer = file.encoded_footer()
    open(path, "wb").write(data[: -size - 8] + footer + len(footer).to_bytes(4, "little") + b"PAR1")


@case
def a16_too_many_row_groups(folder):
    pq.write_table(numbers(1, np.zeros(1)), folder / "groups.parquet")
    repeat_groups(folder / "groups.parquet", 20_001)


@case
def a16_footer_too_large(folder):
    table = numbers(10, np.zeros(10)).replace_schema_metadata({"note": "n" * 20_000_000})
    pq.write_table(table, folder / "footer.parquet", store_schema=True)


@case
def a16_many_column_chunks(folder):
    """1,000 columns in 60 row groups."""
    table = numbers(100, np.arange(100) / 8)
    for i in range(1000):
        table = table.append_column(f"c{i}", table["x"])
    pq.write_table(table, folder / "wide.parquet", use_dictionary=False, write_statistics=False)
    repeat_groups(folder / "wide.parquet", 60)


def write(folder, names):
    for name in names or CASES:
        place = folder / name
        place.mkdir(parents=True)
        CASES[name](place)
