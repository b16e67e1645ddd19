"""text_values.py REQUESTS: reads text files as pyarrow does, with explicit types; prints canonical values as JSON.

REQUESTS is a JSON file: a list of {"path", "kind": "csv" | "jsonl", "types": {column: type}, "csv": {parse options},
"parquet"}, whose answer also has the columns of that Parquet file as "mine", or of
{"cells": [text, …], "type", "decimal"}, each cell of which is a CSV file of its own. A cell or a file that pyarrow refuses is
{"error": message}.
"""

import json
import sys

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.json as pj

from canonical import read_table, text_of, texts

TYPES = {
    "BOOLEAN": pa.bool_(), "TINYINT": pa.int8(), "SMALLINT": pa.int16(), "INTEGER": pa.int32(), "BIGINT": pa.int64(),
    "UTINYINT": pa.uint8(), "USMALLINT": pa.uint16(), "UINTEGER": pa.uint32(), "UBIGINT": pa.uint64(),
    "FLOAT": pa.float32(), "DOUBLE": pa.float64(), "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"), "VARCHAR": pa.string(),
}


def type_of(name):
    if name.startswith("DECIMAL"):
        precision, scale = name[len("DECIMAL("):-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return TYPES[name]


def read_csv(source, types, options):
    names = options.get("names")
    return csv.read_csv(
        source,
        read_options=csv.ReadOptions(use_threads=False, column_names=names, block_size=64 << 20),
        parse_options=csv.ParseOptions(
            delimiter=options.get("delimiter", ","),
            quote_char=options.get("quote", '"') or False,
            escape_char=options.get("escape") or False,
            newlines_in_values=True,
            ignore_empty_lines=len(types) != 1,
        ),
        convert_options=csv.ConvertOptions(
            column_types={name: type_of(kind) for name, kind in types.items()},
            null_values=["", *options.get("nulls", [])],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            decimal_point=options.get("decimal", "."),
        ),
    )


def cell(text, kind, decimal):
    try:
        table = read_csv(pa.py_buffer(f'v,w\n"{text}",1\n'.encode()), {"v": kind, "w": "BIGINT"}, {"decimal": decimal})
        return text_of(table["v"][0])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        return {"error": str(error)}


def answer(request):
    if "cells" in request:
        return [cell(text, request["type"], request.get("decimal", ".")) for text in request["cells"]]
    types = request["types"]
    try:
        if request["kind"] == "csv":
            table = read_csv(request["path"], types, request.get("csv", {}))
        else:
            schema = pa.schema([(name, type_of(kind)) for name, kind in types.items()])
            table = pj.read_json(
                request["path"],
                read_options=pj.ReadOptions(use_threads=False, block_size=64 << 20),
                parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
            )
        mine = read_table(request["parquet"])
        return {name: texts(table[name]) for name in types} | {"mine": [texts(column) for column in mine.columns]}
    except pa.ArrowInvalid as error:
        return {"error": str(error)}


with open(sys.argv[1]) as file:
    print(json.dumps([answer(request) for request in json.load(file)]))
