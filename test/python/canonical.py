"""Values as text that every reader can make exactly: integers and decimals as they are, floats as the hex bytes of the
double, binary as hex, dates in days, times and timestamps in nanoseconds, lists and structs as such, maps as pairs."""

import math
import struct

import pyarrow as pa

NANOS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def text_of(value):
    """The text of one pyarrow scalar, or None."""
    if not value.is_valid:
        return None
    kind = value.type
    if isinstance(kind, pa.BaseExtensionType):
        return text_of(value.value)
    if pa.types.is_dictionary(kind):
        return text_of(value.value)
    if pa.types.is_map(kind):
        return [[text_of(pair["key"]), text_of(pair["value"])] for pair in value.values]
    if pa.types.is_struct(kind):
        return {field.name: text_of(value[i]) for i, field in enumerate(kind)}
    if pa.types.is_nested(kind):
        return [text_of(item) for item in value.values]
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
        return str(value.value * NANOS[kind.unit])
    plain = value.as_py()
    return plain.hex() if isinstance(plain, bytes) else str(plain)


def texts(column):
    return [text_of(value) for value in column]
