import { grantedDevices } from '../../base/contract/device.ts';
import type { Job, JobModel } from '../../base/contract/job.ts';
import type { Plan } from '../../base/contract/plan.ts';
import type { ChunkRecord, Manifest } from '../../base/contract/records.ts';
import type { RunDone, StageTimes } from '../../base/contract/run-events.ts';
import { commitRun } from '../ledger/commit-run.ts';
import type { ManifestChain } from '../ledger/manifest-chain.ts';
import type { RunLedger } from '../ledger/run-ledger.ts';
import type { PreparedRun } from './prepare-plan.ts';
import type { RunDeps, RunOptions } from './run-deps.ts';
import { runContext, scoreRun } from './score-run.ts';
import { refFields } from './settle-job.ts';

/**
 * Scores what has no record yet, then commits; for the holder of the run's lease. Chunks whose staged bytes are gone are
 * scored again.
 *
 * Errors: those of scoring and of `commitRun`. Repeat: safe.
 */
export async function finishRun(
  { plan: planned, found: before }: Pick<PreparedRun, 'plan' | 'found'>,
  job: Job,
  ledger: RunLedger,
  chain: ManifestChain,
  options: Pick<RunOptions, 'isForced'>,
  deps: RunDeps,
  started: number,
): Promise<RunDone> {
  const plan = withLimits(planned, job);
  const { pool } = await deps.scorers();
  const rowsBefore = before.reduce((sum, r) => sum + (r?.rowsIn ?? 0), 0);
  const chunksResumed = before.filter((r) => r !== null).length;
  let found = before;
  let scoringMs = 0;
  let modelMs = 0;
  let gone = new Set<number>();
  for (;;) {
    const scoringSince = performance.now();
    const modelBefore = pool.modelMs;
    const records = await scoreRun(plan, found, gone, ledger, pool, deps);
    scoringMs += performance.now() - scoringSince;
    modelMs += pool.modelMs - modelBefore;
    deps.emit({ event: 'committing', runId: plan.runId, parts: records.filter((r) => r.part !== null).length });
    const outcome = await commitRun(plan, records, ledger, chain, deps.stores, {
      isForced: options.isForced,
      emptyPart: () => {
        pool.bind(runContext(plan));
        return pool.ask({ kind: 'empty', runId: plan.runId, n: 0 });
      },
    });
    if (outcome.kind === 'committed') {
      const seconds = (performance.now() - started) / 1000;
      const fresh = records.filter((r) => before[r.n] !== r);
      const isOnGpu = fresh.some((r) => r.device !== undefined);
      const gpuIdle = isOnGpu ? gpuIdleShare(modelMs, scoringMs * pool.ready) : null;
      const facts = {
        records,
        chunksResumed,
        inputsChanged: 0,
        alreadyDone: false,
        seconds,
        rowsBefore,
        gpuIdle,
        scoringMs,
      };
      return runDone(plan, outcome.manifest, facts);
    }
    found = records;
    gone = new Set(outcome.chunks);
  }
}

// A higher reject limit or another grace may be given when a run is resumed: they change no byte of a part.
function withLimits(plan: Plan, job: Job): Plan {
  return {
    ...plan,
    job: { ...plan.job, rejects: job.rejects, output: { ...plan.job.output, gcGraceMs: job.output.gcGraceMs } },
  };
}

/** What became of a run, beside its manifest. */
export interface DoneFacts {
  /** Of all chunks; empty when nothing was scored. */
  readonly records: readonly ChunkRecord[];
  readonly chunksResumed: number;
  readonly inputsChanged: number;
  readonly alreadyDone: boolean;
  readonly seconds: number;
  /** Rows that were scored before this start. */
  readonly rowsBefore?: number;
  readonly gpuIdle?: number | null;
  readonly scoringMs?: number;
  /** Of a slot that was done by a label before: what the label names now. */
  readonly namedNow?: JobModel;
}

/** The rows and parts that are told: those of a manifest, or of a shard's share. */
export type DoneRows = Pick<Manifest, 'rows' | 'rejected' | 'filtered' | 'rejectsByRule'> & {
  readonly parts: readonly { readonly size: number }[];
};

/** The last event of a run that ended well. */
export function runDone(plan: Plan, manifest: DoneRows, facts: DoneFacts): RunDone {
  const {
    records,
    chunksResumed,
    inputsChanged,
    alreadyDone,
    seconds,
    rowsBefore = 0,
    gpuIdle = null,
    scoringMs,
    namedNow,
  } = facts;
  const { name, version, sha256 } = plan.model;
  const sum = (pick: (r: ChunkRecord) => number): number => records.reduce((all, r) => all + pick(r), 0);
  const stages: StageTimes = {
    fetch: sum((r) => r.timings.fetchMs),
    decode: sum((r) => r.timings.decodeMs),
    model: sum((r) => r.timings.scoreMs),
    encode: sum((r) => r.timings.encodeMs),
    store: sum((r) => r.timings.storeMs),
  };
  const scored = sum((r) => r.rowsIn) - rowsBefore;
  return {
    event: 'done',
    runId: plan.runId,
    partition: plan.partition,
    rows: manifest.rows,
    rejected: manifest.rejected,
    ...(manifest.filtered === undefined ? {} : { filtered: manifest.filtered }),
    rejectsByRule: manifest.rejectsByRule,
    rowsPerSecond: seconds > 0 ? Math.round(scored / seconds) : 0,
    seconds,
    output: plan.outputUri,
    rejectsUri: manifest.rejected > 0 ? `${plan.state}/runs/${plan.runId}/rejects/` : null,
    parts: manifest.parts.length,
    bytes: manifest.parts.reduce((all, p) => all + p.size, 0),
    chunksResumed,
    alreadyDone,
    committed: true,
    inputsChanged,
    model: {
      name,
      version,
      sha256,
      ...refFields(plan.job.model),
      ...(namedNow === undefined ? {} : { now: { version: namedNow.version, sha256: namedNow.sha256 } }),
    },
    ...(plan.tables === undefined ? {} : { tables: plan.tables }),
    stages,
    device: { asked: plan.job.execution.device, granted: grantedDevices(records) },
    gpuIdle,
    scoringSeconds: scoringMs === undefined ? null : scoringMs / 1000,
  };
}

/**
 * The share of `scoringMs`, counted once for each scorer, in which no batch was running; `modelMs` is that of all runs that the
 * scorers had meanwhile. Null where nothing was scored.
 */
export function gpuIdleShare(modelMs: number, scoringMs: number): number | null {
  return scoringMs <= 0 ? null : Math.min(1, Math.max(0, 1 - modelMs / scoringMs));
}
