"""Damaged Parquet files: one folder a case, with `a-good.parquet` (ids 0 to 99) and `bad.parquet` (ids 1000 to 3999).

The bad file has three row groups of 1,000 rows; what is wrong lies in the second one where a page is meant.
"""

import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from parquet_surgery import BINARY, I32, I64, ParquetFile, varint

CASES = {}
GROUP_ROWS = 1000


def case(function):
    CASES[function.__name__] = function
    return function


def rows(first, count, nullable=False):
    ids = np.arange(first, first + count)
    columns = {
        "id": pa.array(ids),
        "x": pa.array(ids.astype("f4") / 8),
        "note": pa.array([f"note {i % 7}" for i in ids], pa.string()),
        "kept": pa.array([f"kept {i}" for i in ids], pa.string()),
    }
    fields = [pa.field(name, column.type, nullable=nullable) for name, column in columns.items()]
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def plain(path, compression="none", dictionary=("note",), nullable=False, **options):
    pq.write_table(
        rows(1000, 3 * GROUP_ROWS, nullable), path, row_group_size=GROUP_ROWS, compression=compression,
        use_dictionary=list(dictionary) if dictionary else False, write_statistics=False, **options,
    )


def cut_apart(path, column, **options):
    """The undamaged file, and the pages of a column of its second row group."""
    plain(path, **options)
    file = ParquetFile(path)
    return file, file.groups[1][["id", "x", "note", "kept"].index(column)]


def data_of(path):
    plain(path)
    return open(path, "rb").read()


def put(path, data):
    open(path, "wb").write(data)


@case
def a01_zero_bytes(path):
    put(path, b"")


@case
def a02_web_page(path):
    put(path, b"<!DOCTYPE html>\n<html><body>404 Not Found" + b" " * 500 + b"</body></html>\n")


@case
def a02_text(path):
    put(path, b"id,x\n" + b"1,2.5\n" * 100)


@case
def a03_cut_in_half(path):
    data = data_of(path)
    put(path, data[: len(data) // 2])


@case
def a03_cut_by_one_byte(path):
    put(path, data_of(path)[:-1])


@case
def a03_hole_before_footer(path):
    """A writer that lost its middle: the footer is whole and names pages beyond it."""
    data = data_of(path)
    size = struct.unpack("<i", data[-8:-4])[0] + 8
    put(path, data[: len(data) // 2] + data[-size:])


def footer_length(path, length):
    data = data_of(path)
    put(path, data[:-8] + struct.pack("<i", length) + b"PAR1")


@case
def a04_footer_of_2_gib(path):
    footer_length(path, 2**31 - 1)


@case
def a05_footer_negative(path):
    footer_length(path, -1)


@case
def a05_footer_zero(path):
    footer_length(path, 0)


@case
def a05_footer_odd(path):
    footer_length(path, struct.unpack("<i", data_of(path)[-8:-4])[0] - 3)


@case
def a05_footer_garbage(path):
    data = data_of(path)
    size = struct.unpack("<i", data[-8:-4])[0]
    put(path, data[: -size - 8] + b"\xff" * size + data[-8:])


@case
def a05_footer_counts_differ(path):
    plain(path)
    file = ParquetFile(path)
    file.footer[3] = (I64, 3001)
    file.save(path)


@case
def a05_footer_negative_rows(path):
    plain(path)
    file = ParquetFile(path)
    file.row_groups[0][3] = (I64, -1000)
    file.footer[3] = (I64, 1000)
    file.save(path)


def flip(path, column, compression, at=0.5):
    file, chunk = cut_apart(path, column, compression=compression)
    page = chunk.pages[-1]
    page.body[int(len(page.body) * at)] ^= 0xFF
    file.save(path)


@case
def a06_flipped_zstd(path):
    flip(path, "x", "zstd", 0)


@case
def a06_flipped_gzip(path):
    flip(path, "x", "gzip")


@case
def a06_flipped_snappy(path):
    flip(path, "x", "snappy", 0)


@case
def a06_flipped_kept(path):
    flip(path, "kept", "zstd", 0)


@case
def a06_flipped_id(path):
    flip(path, "id", "gzip")


@case
def a06_flipped_in_every_group(path):
    file, _ = cut_apart(path, "x", compression="zstd")
    for group in file.groups:
        group[1].pages[-1].body[0] ^= 0xFF
    file.save(path)


@case
def a06_flipped_in_two_groups_and_columns(path):
    file, _ = cut_apart(path, "x", compression="zstd")
    file.groups[0][1].pages[-1].body[0] ^= 0xFF
    file.groups[0][3].pages[-1].body[0] ^= 0xFF
    file.groups[2][3].pages[-1].body[0] ^= 0xFF
    file.save(path)


@case
def a07_flipped_bit_without_checksum(path):
    flip_bit(path)


@case
def a07_flipped_bit_with_checksum(path):
    flip_bit(path, write_page_checksum=True)


@case
def a07_flipped_bit_with_checksum_v2(path):
    flip_bit(path, write_page_checksum=True, data_page_version="2.0")


def flip_bit(path, **options):
    file, chunk = cut_apart(path, "x", **options)
    chunk.pages[-1].body[2000] ^= 1
    file.save(path)


@case
def a11_page_of_2_gib(path):
    file, chunk = cut_apart(path, "x", compression="zstd")
    chunk.pages[0].header[2] = (I32, 2**31 - 1)
    file.save(path)


@case
def a11_page_longer_than_file(path):
    file, chunk = cut_apart(path, "x", compression="zstd")
    chunk.pages[0].header[3] = (I32, 2**31 - 1)
    file.save(path)


@case
def a11_page_negative(path):
    file, chunk = cut_apart(path, "x", compression="zstd")
    chunk.pages[0].header[2] = (I32, -1)
    file.save(path)


@case
def a11_page_too_small(path):
    file, chunk = cut_apart(path, "x", compression="zstd")
    chunk.pages[0].header[2] = (I32, 100)
    file.save(path)


def values(path, count, column="x", **options):
    file, chunk = cut_apart(path, column, **options)
    chunk.pages[-1].header[5][1][1] = (I32, count)
    file.save(path)


@case
def a12_more_values_than_rows(path):
    values(path, 5000)


@case
def a12_fewer_values_than_rows(path):
    values(path, 900)


@case
def a12_no_values(path):
    values(path, 0)


@case
def a12_negative_values(path):
    values(path, -1)


@case
def a12_rows_that_are_not_there(path):
    """The bomb of the footer: a row group that claims a hundred million rows."""
    plain(path)
    file = ParquetFile(path)
    file.row_groups[1][3] = (I64, 100_000_000)
    file.footer[3] = (I64, 100_002_000)
    file.save(path)


@case
def a12_rows_left_out(path):
    """The footer says 600 rows of a row group that has 1,000: the rest would be lost without a word."""
    plain(path)
    file = ParquetFile(path)
    file.row_groups[1][3] = (I64, 600)
    file.footer[3] = (I64, 2600)
    file.save(path)


def indices(path, width, index):
    """A data page of `note` that says one dictionary index a thousand times."""
    file, chunk = cut_apart(path, "note")
    chunk.pages[-1].put(bytes([width]) + varint(GROUP_ROWS << 1) + bytes([index]))
    file.save(path)


@case
def a28_index_out_of_range(path):
    indices(path, 8, 200)


@case
def a28_index_out_of_range_of_numbers(path):
    file, chunk = cut_apart(path, "x", dictionary=["x"])
    page = chunk.pages[-1]
    page.put(bytes([16]) + varint(GROUP_ROWS << 1) + struct.pack("<H", 60_000))
    file.save(path)


@case
def a28_indices_end_early(path):
    file, chunk = cut_apart(path, "note")
    chunk.pages[-1].put(bytes([8]) + varint(500 << 1) + bytes([1]))
    file.save(path)


@case
def a28_values_end_early(path):
    file, chunk = cut_apart(path, "x")
    chunk.pages[-1].put(chunk.pages[-1].body[:400])
    file.save(path)


@case
def a28_delta_ends_early(path):
    file, chunk = cut_apart(path, "id", column_encoding={"id": "DELTA_BINARY_PACKED"}, dictionary=False)
    chunk.pages[-1].put(chunk.pages[-1].body[:20])
    file.save(path)


@case
def a28_byte_stream_ends_early(path):
    file, chunk = cut_apart(path, "x", column_encoding={"x": "BYTE_STREAM_SPLIT"}, dictionary=False)
    chunk.pages[-1].put(chunk.pages[-1].body[:1001])
    file.save(path)


@case
def a28_levels_out_of_range(path):
    """Definition levels of 3 where 1 is the highest: neither a null nor a value."""
    file, chunk = cut_apart(path, "x", nullable=True)
    page = chunk.pages[-1]
    levels = varint(GROUP_ROWS << 1) + bytes([3])
    page.put(struct.pack("<i", len(levels)) + levels + page.body[-4 * GROUP_ROWS :])
    file.save(path)


@case
def a28_levels_longer_than_page(path):
    file, chunk = cut_apart(path, "x", nullable=True)
    chunk.pages[-1].body[0:4] = struct.pack("<i", 2**31 - 1)
    file.save(path)


@case
def a28_index_width_of_99(path):
    indices(path, 99, 1)


@case
def a28_dictionary_missing(path):
    file, chunk = cut_apart(path, "note")
    chunk.pages.pop(0)
    chunk.meta.pop(11, None)
    file.save(path)


@case
def a28_string_length_beyond_page(path):
    file, chunk = cut_apart(path, "kept")
    chunk.pages[-1].body[0:4] = struct.pack("<i", 2**31 - 1)
    file.save(path)


@case
def a28_string_length_negative(path):
    file, chunk = cut_apart(path, "kept")
    chunk.pages[-1].body[0:4] = struct.pack("<i", -5)
    file.save(path)


@case
def a28_page_header_garbage(path):
    file, chunk = cut_apart(path, "x")
    chunk.pages[-1].header = {99: (BINARY, b"x" * 20)}
    file.save(path)


@case
def a28_page_type_unknown(path):
    file, chunk = cut_apart(path, "x")
    chunk.pages[-1].header[1] = (I32, 77)
    file.save(path)


@case
def a28_encoding_unknown(path):
    file, chunk = cut_apart(path, "x")
    chunk.pages[-1].header[5][1][2] = (I32, 77)
    file.save(path)


@case
def a31_lzo(path):
    file, chunk = cut_apart(path, "x")
    chunk.meta[4] = (I32, 3)
    file.save(path)


@case
def a31_codec_unknown(path):
    file, chunk = cut_apart(path, "x")
    chunk.meta[4] = (I32, 42)
    file.save(path)


@case
def a31_lz4_of_hadoop(path):
    """Codec 5: raw LZ4 in frames of two lengths, as old Hadoop versions wrote it."""
    plain(path, compression="lz4")
    file = ParquetFile(path)
    for chunk in (chunk for group in file.groups for chunk in group):
        chunk.meta[4] = (I32, 5)
        for page in chunk.pages:
            page.body[0:0] = struct.pack(">ii", page.header[2][1], len(page.body))
            page.header[3] = (I32, len(page.body))
    file.save(path)


@case
def a31_byte_stream_split_of_integers(path):
    plain(path, column_encoding={"id": "BYTE_STREAM_SPLIT"}, dictionary=False)


@case
def a31_encrypted_footer(path):
    encrypted(path, plaintext_footer=False)


@case
def a31_encrypted_columns(path):
    encrypted(path, plaintext_footer=True)


def encrypted(path, plaintext_footer):
    import pyarrow.parquet.encryption as pe

    class Kms(pe.KmsClient):
        def wrap_key(self, key_bytes, master_key_identifier):
            return key_bytes

        def unwrap_key(self, wrapped_key, master_key_identifier):
            return wrapped_key

    factory = pe.CryptoFactory(lambda _: Kms())
    config = pe.EncryptionConfiguration(
        footer_key="f", column_keys={"c": ["x"]}, plaintext_footer=plaintext_footer, double_wrapping=False
    )
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    pq.write_table(rows(1000, 3000), path, row_group_size=GROUP_ROWS, encryption_properties=properties)


def write(folder, names):
    for name in names or CASES:
        place = folder / name
        place.mkdir(parents=True)
        pq.write_table(rows(0, 100), place / "a-good.parquet")
        CASES[name](str(place / "bad.parquet"))
