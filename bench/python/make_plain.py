"""Rewrites a Parquet file so that parquetjs-lite can read it. make_plain.py IN OUT

That is: format version 1.0, data pages of version 1, no dictionaries; it refuses pyarrow's defaults.
"""

import sys

import pyarrow.parquet as pq

table = pq.read_table(sys.argv[1])
pq.write_table(
    table,
    sys.argv[2],
    version="1.0",
    data_page_version="1.0",
    use_dictionary=False,
    compression="snappy",
    row_group_size=65536,
)
