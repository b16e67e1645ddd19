import type { Job } from '../../base/contract/job.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayMany } from '../../base/telemetry/progress-line.ts';
import { warnOfDependence } from '../../run/pipeline/exactness.ts';
import { planRun } from '../../run/pipeline/plan-run.ts';
import type { RunDeps, RunOptions } from '../../run/pipeline/run-deps.ts';
import { slotsOf } from '../../run/pipeline/run-job.ts';
import { runContext } from '../../run/pipeline/score-run.ts';
import { printTable } from '../output/print-table.ts';
import { sayValue } from '../output/say-value.ts';

/** `run --sample N`: scores the first rows and prints them; writes nothing, needs no lease. Returns the exit code. */
export async function sampleJob(
  job: Job,
  partition: string | null,
  rows: number,
  options: RunOptions,
  deps: RunDeps,
  isJson: boolean,
): Promise<number> {
  const slot = slotsOf(job, partition, options.asOf)[0];
  if (slot === undefined)
    throw new PrescoreError('PARTITION_UNKNOWN', { what: 'the job has no partitions', where: job.name });
  const scorers = await deps.scorers();
  const plan = await planRun(job, slot, 1, options.asOf, scorers, { ...deps, keepsCertificates: false });
  warnOfDependence(plan.model.rowDependence, deps);
  scorers.pool.bind(runContext(plan));
  const sample = await scorers.pool.sample(plan.runId, plan.files, rows);
  if (isJson) {
    process.stdout.write(`${JSON.stringify({ event: 'sample', partition: slot.partition, ...sample })}\n`);
  } else {
    const types = new Map(plan.outputColumns.map(({ name, type }) => [name, type]));
    const shown = sample.rows.map((row) => row.map((value, i) => sayValue(value, types.get(sample.columns[i]!) ?? '')));
    printTable(sample.columns, shown, process.stdout);
    for (const reject of sample.rejected) {
      process.stdout.write(
        `${sample.counts} ${reject.row} of ${reject.file} rejected: ${reject.rule}${reject.column === '' ? '' : ` in ${reject.column}`}: ${reject.message}\n`,
      );
    }
    process.stdout.write(
      `\n${sayMany(sample.rows.length, 'row')} scored${sample.rejected.length > 0 ? `, ${sample.rejected.length} rejected` : ''}; nothing was written.\n`,
    );
  }
  return sample.rejected.length > 0 ? 3 : 0;
}
