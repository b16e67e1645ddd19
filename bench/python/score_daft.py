"""Daft: read_parquet, a class UDF that holds the session, write_parquet.

score_daft.py CASE.json OUT --batch ROWS --threads N --actors N --use-process 0|1
"""

import os

import daft
from case_scorer import CaseScorer, columns_of, lineage, read_case, read_options
from daft import DataType


def main():
    options = read_options("actors", "use-process")
    case = read_case(options.case)
    names = columns_of(case)
    kinds = {"int64": DataType.int64(), "float32": DataType.float32()}
    answer = DataType.struct({o["column"]: kinds[o["type"]] for o in case["outputs"]})

    @daft.cls(max_concurrency=options.actors, use_process=bool(options.use_process))
    class Scorer:
        def __init__(self, path, batch, threads):
            self.scorer = CaseScorer(read_case(path), batch, threads)

        @daft.method.batch(return_dtype=answer, unnest=True, batch_size=options.batch)
        def score(self, *columns):
            import pyarrow as pa

            predictions = self.scorer.score({n: c.to_arrow() for n, c in zip(names, columns)})
            return pa.StructArray.from_arrays([pa.array(v) for v in predictions.values()], names=list(predictions))

    daft.set_runner_native()
    scorer = Scorer(options.case, options.batch, options.threads)
    frame = daft.read_parquet(case["inputs"])
    frame = frame.select(case["id"], scorer.score(*[frame[name] for name in names]))
    for name, value in lineage(case).items():
        frame = frame.with_column(name, daft.lit(value))
    frame.write_parquet(options.out, compression="zstd")
    # A thread of Daft that still holds the interpreter now and then aborts its shutdown; the files are closed by now.
    os._exit(0)


main()
