import { columnsOfOutput, type ExplainOutput, type WrittenJob } from '../../base/contract/job.ts';
import type { Report } from '../tree/issues.ts';

/** Columns that `output.lineage` adds, in this order. */
export const LINEAGE_COLUMNS = ['scored_at', 'model_name', 'model_version', 'run_id'] as const;

/** Rules about the columns of the output. Errors: none. */
export function lintColumns(job: WrittenJob, report: Report): void {
  lintNames(job, report);
  lintPredictions(job, report);
  lintComputed(job, report);
  for (const [column, output] of Object.entries(job.outputs ?? {})) {
    if ('explain' in output) {
      lintExplain(column, output, report);
      continue;
    }
    const { index, argmax, labels } = output;
    if (index !== null && argmax)
      report(['outputs', column], { what: 'has both index and argmax', expected: 'one of them' });
    if (labels === null) continue;
    if (!argmax) report(['outputs', column, 'labels'], { what: 'has no meaning without argmax: true' });
    const [first] = labels;
    const odd = labels.findIndex((label) => typeof label !== typeof first);
    if (odd !== -1) {
      report(['outputs', column, 'labels', odd], {
        what: 'mixes texts and numbers',
        expected: `a ${typeof first}, as the first label`,
      });
    }
  }
}

function lintExplain(column: string, { explain, count, index }: ExplainOutput, report: Report): void {
  if (explain === 'top') return;
  for (const [key, value] of Object.entries({ count, index }))
    if (value !== null) report(['outputs', column, key], { what: 'has no meaning without explain: top' });
}

/** The columns that the job's outputs become, each with its entry. */
function namesOf(outputs: WrittenJob['outputs']): { readonly name: string; readonly entry: string }[] {
  return Object.entries(outputs ?? {}).flatMap(([entry, spec]) =>
    columnsOfOutput(entry, spec).map((name) => ({ name, entry })),
  );
}

/** Two names that differ in case only are one column to many readers of Parquet. */
function lintNames(job: WrittenJob, report: Report): void {
  const seen = new Map<string, string>();
  const claim = (name: string, path: readonly (string | number)[], role: string): void => {
    const folded = name.toLowerCase();
    const owner = seen.get(folded);
    if (owner === undefined) seen.set(folded, `${JSON.stringify(name)} of ${role}`);
    else
      report(path, {
        what: 'gives the output two columns of one name (case aside)',
        got: `${JSON.stringify(name)}, and ${owner}`,
      });
  };
  // First, so that the one of the user's own keys that must change is the one that is named.
  if (job.output.lineage) for (const name of LINEAGE_COLUMNS) claim(name, ['output', 'lineage'], 'output.lineage');
  for (const [i, name] of job.id.entries()) claim(name, ['id', i], 'id');
  for (const [i, name] of job.passthrough.entries()) claim(name, ['passthrough', i], 'passthrough');
  for (const { name, entry } of namesOf(job.outputs)) claim(name, ['outputs', entry], 'outputs');
}

/** A computed column has a name of its own, and what is said of source columns is not said of it. */
function lintComputed({ columns = {}, input, outputs, output }: WrittenJob, report: Report): void {
  const taken = new Map<string, string>();
  const claim = (names: readonly string[], role: string): void => {
    for (const name of names) taken.set(name.toLowerCase(), `${JSON.stringify(name)} of ${role}`);
  };
  claim(['as_of'], 'expressions: the time of the run');
  if (output.lineage) claim(LINEAGE_COLUMNS, 'output.lineage');
  claim(
    namesOf(outputs).map(({ name }) => name),
    'outputs',
  );
  claim(Object.keys(input.pathColumns), 'input.pathColumns');
  claim(Object.keys(input.schema ?? {}), 'input.schema');
  for (const name of Object.keys(columns)) {
    const owner = taken.get(name.toLowerCase());
    if (owner !== undefined)
      report(['columns', name], {
        what: 'has a name that is taken (case aside)',
        got: `${JSON.stringify(name)}, and ${owner}`,
      });
    else claim([name], 'columns');
  }
}

/** Without `outputs` their names are those of the model's tensors, which only the plan knows. */
function lintPredictions({ predictions, id, passthrough, outputs }: WrittenJob, report: Report): void {
  if (predictions === null) return;
  const known = new Set([...id, ...passthrough, ...namesOf(outputs).map(({ name }) => name)]);
  const claims = [
    ...predictions.key.map((name, i) => ({ name, path: ['predictions', 'key', i] })),
    ...(predictions.values ?? []).map((name, i) => ({ name, path: ['predictions', 'values', i] })),
  ];
  for (const { name, path } of claims) {
    if (known.has(name) || (outputs === null && path[1] === 'values')) continue;
    report(path, {
      what: 'is no column of the output',
      expected: 'a column of id, passthrough or outputs',
      got: JSON.stringify(name),
    });
  }
}
