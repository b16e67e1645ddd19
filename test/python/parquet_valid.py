"""Unusual but valid Parquet files: one folder a case, columns id, x, note and kept unless said."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from parquet_damaged import rows
from parquet_surgery import ParquetFile

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


@case
def a13_zero_rows(folder):
    pq.write_table(rows(0, 0), folder / "zero.parquet")


@case
def a14_zero_row_groups(folder):
    pq.ParquetWriter(folder / "zero.parquet", rows(0, 0).schema).close()


@case
def a14_zero_rows_beside_others(folder):
    pq.write_table(rows(0, 0), folder / "a.parquet")
    pq.write_table(rows(0, 1000), folder / "b.parquet")
    pq.ParquetWriter(folder / "c.parquet", rows(0, 0).schema).close()
    pq.write_table(rows(1000, 1000), folder / "d.parquet")


@case
def a16_many_row_groups(folder):
    pq.write_table(rows(0, 4000), folder / "groups.parquet", row_group_size=1)


@case
def a16_many_small_files(folder):
    for i in range(200):
        pq.write_table(rows(i * 3, 3), folder / f"{i:03}.parquet")


@case
def a16_forty_row_groups(folder):
    pq.write_table(rows(0, 4000), folder / "groups.parquet", row_group_size=100)


@case
def a29_mixed_pages(folder):
    """The dictionary grows too large on the way: its pages are followed by plain ones."""
    table = rows(0, 20_000)
    path = folder / "mixed.parquet"
    pq.write_table(table, path, dictionary_pagesize_limit=4000, data_page_size=2000, row_group_size=10_000)
    encodings = {page.header[5][1][2][1] for page in ParquetFile(path).groups[0][1].pages if not page.is_dictionary}
    assert encodings == {0, 8}, encodings


for codec in ("none", "snappy", "gzip", "zstd", "lz4", "brotli"):
    for version in ("1.0", "2.0"):

        def write_codec(folder, codec=codec, version=version):
            table = rows(0, 3000, nullable=True)
            holes = pa.array([None if i % 5 == 0 else v for i, v in enumerate(table["kept"].to_pylist())])
            table = table.set_column(3, "kept", holes)
            pq.write_table(table, folder / "codec.parquet", row_group_size=1000, compression=codec, data_page_version=version)

        CASES[f"a30_{codec}_v{version[0]}"] = write_codec

ENCODINGS = {
    "delta": {"id": "DELTA_BINARY_PACKED", "x": "PLAIN", "note": "DELTA_LENGTH_BYTE_ARRAY", "kept": "DELTA_BYTE_ARRAY"},
    "byte_stream_split": {"x": "BYTE_STREAM_SPLIT"},
    "dictionary": {},
    "plain": {"id": "PLAIN", "x": "PLAIN", "note": "PLAIN", "kept": "PLAIN"},
}
for name, encoding in ENCODINGS.items():
    for version in ("1.0", "2.0"):

        def write_encoding(folder, encoding=encoding, version=version):
            dictionary = True if not encoding else [c for c in ("id", "x", "note", "kept") if c not in encoding]
            pq.write_table(
                rows(0, 3000), folder / "encoding.parquet", use_dictionary=dictionary, column_encoding=encoding or None,
                data_page_version=version, write_page_checksum=True, write_page_index=True,
            )

        CASES[f"a30_{name}_v{version[0]}"] = write_encoding


@case
def a33_extra_columns(folder):
    """Columns that no job uses: damaged, of a codec that cannot be read, with odd names, and nested."""
    table = rows(0, 3000)
    spare = {
        "damaged": pa.array([f"text {i}" for i in range(3000)]),
        "lzo": pa.array(np.arange(3000)),
        "nested": pa.array([[{"a": i}] for i in range(3000)]),
        "wide": pa.array([b"1" * 20] * 3000, pa.binary(20)),
        "nul\0name": pa.array(np.arange(3000)),
        "long" * 2560: pa.array(np.arange(3000)),
        "": pa.array(np.arange(3000)),
    }
    for name, column in spare.items():
        table = table.append_column(name, column)
    path = folder / "extra.parquet"
    pq.write_table(table, path, compression="zstd", use_dictionary=False, row_group_size=1000)
    file = ParquetFile(path)
    for group in file.groups:
        group[4].pages[0].body[0] ^= 0xFF
        group[5].meta[4] = (5, 3)
    file.save(path)


@case
def a34_odd_ids(folder):
    """Ids that are null, and ids that occur twice."""
    table = rows(0, 3000, nullable=True)
    ids = pa.array([None if i % 7 == 0 else i // 2 for i in range(3000)], pa.int64())
    pq.write_table(table.set_column(0, "id", ids), folder / "ids.parquet", row_group_size=1000)


def write(folder, names):
    for name in names or CASES:
        place = folder / name
        place.mkdir(parents=True)
        CASES[name](place)
