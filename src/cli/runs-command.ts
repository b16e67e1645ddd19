import type { StoreResolver } from '../contract/object-store.ts';
import { PrescoreError } from '../errors/prescore-error.ts';
import { collectGarbage } from '../ledger/collect-garbage.ts';
import { listRunIds, type RunOverview, readRun } from '../ledger/list-runs.ts';
import { RecordStore } from '../ledger/record-store.ts';
import { createStoreResolver } from '../object-store/open-store.ts';
import { resolveUri } from '../object-store/uri.ts';
import { partitionFolder } from '../spec/partition-folder.ts';
import { parseDuration } from '../spec/quantities.ts';
import { parseRunId } from '../spec/run-id.ts';
import { sayCount, sayDuration } from '../telemetry/progress-line.ts';
import { loadJob } from './load-job.ts';
import { printTable } from './print-table.ts';

interface RunsFlags {
  readonly state?: string;
  readonly json?: boolean;
  readonly olderThan?: string;
  readonly apply?: boolean;
}

/** `prescore runs list`: newest first. */
export async function runsList(jobPath: string | undefined, flags: RunsFlags): Promise<number> {
  return withRecords(jobPath, flags, async (records) => {
    const runs = (await Promise.all((await listRunIds(records)).map((id) => readRun(records, id)))).filter(
      (r) => r !== null,
    );
    runs.sort((a, b) => ((a.plan?.createdAt ?? '') < (b.plan?.createdAt ?? '') ? 1 : -1));
    if (flags.json === true) for (const run of runs) process.stdout.write(`${JSON.stringify(overviewJson(run))}\n`);
    else {
      const rows = runs.map((r) => [
        r.runId,
        r.plan?.partition ?? '',
        r.state,
        `${r.chunksDone}/${r.chunks}`,
        sayCount(r.rowsDone),
        sayCount(r.rejected),
        r.committedAt ?? r.plan?.createdAt ?? '',
      ]);
      printTable(
        ['run', 'partition', 'state', 'chunks', 'rows', 'rejected', 'committed or created'],
        rows,
        process.stdout,
        [3, 4, 5],
      );
    }
    return 0;
  });
}

/** `prescore runs show RUN`: plan, chunks and rejects of one run. */
export async function runsShow(jobPath: string | undefined, runId: string, flags: RunsFlags): Promise<number> {
  parseRunId(runId);
  return withRecords(jobPath, flags, async (records) => {
    const run = await readRun(records, runId);
    if (run === null)
      throw new PrescoreError('RUN_NOT_FOUND', {
        what: 'there is no such run',
        where: `${records.uri}/runs`,
        got: runId,
      });
    if (flags.json === true) {
      process.stdout.write(`${JSON.stringify({ ...overviewJson(run), plan: run.plan, records: run.records })}\n`);
      return 0;
    }
    const out = process.stdout;
    const { plan } = run;
    out.write(
      `${run.runId}: ${run.state}, ${run.chunksDone} of ${run.chunks} chunks, ${sayCount(run.rowsDone)} rows, ${sayCount(run.rejected)} rejected\n`,
    );
    if (run.lease !== null)
      out.write(
        `  owner    process ${run.lease.pid} on ${run.lease.host}, ${run.lease.released ? 'released' : `expires ${run.lease.expiresAt}`}\n`,
      );
    if (plan !== null) {
      out.write(
        `  created  ${plan.createdAt}\n  model    ${plan.model.uri} ${plan.model.sha256.slice(0, 12)}…\n  output   ${plan.outputUri}\n`,
      );
      out.write(
        `  input    ${plan.files.length} files${plan.skipped.length > 0 ? `, ${plan.skipped.length} skipped` : ''}\n\n`,
      );
    }
    const rows = run.records.map((r, n) =>
      r === null
        ? [String(n), 'open', '', '', '', '']
        : [
            String(n),
            'done',
            sayCount(r.rowsScored),
            sayCount(r.rowsRejected),
            String(r.attempt),
            sayDuration(r.timings.totalMs / 1000),
          ],
    );
    printTable(['chunk', 'state', 'rows', 'rejected', 'attempts', 'time'], rows, out, [0, 2, 3, 4, 5]);
    return 0;
  });
}

/** `prescore runs gc`: says what no manifest needs; removes it with --apply. */
export async function runsGc(jobPath: string | undefined, flags: RunsFlags): Promise<number> {
  const olderThanMs = parseDuration(flags.olderThan ?? '7d');
  if (olderThanMs === null)
    throw new PrescoreError('USAGE', {
      what: '--older-than is not a duration',
      expected: 'such as 7d, 12h or 0s',
      got: flags.olderThan ?? '',
    });
  return withRecords(jobPath, flags, async (records, stores) => {
    const folderOf = (partition: string | null): string => `manifests/${partitionFolder(partition)}`;
    const found = await collectGarbage(records, stores, {
      olderThanMs,
      isApplied: flags.apply === true,
      nowMs: Date.now(),
      folderOf,
    });
    if (flags.json === true)
      for (const item of found) process.stdout.write(`${JSON.stringify({ ...item, removed: flags.apply === true })}\n`);
    else {
      for (const item of found)
        process.stdout.write(`${item.kind === 'staged' ? 'staged parts of' : 'part of'} ${item.runId}: ${item.uri}\n`);
      const verb = flags.apply === true ? 'removed' : 'would be removed; pass --apply to remove';
      process.stdout.write(`${found.length} ${found.length === 1 ? 'thing' : 'things'} ${verb}\n`);
    }
    return 0;
  });
}

function overviewJson(run: RunOverview): object {
  const { runId, state, chunks, chunksDone, rowsDone, rejected, committedAt, plan } = run;
  return {
    runId,
    partition: plan?.partition ?? null,
    state,
    chunks,
    chunksDone,
    rowsDone,
    rejected,
    createdAt: plan?.createdAt ?? null,
    committedAt,
    output: plan?.outputUri ?? null,
  };
}

async function withRecords(
  jobPath: string | undefined,
  flags: RunsFlags,
  task: (records: RecordStore, stores: StoreResolver) => Promise<number>,
): Promise<number> {
  if ((jobPath === undefined) === (flags.state === undefined)) {
    throw new PrescoreError('USAGE', { what: 'give a job file or --state URI, one of the two' });
  }
  const job = jobPath === undefined ? null : loadJob(jobPath);
  const stores = createStoreResolver(job?.stores ?? {}, { env: process.env });
  try {
    return await task(new RecordStore(stores, job?.state ?? resolveUri(flags.state!, process.cwd())), stores);
  } finally {
    await stores.close();
  }
}
