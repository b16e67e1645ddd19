"""Compares outputs with their inputs, value by value: compare_parquet.py SPEC.json

SPEC is a list of {name, inputs: [path], output: folder, columns: {output column: input column}, key: column or null, only:
input columns that are read at all, or null, constants: {output column: text that every row has}}. With a key, only input
rows whose key is in the output are expected. Both sides are read by pyarrow, and the output by DuckDB as well.
Prints {name: {rows, columns: {output column: {source, target, differences: [[row, expected, got, reader]]}}}}.
"""

import json
import sys
import uuid
from pathlib import Path

import duckdb
import pyarrow as pa
from canonical import read_table, same, texts


def read(paths, columns=None):
    return [read_table(path, columns) for path in paths]


def values_of(tables, name, target=None):
    """The texts of a column over all tables; whole numbers as floats where they became floats."""
    out = []
    for column in (table[name] for table in tables):
        if target is not None and pa.types.is_floating(target) and pa.types.is_integer(column.type):
            column = column.cast(pa.float64())
        out += texts(column)
    return out


def column_of(tables, name, target):
    """The column over all tables, whole numbers as floats where they became floats; None when its types differ."""
    columns = [table[name] for table in tables]
    if pa.types.is_floating(target):
        columns = [c.cast(pa.float64()) if pa.types.is_integer(c.type) else c for c in columns]
    kinds = {c.type for c in columns}
    return pa.chunked_array([chunk for c in columns for chunk in c.chunks], kinds.pop()) if len(kinds) == 1 else None


def by_duckdb(parts):
    """The columns as DuckDB hands them to Arrow: by position, because it renames twins. A UUID comes as a text."""
    rows = duckdb.read_parquet([str(p) for p in parts], hive_partitioning=False)
    columns = rows.to_arrow_table().columns
    return [stored_uuids(c) if kind == "UUID" else c for c, kind in zip(columns, map(str, rows.types))]


def stored_uuids(column):
    return pa.chunked_array([[None if v is None else uuid.UUID(v).bytes for v in column.to_pylist()]], pa.binary())


def differing(expected, got, reader):
    """The first differences of two lists of texts."""
    length = [[-1, len(expected), len(got), reader]] if len(got) != len(expected) else []
    return length + [[i, e, g, reader] for i, (e, g) in enumerate(zip(expected, got)) if e != g][:5]


def compare(spec):
    parts = sorted(p for p in Path(spec["output"]).iterdir() if p.suffix == ".parquet")
    source, targets = read(spec["inputs"], spec.get("only")), read(parts)
    rows = range(sum(table.num_rows for table in source))
    if spec.get("key"):
        keys = set(values_of(targets, spec["key"]))
        rows = [i for i, key in enumerate(values_of(source, spec["key"])) if key in keys]
    other = by_duckdb(parts)
    columns = {}
    for out, into in spec["columns"].items():
        target = targets[0][out].type
        given = column_of(source, into, target) if not spec.get("key") else None
        position = targets[0].column_names.index(out)
        readers = {"pyarrow": column_of(targets, out, target), "duckdb": other[position]}
        differences = []
        for reader, got in readers.items():
            # Telling what differs takes a text of every value.
            if given is not None and got is not None and same(given, got):
                continue
            values = values_of(source, into, target)
            differences += differing([values[i] for i in rows], texts(got) if got is not None else values_of(targets, out), reader)
        columns[out] = {"source": str(source[0][into].type), "target": str(target), "differences": differences}
    for out, text in spec.get("constants", {}).items():
        count = sum(table.num_rows for table in targets)
        got = {"pyarrow": values_of(targets, out), "duckdb": texts(other[targets[0].column_names.index(out)])}
        differences = [d for reader, values in got.items() for d in differing([text] * count, values, reader)]
        columns[out] = {"source": "constant", "target": str(targets[0][out].type), "differences": differences}
    return {"rows": sum(table.num_rows for table in targets), "columns": columns}


print(json.dumps({spec["name"]: compare(spec) for spec in json.load(open(sys.argv[1]))}))
