"""rewrite_table.py SOURCE TARGET CODEC: the same rows as Parquet (.parquet), CSV (.csv), an Arrow file (.arrow) or stream (.arrows)."""

import sys

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

source, target, codec = sys.argv[1:]
table = pa.parquet.read_table(source, partitioning=None)
if target.endswith(".parquet"):
    pa.parquet.write_table(table, target, compression=codec, row_group_size=10_000)
elif target.endswith(".csv"):
    pyarrow.csv.write_csv(table, target)
else:
    options = pa.ipc.IpcWriteOptions(compression=None if codec == "none" else codec)
    new = pa.ipc.new_file if target.endswith(".arrow") else pa.ipc.new_stream
    with new(target, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=8_192)
