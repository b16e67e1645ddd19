"""column_texts.py FILE...: {column: [canonical text or null, …]} of each Parquet or Arrow file, as a JSON list."""

import json
import sys

from canonical import read_table, texts

tables = [read_table(path) for path in sys.argv[1:]]
print(json.dumps([{name: texts(table[name]) for name in table.column_names} for table in tables]))
