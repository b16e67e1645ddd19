"""query_duckdb.py OUTPUT SQLFILE QUERY: runs a file of examples/duckdb on an output, then a query; prints its rows as JSON."""

import json
import sys
from pathlib import Path

import duckdb

output, file, query = sys.argv[1:]
connection = duckdb.connect()
connection.execute("SET VARIABLE output = $1", [output])
connection.execute(Path(file).read_text())
print(json.dumps([list(row) for row in connection.execute(query).fetchall()]))
