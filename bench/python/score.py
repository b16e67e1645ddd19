"""The script that people write today: pyarrow reads batches, onnxruntime scores them, pyarrow writes Parquet.

score.py CASE.json OUT --batch ROWS --threads N --processes P [--lleaves FOLDER --double 0|1]

With one process, onnxruntime gets N intra-op threads. With P processes, each takes a share of the row groups and writes a
file of its own. Imports stand inside functions so that the processes fork before any library has started threads.
"""

import argparse
import json
import multiprocessing
from pathlib import Path

MANY = 64


def row_groups(case, share, shares):
    """(file, row groups) of one process: a contiguous share of all row groups."""
    import pyarrow.parquet as pq

    files = [pq.ParquetFile(path) for path in case["inputs"]]
    groups = [(file, group) for file in files for group in range(file.num_row_groups)]
    mine = groups[len(groups) * share // shares : len(groups) * (share + 1) // shares]
    for file in files:
        wanted = [group for owner, group in mine if owner is file]
        if wanted:
            yield file, wanted


def read_rows(names):
    """Rows to read at a time: 65,536 is the row group of most inputs, and of the output; of wide rows what 64 MiB hold."""
    return min(65536, max(4096, 2**24 // len(names)))


def small_files(case, names, share, shares):
    """Batches of a share of many small files, read ahead by a dataset and joined to whole ones."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    paths = case["inputs"]
    mine = paths[len(paths) * share // shares : len(paths) * (share + 1) // shares]
    waiting, rows = [], 0
    for batch in ds.dataset(mine, format="parquet").to_batches(columns=names):
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= 65536:
            yield pa.Table.from_batches(waiting).combine_chunks().to_batches()[0]
            waiting, rows = [], 0
    if rows > 0:
        yield pa.Table.from_batches(waiting).combine_chunks().to_batches()[0]


def batches(case, names, share, shares):
    if len(case["inputs"]) > MANY:
        yield from small_files(case, names, share, shares)
        return
    for file, groups in row_groups(case, share, shares):
        # Smaller reads and writes are slower; those of tiny row groups are joined by pyarrow.
        yield from file.iter_batches(batch_size=read_rows(names), row_groups=groups, columns=names)


def scorer_of(case, options):
    if options.lleaves is None:
        from case_scorer import CaseScorer

        return CaseScorer(case, options.batch, options.threads)
    from lleaves_scorer import LleavesScorer

    return LleavesScorer(case, options.batch, options.threads, options.lleaves, options.double == 1)


def score_share(case, options, share):
    import pyarrow as pa
    import pyarrow.parquet as pq
    from case_scorer import columns_of, lineage, lineage_arrays

    scorer = scorer_of(case, options)
    constants = lineage(case)
    names = columns_of(case)
    writer = None
    for rows in batches(case, [case["id"], *names], share, options.processes):
        predictions = scorer.score({name: rows.column(name) for name in names})
        columns = {case["id"]: rows.column(case["id"]), **predictions, **lineage_arrays(constants, rows.num_rows)}
        table = pa.table(columns)
        if writer is None:
            writer = pq.ParquetWriter(f"{options.out}/part-{share}.parquet", table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("out")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--processes", type=int, required=True)
    parser.add_argument("--lleaves")
    parser.add_argument("--double", type=int, default=0)
    options = parser.parse_args()
    case = json.loads(Path(options.case).read_text())
    Path(options.out).mkdir(parents=True)
    tasks = [(case, options, share) for share in range(options.processes)]
    if len(tasks) == 1:
        score_share(*tasks[0])
        return
    fork = multiprocessing.get_context("fork")
    children = [fork.Process(target=score_share, args=task) for task in tasks]
    for child in children:
        child.start()
    for child in children:
        child.join()
    if any(child.exitcode != 0 for child in children):
        raise SystemExit(1)


main()
