"""Compares outputs with their inputs, value by value: compare_parquet.py SPEC.json

SPEC is a list of {name, inputs: [path], output: folder, columns: {output column: input column}, key: column or null, only:
input columns that are read at all, or null}. With a key, only input rows whose key is in the output are expected. Both sides are read by pyarrow, and the output by DuckDB as
well. Prints {name: {rows, columns: {output column: {source, target, differences: [[row, expected, got, reader]]}}}}.
"""

import json
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from canonical import texts


def read(paths, columns=None):
    return [pq.ParquetFile(path).read(columns) for path in paths]


def values_of(tables, name, target=None):
    """The texts of a column over all tables; whole numbers as floats where they became floats."""
    out = []
    for column in (table[name] for table in tables):
        if target is not None and pa.types.is_floating(target) and pa.types.is_integer(column.type):
            column = column.cast(pa.float64())
        out += texts(column)
    return out


def by_duckdb(parts):
    """The columns as DuckDB hands them to Arrow: by position, because it renames twins."""
    return duckdb.read_parquet([str(p) for p in parts], hive_partitioning=False).to_arrow_table()


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
        given = values_of(source, into, target)
        expected = [given[i] for i in rows]
        differences = []
        position = targets[0].column_names.index(out)
        for reader, got in (("pyarrow", values_of(targets, out)), ("duckdb", texts(other.column(position)))):
            if len(got) != len(expected):
                differences.append([-1, len(expected), len(got), reader])
            differences += [[i, e, g, reader] for i, (e, g) in enumerate(zip(expected, got)) if e != g][:5]
        columns[out] = {"source": str(source[0][into].type), "target": str(target), "differences": differences}
    return {"rows": sum(table.num_rows for table in targets), "columns": columns}


print(json.dumps({spec["name"]: compare(spec) for spec in json.load(open(sys.argv[1]))}))
