"""The first rows of a table as one of its own: first_rows.py TABLE OUT ROWS"""

import sys

import pyarrow.parquet as pq

pq.write_table(pq.read_table(sys.argv[1]).slice(0, int(sys.argv[3])), sys.argv[2])
