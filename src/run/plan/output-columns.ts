import type { BoundOutput } from '../../base/contract/binding.ts';
import type { Job } from '../../base/contract/job.ts';
import type { OutputColumn } from '../../base/contract/plan.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

const LINEAGE: readonly OutputColumn[] = [
  { name: 'scored_at', type: 'TIMESTAMP WITH TIME ZONE', role: 'lineage' },
  { name: 'model_name', type: 'VARCHAR', role: 'lineage' },
  { name: 'model_version', type: 'VARCHAR', role: 'lineage' },
  { name: 'run_id', type: 'VARCHAR', role: 'lineage' },
];

/**
 * Columns of the output in order: ids, passthrough, predictions, lineage. `types`: DuckDB types of input columns.
 *
 * Errors: SPEC_INVALID when two have one name, case aside: the job file alone does not show that where `outputs` is left out.
 */
export function outputColumns(
  job: Job,
  outputs: readonly BoundOutput[],
  types: ReadonlyMap<string, string>,
): OutputColumn[] {
  const kept = (names: readonly string[], role: 'id' | 'passthrough'): OutputColumn[] =>
    names.map((name) => ({ name, type: types.get(name) ?? 'VARCHAR', role }));
  const columns = [
    ...kept(job.id, 'id'),
    ...kept(job.passthrough, 'passthrough'),
    ...outputs.map((o): OutputColumn => ({ name: o.column, type: o.type, role: 'prediction' })),
    ...(job.output.lineage ? LINEAGE : []),
  ];
  refuseTwins(columns, outputs, job.model.uri);
  return columns;
}

/** Names that differ in case only are one column to DuckDB and to many readers of Parquet. */
function refuseTwins(columns: readonly OutputColumn[], outputs: readonly BoundOutput[], where: string): void {
  const known = new Map<string, OutputColumn>();
  for (const column of columns) {
    const folded = column.name.toLowerCase();
    const twin = known.get(folded);
    known.set(folded, column);
    if (twin === undefined) continue;
    const output = outputs.find((o) => o.column.toLowerCase() === folded);
    throw new PrescoreError('SPEC_INVALID', {
      what: 'gives the output two columns of one name (case aside)',
      where,
      got: [twin, column].map(({ name, role }) => `${JSON.stringify(name)} (${role})`).join(' and '),
      fix:
        output === undefined
          ? 'Rename or drop one of them.'
          : `Give the prediction a name of its own: outputs: { ${output.column}_predicted: { tensor: ${output.tensor} } }.`,
    });
  }
}
