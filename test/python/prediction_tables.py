"""Writes tables to be published, with keys and values that are hard to get right: prediction_tables.py OUT

OUT/all.parquet: 600 rows; the key columns text, whole, big (uint64) and blob, a value column of every type that a set can hold,
and x for the model of make_identity.py that is named casts. Some keys come twice, some are missing.
OUT/some.parquet: a tenth of these rows with other values.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 600
ODD_TEXTS = [
    "", " ", "a b", "  a", "{}", "{a}:b", ":", "a:b", "1:a", "12:", "line\nbreak", "\r\n", "\t", "naïve", "nai\u0308ve", "𝒳", "日本",
    "a\0b", "\0", "\ufeffbom", "\u202e", '"', "'", "\\", "%s", "*", "?", "[a]", "prescore:x:ptr", "x" * 900, "é" * 450, "null",
]
ODD_BYTES = [b"", b"\0", b"\xff\xfe", b"a\0b", b"\x80" * 1024, b"\n", b"{}", bytes(range(256))]
INTEGERS = [f"{sign}int{bits}" for bits in (8, 16, 32, 64) for sign in ("", "u")]
random = np.random.default_rng(5)


def padded(odd, more, rows=ROWS):
    return [*odd, *(more(i) for i in range(len(odd), rows))]


def nulled(values, step):
    return [None if i % 11 == step else value for i, value in enumerate(values)]


def keys():
    text = padded(ODD_TEXTS, lambda i: f"key-{i:05}" if i % 97 else f"key-{i - 5:05}")
    text[300] = text[400] = None
    whole = padded([0, -1, 2**63 - 1, -(2**63), 2**53 + 1, 10], lambda i: i * 1009 - 500_000)
    big = padded([0, 2**64 - 1, 2**63, 2**53 + 1], lambda i: 2**64 - 1 - i * 977)
    blob = padded(ODD_BYTES, lambda i: i.to_bytes(4, "big") + b"\0\xff")
    return {"text": pa.array(text), "whole": pa.array(whole, pa.int64()), "big": pa.array(big, pa.uint64()), "blob": pa.array(blob)}


def values(first):
    out = {}
    for step, name in enumerate(INTEGERS):
        ends = np.iinfo(name)
        plain = random.integers(ends.min, ends.max, ROWS, dtype=name, endpoint=True).tolist()
        inside = [n for n in (0, 1, -1, 127, 128, 2**31, 2**53, 2**53 + 1, -(2**53) - 1) if ends.min <= n <= ends.max]
        out[name] = pa.array(nulled(padded([ends.min, ends.max, *inside], lambda i: plain[i]), step), pa.from_numpy_dtype(name))
    for name, tiny, large in (("float32", 1e-45, 3.4028234663852886e38), ("float64", 5e-324, 1.7976931348623157e308)):
        plain = random.standard_normal(ROWS).astype(name).tolist()
        odd = [-0.0, 0.0, tiny, -tiny, large, -large, float("inf"), float("-inf"), float("nan"), 0.1, 1 / 3]
        out[name] = pa.array(nulled(padded(odd, lambda i: plain[i]), 8), pa.from_numpy_dtype(name))
    out["flag"] = pa.array(nulled([i % 3 == 0 for i in range(ROWS)], 9))
    texts = padded([first, "", "a", "x" * 200, *ODD_TEXTS], lambda i: f"{first} {i} – naïve 𝒳" if i % 2 else f"{i}")
    out["words"] = pa.array(nulled(texts, 10))
    kinds = {"float32": pa.float32(), "float64": pa.float64(), "int64": pa.int64(), "uint64": pa.uint64(), "bool": pa.bool_(), "string": pa.string()}
    for name, kind in kinds.items():
        item = {"bool": lambda k: k % 2 == 0, "string": lambda k: texts[k % ROWS]}.get(name, lambda k: k)
        sizes = [0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 130]
        rows = [[item(i + k) if (i + k) % 3 else None for k in range(sizes[i % 11])] for i in range(ROWS)]
        rows[:4] = [[], [None], [None] * 70, [item(k) for k in range(70)]]
        out[f"list_{name}"] = pa.array(nulled(rows, 4), pa.list_(kind))
    out["pair"] = pa.array(nulled([[i / 8, -0.0] for i in range(ROWS)], 3), pa.list_(pa.float32(), 2))
    return out


out = Path(sys.argv[1])
out.mkdir(parents=True)
x = {"x": pa.array((np.arange(ROWS) * 7 % 100).astype("f4"))}
key = keys()
pq.write_table(pa.table({**key, **x, **values("first")}), out / "all.parquet", row_group_size=250)
some = pa.table({**key, **x, **values("second")}).take(list(range(0, ROWS, 10)))
pq.write_table(some, out / "some.parquet")
