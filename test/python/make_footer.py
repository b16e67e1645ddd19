"""A small Parquet file whose footer has most of what footers have: make_footer.py FILE."""
import datetime as dt
import decimal
import sys

import pyarrow as pa
import pyarrow.parquet as pq

table = pa.table(
    {
        "id": pa.array([1, 2, None], pa.int64()),
        "t": pa.array(["a", "b", "b"]),
        "l": pa.array([[1.5], [], None], pa.list_(pa.float32())),
        "d": pa.array([decimal.Decimal("1.25")] * 3, pa.decimal128(9, 2)),
        "at": pa.array([dt.datetime(2024, 3, 1)] * 3, pa.timestamp("us", "UTC")),
        "u": pa.array([1, 2, 3], pa.uint8()),
    },
    metadata={"who": "me"},
)
sorting = [pq.SortingColumn(0, descending=True)]
pq.write_table(table, sys.argv[1], sorting_columns=sorting, write_page_index=True, store_schema=True, column_encoding=None)
