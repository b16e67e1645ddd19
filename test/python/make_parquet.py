"""Writes the Parquet corpus: make_parquet.py OUT GROUP [CASE ...]

Groups: damaged, ... Every case is a folder OUT/<case>; what it holds is said where it is made.
"""

import importlib
import sys
from pathlib import Path

out, group, *cases = sys.argv[1:]
importlib.import_module(f"parquet_{group}").write(Path(out), cases)
