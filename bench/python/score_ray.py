"""Ray Data: read_parquet, map_batches over a pool of actors that hold the session, write_parquet.

score_ray.py CASE.json OUT --batch ROWS --threads N --actors N --blocks N

Of one file Ray makes few blocks, and a block is the unit of parallel work; --blocks asks for more (0: as Ray chooses).
"""

import ray
from case_scorer import CaseScorer, columns_of, lineage, lineage_arrays, read_case, read_options

# Two actors that asked for a whole core each would leave none for reading and writing, and the job would never start.
ACTOR_CPUS = 0.5


class Scorer:
    """Scores one Arrow table a call."""

    def __init__(self, path, batch, threads):
        self.case = read_case(path)
        self.names = columns_of(self.case)
        self.constants = lineage(self.case)
        self.scorer = CaseScorer(self.case, batch, threads)

    def __call__(self, table):
        import pyarrow as pa

        columns = {name: table.column(name).combine_chunks() for name in self.names}
        predictions = self.scorer.score(columns)
        key = self.case["id"]
        return pa.table({key: table.column(key), **predictions, **lineage_arrays(self.constants, table.num_rows)})


def main():
    options = read_options("actors", "blocks")
    case = read_case(options.case)
    ray.init(num_cpus=2, include_dashboard=False, configure_logging=True, logging_level="ERROR", log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    columns = [case["id"], *columns_of(case)]
    rows = ray.data.read_parquet(case["inputs"], columns=columns, override_num_blocks=options.blocks or None)
    scored = rows.map_batches(
        Scorer,
        fn_constructor_args=(options.case, options.batch, options.threads),
        batch_format="pyarrow",
        batch_size=options.batch,
        compute=ray.data.ActorPoolStrategy(size=options.actors),
        num_cpus=ACTOR_CPUS,
    )
    scored.write_parquet(options.out, compression="zstd")
    ray.shutdown()


main()
