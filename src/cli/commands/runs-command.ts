import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayCount, sayDuration, sayMany } from '../../base/telemetry/progress-line.ts';
import { collectSlots } from '../../fleet/schedule/collect-slots.ts';
import { partitionFolder } from '../../job/slots/partition-folder.ts';
import { collectGarbage } from '../../run/ledger/collect-garbage.ts';
import { begunAt, ofRuns, type RunOverview, readRun } from '../../run/ledger/list-runs.ts';
import type { RecordStore } from '../../run/ledger/record-store.ts';
import { RunRequests } from '../../run/ledger/run-requests.ts';
import { refFields, settleJob } from '../../run/pipeline/settle-job.ts';
import { committedManifests } from '../../sets/publish/choose-manifests.ts';
import { durationFlag } from '../load/duration-flag.ts';
import { sayRef } from '../output/print-summary.ts';
import { printTable } from '../output/print-table.ts';
import { withJob } from '../wiring/with-job.ts';
import { type RecordsFlags, withRecords, withRun } from '../wiring/with-records.ts';

interface RunsFlags extends RecordsFlags {
  readonly json?: boolean;
  readonly olderThan?: string;
  readonly apply?: boolean;
  readonly stale?: boolean;
}

/** `prescore runs list`: newest first; with --stale what is committed with another model than the job names now. */
export async function runsList(jobPath: string | undefined, flags: RunsFlags): Promise<number> {
  if (flags.stale === true) return staleList(jobPath, flags);
  return withRecords(jobPath, flags, async (records) => {
    const every = (): boolean => true;
    const runs = await ofRuns(records, every, (r) => ({ at: begunAt(r), json: overviewJson(r), cells: cellsOf(r) }));
    runs.sort((a, b) => (a.at < b.at ? 1 : -1));
    if (flags.json === true) for (const { json } of runs) process.stdout.write(`${JSON.stringify(json)}\n`);
    else if (runs.length === 0) process.stdout.write(`There is no run in ${records.uri} yet.\n`);
    else {
      const rows = runs.map(({ cells }) => cells);
      printTable(
        ['run', 'partition', 'state', 'chunks', 'rows', 'rejected', 'rows/s', 'left', 'committed or created'],
        rows,
        process.stdout,
        [3, 4, 5, 6, 7],
      );
    }
    return 0;
  });
}

async function staleList(jobPath: string | undefined, flags: RunsFlags): Promise<number> {
  if (jobPath === undefined)
    throw new PrescoreError('USAGE', { what: '--stale needs a job file: it names the model', expected: 'JOB --stale' });
  return withJob(jobPath, async (written, stores) => {
    const job = await settleJob(written, stores);
    const { model } = job;
    if (model.sha256 === null)
      throw new PrescoreError('MODEL_UNPINNED', { what: 'model.sha256 is missing', where: 'model.sha256' });
    const committed = await committedManifests(job, stores);
    const stale = committed.filter((manifest) => manifest.model.sha256 !== model.sha256);
    const { name, version, sha256 } = model;
    const now = { name, version, sha256, ...refFields(model) };
    if (flags.json === true) {
      for (const { runId, partition, committedAt, rows, model: before } of stale)
        process.stdout.write(`${JSON.stringify({ runId, partition, committedAt, rows, model: before, now })}\n`);
      return 0;
    }
    const named = `${sayVersion(now)}${sayRef(model)}`;
    if (stale.length === 0) {
      process.stdout.write(`All that is committed (${sayMany(committed.length, 'slot')}) is of ${named}.\n`);
      return 0;
    }
    const rows = stale.map((m) => [
      m.runId,
      m.partition ?? '',
      sayCount(m.rows),
      sayVersion(m.model),
      sayVersion(now),
      m.committedAt,
    ]);
    printTable(['run', 'partition', 'rows', 'scored with', 'now', 'committed'], rows, process.stdout, [2]);
    process.stdout.write(
      `\n${stale.length} of ${sayMany(committed.length, 'slot')} with another model than ${named}.\n`,
    );
    const again =
      job.partitions === null ? `run ${jobPath} --if-changed` : `backfill create ${jobPath} --reprocess stale`;
    process.stdout.write(`Score them again with: prescore ${again}\n`);
    return 0;
  });
}

/** `delay 7 4f2a90c1d3e5…`. */
function sayVersion(model: {
  readonly name: string;
  readonly version: string | null;
  readonly sha256: string;
}): string {
  return [model.name, model.version ?? [], `${model.sha256.slice(0, 12)}…`].flat().join(' ');
}

/** `prescore runs show [RUN]`: plan, chunks and rejects of one run, of the newest when none is named. */
export async function runsShow(job: string | undefined, named: string | undefined, flags: RunsFlags): Promise<number> {
  return withRun(job, named, flags, async (records, runId) => {
    const run = await readRun(records, runId);
    if (run === null)
      throw new PrescoreError('RUN_NOT_FOUND', {
        what: 'there is no such run',
        where: `${records.uri}/runs`,
        got: runId,
      });
    if (flags.json === true) {
      const failures = await new RunRequests(records).failures(runId);
      const { plan, records: chunks, request, end } = run;
      process.stdout.write(
        `${JSON.stringify({ ...overviewJson(run), plan, records: chunks, request, end, failures })}\n`,
      );
      return 0;
    }
    const out = process.stdout;
    const { plan } = run;
    out.write(
      `${run.runId}: ${run.state}, ${run.chunksDone} of ${sayMany(run.chunks, 'chunk')}, ${sayMany(run.rowsDone, 'row')}, ${sayCount(run.rejected)} rejected\n`,
    );
    await sayRequest(run, records, out);
    if (run.lease !== null)
      out.write(
        `  owner    process ${run.lease.pid} on ${run.lease.host}, ${run.lease.released ? 'released' : `expires ${run.lease.expiresAt}`}\n`,
      );
    if (plan !== null) {
      out.write(
        `  created  ${plan.createdAt}\n  model    ${plan.model.uri} ${plan.model.sha256.slice(0, 12)}…${sayRef(plan.job.model)}\n  output   ${plan.outputUri}\n`,
      );
      out.write(
        `  input    ${sayMany(plan.files.length, 'file')}${plan.skipped.length > 0 ? `, ${plan.skipped.length} skipped` : ''}\n\n`,
      );
    }
    const rows = run.records.map((r, n) =>
      r === null
        ? [String(n), 'open', '', '', '', '', '']
        : [
            String(n),
            r.takenFrom === undefined ? 'done' : 'taken over',
            sayCount(r.rowsScored),
            sayCount(r.rowsRejected),
            String(r.attempt),
            sayDuration(r.timings.totalMs / 1000),
            r.worker,
          ],
    );
    printTable(['chunk', 'state', 'rows', 'rejected', 'attempts', 'time', 'worker'], rows, out, [0, 2, 3, 4, 5]);
    return 0;
  });
}

/** `prescore runs gc`: says what no manifest needs; removes it with --apply. */
export async function runsGc(jobPath: string | undefined, flags: RunsFlags): Promise<number> {
  const olderThanMs = durationFlag('--older-than', flags.olderThan ?? '7d');
  return withRecords(jobPath, flags, async (records, stores) => {
    const folderOf = (partition: string | null): string => `manifests/${partitionFolder(partition)}`;
    const options = { olderThanMs, isApplied: flags.apply === true, nowMs: Date.now() };
    const slots = await collectSlots(records, options);
    const found = [
      ...(await collectGarbage(records, stores, { ...options, folderOf })),
      ...slots.map(({ job, slot, uri }) => ({ kind: 'slot', runId: null, job, slot, uri }) as const),
    ];
    if (flags.json === true)
      for (const item of found) process.stdout.write(`${JSON.stringify({ ...item, removed: flags.apply === true })}\n`);
    else {
      for (const item of found) {
        const what = { staged: 'staged parts of', part: 'part of', slot: 'records of a settled slot of' }[item.kind];
        process.stdout.write(`${what} ${item.kind === 'slot' ? item.job : item.runId}: ${item.uri}\n`);
      }
      const verb = flags.apply === true ? 'removed' : 'would be removed; pass --apply to remove';
      process.stdout.write(found.length === 0 ? 'nothing to remove\n' : `${sayMany(found.length, 'thing')} ${verb}\n`);
    }
    return 0;
  });
}

/** Of a run that workers were asked for: who asked, how fast it goes, what went wrong. */
async function sayRequest(run: RunOverview, records: RecordStore, out: NodeJS.WriteStream): Promise<void> {
  const { request, end } = run;
  if (request === null) return;
  out.write(
    `  asked    ${request.requestedAt} by ${request.by} (${request.origin}${request.k > 1 ? `, time ${request.k}` : ''})\n`,
  );
  if (run.state === 'running' && run.rowsPerSecond !== null) {
    const left = run.secondsLeft === null ? '' : `, ${sayDuration(run.secondsLeft)} left`;
    out.write(`  speed    ${sayCount(run.rowsPerSecond)} rows/s${left}\n`);
  }
  if (run.workers.length > 0) out.write(`  workers  ${run.workers.join(', ')}\n`);
  if (end?.kind === 'failed') out.write(`  error    ${end.error.message}\n`);
  if (end?.kind === 'cancelled') out.write(`  ended    cancelled ${end.endedAt} by ${end.by}\n`);
  const failures = await new RunRequests(records).failures(run.runId);
  for (const { kind, n, i, error, worker, at } of failures.slice(-10))
    out.write(`  try ${i}    ${kind}${kind === 'chunk' ? ` ${n}` : ''} on ${worker}, ${at}: ${error.message}\n`);
}

function cellsOf(r: RunOverview): string[] {
  return [
    r.runId,
    r.plan?.partition ?? r.request?.partition ?? '',
    r.state,
    `${r.chunksDone}/${r.chunks}`,
    sayCount(r.rowsDone),
    sayCount(r.rejected),
    r.state === 'running' && r.rowsPerSecond !== null ? sayCount(r.rowsPerSecond) : '',
    r.secondsLeft === null ? '' : sayDuration(r.secondsLeft),
    r.committedAt ?? r.plan?.createdAt ?? r.request?.requestedAt ?? '',
  ];
}

function overviewJson(run: RunOverview): object {
  const { runId, state, chunks, chunksDone, rowsDone, rejected, committedAt, plan, request, end } = run;
  const { rowsPerSecond, secondsLeft, workers } = run;
  return {
    runId,
    partition: plan?.partition ?? request?.partition ?? null,
    state,
    chunks,
    chunksDone,
    rowsDone,
    rejected,
    rowsPerSecond,
    secondsLeft,
    workers,
    origin: request?.origin ?? null,
    requestedAt: request?.requestedAt ?? null,
    error: end?.kind === 'failed' ? end.error : null,
    createdAt: plan?.createdAt ?? null,
    committedAt,
    output: plan?.outputUri ?? null,
  };
}
