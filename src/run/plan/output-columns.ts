import type { BoundOutput } from '../../base/contract/binding.ts';
import type { Job } from '../../base/contract/job.ts';
import type { OutputColumn } from '../../base/contract/plan.ts';

const LINEAGE: readonly OutputColumn[] = [
  { name: 'scored_at', type: 'TIMESTAMP WITH TIME ZONE', role: 'lineage' },
  { name: 'model_name', type: 'VARCHAR', role: 'lineage' },
  { name: 'model_version', type: 'VARCHAR', role: 'lineage' },
  { name: 'run_id', type: 'VARCHAR', role: 'lineage' },
];

/** Columns of the output in order: ids, passthrough, predictions, lineage. `types`: DuckDB types of input columns. */
export function outputColumns(
  job: Job,
  outputs: readonly BoundOutput[],
  types: ReadonlyMap<string, string>,
): OutputColumn[] {
  const kept = (names: readonly string[], role: 'id' | 'passthrough'): OutputColumn[] =>
    names.map((name) => ({ name, type: types.get(name) ?? 'VARCHAR', role }));
  return [
    ...kept(job.id, 'id'),
    ...kept(job.passthrough, 'passthrough'),
    ...outputs.map((o): OutputColumn => ({ name: o.column, type: o.type, role: 'prediction' })),
    ...(job.output.lineage ? LINEAGE : []),
  ];
}
