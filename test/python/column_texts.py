"""column_texts.py FILE: {column: [canonical text or null, …]} of a Parquet or Arrow file, as JSON."""

import json
import sys

from canonical import read_table, texts

table = read_table(sys.argv[1])
print(json.dumps({name: texts(table[name]) for name in table.column_names}))
