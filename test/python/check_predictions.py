"""Reads sets with the clients of examples/python and compares every value with the Parquet that was published.

check_predictions.py REDIS SPECS: SPECS is a JSON list of {set, key: [column], values: [column], outputs: [folder], overlay}. Of
rows with one key the last one counts, in the order of outputs. Prints {set: {keys, differences: [text]}}.
"""

import functools
import json
import sys
from pathlib import Path

import pyarrow as pa
import redis
from canonical import read_table, text_of, texts

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/python"))
from read_overlay import PredictionsAndOverlay  # noqa: E402
from read_predictions import Predictions  # noqa: E402

KINDS = [(pa.types.is_boolean, bool), (pa.types.is_integer, int), (pa.types.is_floating, float), (pa.types.is_string, str)]


@functools.cache
def column_of(path, name):
    return texts(read_table(path)[name])


def rows_of(folder, spec):
    manifest = json.loads((Path(folder) / "_manifest.json").read_text())
    for part in manifest["parts"]:
        path = Path(folder) / part["name"]
        table = read_table(path)
        kinds = [table.schema.field(name).type for name in spec["values"]]
        keys = zip(*(table[name].to_pylist() for name in spec["key"]))
        for key, *values in zip(keys, *(column_of(path, name) for name in spec["values"])):
            if None not in key:
                yield (key if len(key) > 1 else key[0]), values, kinds


def said(value, kind):
    """The text of a value that a client gave; fails when it is not of the Python type that it should be."""
    if value is None:
        return None
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        assert type(value) is list, f"{value!r} is not a list"
        return [said(item, kind.value_type) for item in value]
    expected = next(python for is_kind, python in KINDS if is_kind(kind))
    assert type(value) is expected, f"{value!r} is not {expected.__name__}"
    return text_of(pa.scalar(value, kind))


def check(client, spec):
    expected = {}
    for folder in spec["outputs"]:
        for key, wanted, kinds in rows_of(folder, spec):
            expected[key] = (wanted, kinds)
    reader = (PredictionsAndOverlay if spec["overlay"] else Predictions)(client, spec["set"])
    keys = list(expected)
    differences = []
    for call, found in (("get_many", reader.get_many(keys)), ("get", [reader.get(key) for key in keys[:100]])):
        for key, values in zip(keys, found):
            wanted, kinds = expected[key]
            got = None if values is None else [said(values.get(n), kind) for n, kind in zip(spec["values"], kinds)]
            if got != wanted or list(values) != spec["values"]:
                differences.append(f"{call} {key!r}: {wanted} expected, {got}")
    absent = [("no", "such") if isinstance(keys[0], tuple) else b"no such key" if isinstance(keys[0], bytes) else 424242424242]
    if reader.get_many(absent) != [None]:
        differences.append("a key that is not there was found")
    return {"keys": len(keys), "differences": differences[:10]}


connection = redis.Redis.from_url(sys.argv[1])
print(json.dumps({spec["set"]: check(connection, spec) for spec in json.loads(sys.argv[2])}))
