"""Tables whose values are odd: one folder a case, a column id and columns by the name of what they hold."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CASES = {}
NAN, INF = float("nan"), float("inf")


def case(function):
    CASES[function.__name__] = function
    return function


def put(folder, **columns):
    count = len(next(iter(columns.values())))
    pq.write_table(pa.table({"id": pa.array(range(count)), **columns}), folder / "rows.parquet")


@case
def b44_nulls(folder):
    put(
        folder,
        float=pa.array([1.0, None, 0.25], pa.float32()),
        double=pa.array([None, 1.0, 0.25], pa.float64()),
        int64=pa.array([7, 8, None], pa.int64()),
        bool=pa.array([True, None, False]),
        text=pa.array(["a", "b", None]),
    )


@case
def b45_b46_not_finite(folder):
    values = [1.0, NAN, INF, -INF, 0.0]
    put(folder, float=pa.array(values, pa.float32()), double=pa.array(values, pa.float64()))


@case
def b47_too_large(folder):
    put(
        folder,
        double=pa.array([1e308, -1e308, 3.4028234663852886e38, 3.4028235677973366e38, 3.4028235677973362e38, 1.0]),
        half=pa.array([65519.0, 65520.0, -65520.0, 1e308, 65504.0, 1.0]),
        decimal=pa.array([1, 10**37, None, -(10**37), 3, 5], pa.decimal128(38, 0)),
    )


@case
def b48_small(folder):
    bits = np.array([0x8000000000000000, 0, 1, 0x36A0000000000000, 0xB6A0000000000000], "u8").view("f8")
    floats = np.array([0x80000000, 0, 1, 0x80000001, 0x007FFFFF], "u4").view("f4")
    put(folder, double=pa.array(bits), float=pa.array(floats))


@case
def b49_b53_texts(folder):
    text = pa.array(["a", "A", "", None, " a", "b", "unknown", "naïve"])
    put(folder, text=text, dictionary=text.dictionary_encode())


@case
def b52_long_texts(folder):
    put(folder, text=pa.array(["a", "x" * 1_000_000, "y" * 65_536, "ü" * 32_769]))


@case
def b54_flags(folder):
    put(
        folder,
        text=pa.array(["true", "false", "1"]),
        bool=pa.array([True, False, True]),
        int8=pa.array([1, 0, 2], pa.int8()),
        double=pa.array([0.0, 1.0, 0.5]),
    )


@case
def b55_dates(folder):
    days = pa.array([0, -1, -719162, 2932896, 18262], pa.int32())
    micros = pa.array([0, -1, -62135596800000000, 253402300799999999, 1577836800000001], pa.int64())
    put(
        folder,
        date=days.cast(pa.date32()),
        timestamp=micros.cast(pa.timestamp("us")),
        nanos=pa.array([0, -1, -1_001, 2**63 - 1, 1577836800123456789], pa.int64()).cast(pa.timestamp("ns")),
        time=pa.array([0, 1, 86399999999, 5, 6], pa.int64()).cast(pa.time64("us")),
    )


@case
def b56_zones(folder):
    """The same instants, and the same wall-clock readings without a zone: at a change to summer time, and one that New York skips."""
    micros = pa.array([1583650800000000 + 600_000_000 * i for i in range(30)], pa.int64())
    put(
        folder,
        plain=micros.cast(pa.timestamp("us")),
        utc=micros.cast(pa.timestamp("us", "UTC")),
        york=micros.cast(pa.timestamp("us", "America/New_York")),
    )


@case
def b58_poison(folder):
    put(folder, int64=pa.nulls(5000, pa.int64()), text=pa.array(["kept"] * 5000))


@case
def whole_numbers(folder):
    """What casts do at their ends."""
    put(
        folder,
        int64=pa.array([2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 16777217], pa.int64()),
        uint64=pa.array([2**53, 2**64 - 1, 2**53 + 1, 0, 300], pa.uint64()),
        double=pa.array([2.5, -0.0, 2.0**53, 2.0**53 + 2, 2.0**63]),
        decimal=pa.array([1, 2, 3, 4, 5], pa.decimal128(20, 1)),
        binary=pa.array([b"x"] * 5),
    )


def write(folder, names):
    for name in names or CASES:
        place = folder / name
        place.mkdir(parents=True)
        CASES[name](place)
