import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayCount, sayMany } from '../../base/telemetry/progress-line.ts';
import { parseRunId } from '../../job/slots/run-id.ts';
import { begunAt, ofRuns, type ReadRun, type RunOverview, readRun } from '../../run/ledger/list-runs.ts';
import { loadJob } from '../load/load-job.ts';
import { showPath } from '../output/print-summary.ts';
import { printTable } from '../output/print-table.ts';
import { type RejectedRow, readRejects } from '../wiring/read-rejects.ts';
import { isOfPartition, lookArguments, type RecordsFlags, withRecords, withRun } from '../wiring/with-records.ts';
import { type RunFlags, runCommand } from './run-command.ts';

interface RejectsFlags extends RecordsFlags {
  readonly rows?: number;
  readonly json?: boolean;
}

/** What a list shows of a run; not its plan, which may be large. */
interface ListedRun {
  readonly at: string;
  readonly rejected: number;
  readonly json: object;
  readonly cells: readonly string[];
}

function listed(run: ReadRun): ListedRun {
  const { runId, plan, state, rejected, rowsDone } = run;
  const cells = [runId, plan?.partition ?? '', state, sayCount(rejected), sayCount(rowsDone), sayRules(byRule(run))];
  return { at: begunAt(run), rejected, json: overview(run), cells };
}

/** `prescore rejects list`: runs that rejected rows, newest first, or the one that is named; reads their records alone. */
export async function rejectsList(
  job: string | undefined,
  run: string | undefined,
  flags: RejectsFlags,
): Promise<number> {
  const { jobPath, runId: named } = lookArguments(job, run, flags);
  return withRecords(jobPath, flags, async (records) => {
    const found: ListedRun[] = [];
    if (named === null) found.push(...(await ofRuns(records, isOfPartition(flags.partition), listed)));
    else {
      const one = await readRun(records, named);
      if (one === null) throw notFound(`${records.uri}/runs/${named}`);
      found.push(listed(one));
    }
    const runs = found.filter((r) => r.rejected > 0).sort((a, b) => (a.at < b.at ? 1 : -1));
    const out = process.stdout;
    if (flags.json === true) for (const { json } of runs) out.write(`${JSON.stringify(json)}\n`);
    else if (runs.length === 0)
      out.write(named === null ? 'No run has rejected a row.\n' : `${named} has rejected no row.\n`);
    else {
      const rows = runs.map(({ cells }) => cells);
      printTable(['run', 'partition', 'state', 'rejected', 'of rows', 'reasons'], rows, out, [3, 4]);
    }
    return 0;
  });
}

/** `prescore rejects show`: reasons, counts and the first rows of one run, of the newest when none is named. */
export async function rejectsShow(
  job: string | undefined,
  named: string | undefined,
  flags: RejectsFlags,
): Promise<number> {
  return withRun(job, named, flags, async (records, runId, stores) => {
    const run = await readRun(records, runId);
    if (run === null) throw notFound(`${records.uri}/runs/${runId}`);
    const none = { reasons: [], first: [] };
    const { reasons, first } =
      run.plan === null ? none : await readRejects(run.plan, run.records, stores, flags.rows ?? 20);
    const out = process.stdout;
    if (flags.json === true) {
      out.write(`${JSON.stringify({ ...overview(run), reasons, first })}\n`);
      return 0;
    }
    out.write(`${runId}: ${run.state}, ${sayCount(run.rejected)} of ${sayMany(run.rowsDone, 'row')} rejected\n`);
    if (reasons.length === 0) return 0;
    out.write('\n');
    const counts = reasons.map((r) => [r.rule, r.column, sayCount(r.rows), r.message]);
    printTable(['rule', 'column', 'rows', 'message of the first'], counts, out, [2]);
    out.write(`\n${first.length < run.rejected ? `the first ${first.length}:` : 'all of them:'}\n`);
    for (const row of first) out.write(`  ${sayRow(row)}\n`);
    out.write('\nWhat each rule means: prescore help rejects. After a mend: prescore rejects replay JOB.\n');
    return 0;
  });
}

/** `prescore rejects replay`: the next attempt at the slot of a run; ends as `run` does. Returns the exit code. */
export async function rejectsReplay(path: string, run: string | undefined, flags: RunFlags): Promise<number> {
  let replayOf = '';
  const { name } = loadJob(path);
  await withRun(path, run, flags, async (records, runId) => {
    replayOf = runId;
    if (parseRunId(runId).job === name) return 0;
    const fix = `Name one of ${name}: prescore runs list ${path}.`;
    throw new PrescoreError('USAGE', { what: 'this is a run of another job', where: records.uri, got: runId, fix });
  });
  const { partition: _, ...rest } = flags;
  return runCommand(path, { ...rest, replayOf });
}

function sayRow({ file, counts, row, rows, column, rule, message, id }: RejectedRow): string {
  const many = rows > 1 ? ` and the ${sayCount(rows - 1)} after it` : '';
  const ids = Object.entries(id).map(([name, value]) => `${name} ${value ?? 'null'}`);
  const who = ids.length === 0 || rows > 1 ? '' : ` (${ids.join(', ')})`;
  return `${counts} ${row}${many} of ${showPath(file)}${who}: ${rule}${column === '' ? '' : ` in ${column}`}: ${message}`;
}

function byRule(run: ReadRun): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const record of run.records)
    for (const [rule, rows] of Object.entries(record?.rejectsByRule ?? {})) sums[rule] = (sums[rule] ?? 0) + rows;
  return sums;
}

function sayRules(rules: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(rules).sort(([, a], [, b]) => b - a);
  return sorted.map(([rule, rows]) => `${rule} ${sayCount(rows)}`).join(', ');
}

function overview(run: ReadRun): object {
  const { runId, state, rowsDone, rejected, plan } = run satisfies RunOverview;
  const { partition = null, replayOf = null } = plan ?? {};
  return { runId, partition, state, rows: rowsDone, rejected, rejectsByRule: byRule(run), replayOf };
}

function notFound(where: string): PrescoreError {
  return new PrescoreError('RUN_NOT_FOUND', { what: 'there is no such run', where });
}
