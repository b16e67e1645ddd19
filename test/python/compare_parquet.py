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
    tables = [pq.ParquetFile(path).read(columns) for path in paths]
    return pa.concat_tables(tables, promote_options="permissive")


def by_duckdb(parts):
    """The columns as DuckDB hands them to Arrow: by position, because it renames twins."""
    return duckdb.read_parquet([str(p) for p in parts], hive_partitioning=False).to_arrow_table()


def compare(spec):
    parts = sorted(p for p in Path(spec["output"]).iterdir() if p.suffix == ".parquet")
    target = read(parts)
    source = read(spec["inputs"], spec.get("only"))
    rows = range(source.num_rows)
    if spec.get("key"):
        keys = set(texts(target[spec["key"]]))
        rows = [i for i, key in enumerate(texts(source[spec["key"]])) if key in keys]
    columns = {}
    other = by_duckdb(parts)
    for out, into in spec["columns"].items():
        given = texts(source[into])
        expected = [given[i] for i in rows]
        differences = []
        for reader, column in (("pyarrow", target[out]), ("duckdb", other.column(target.column_names.index(out)))):
            got = texts(column)
            if len(got) != len(expected):
                differences.append([-1, len(expected), len(got), reader])
            differences += [[i, e, g, reader] for i, (e, g) in enumerate(zip(expected, got)) if e != g][:5]
        columns[out] = {"source": str(source[into].type), "target": str(target[out].type), "differences": differences}
    return {"rows": target.num_rows, "columns": columns}


print(json.dumps({spec["name"]: compare(spec) for spec in json.load(open(sys.argv[1]))}))
