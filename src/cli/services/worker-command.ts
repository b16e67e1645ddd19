import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunEnd, RunRequest } from '../../base/contract/queue-records.ts';
import { fromErrorJson, PrescoreError } from '../../base/errors/prescore-error.ts';
import { createLogger, type Logger, type LogLevel } from '../../base/telemetry/logger.ts';
import { Metrics } from '../../base/telemetry/metrics.ts';
import { parseListenAddress, startOperationsServer } from '../../base/telemetry/operations-server.ts';
import { ENDPOINT_VARIABLE, REGION_VARIABLE } from '../../data/object-store/own-store.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import { doneMessage, failedMessage } from '../../fleet/notify/messages.ts';
import { Notifier } from '../../fleet/notify/notifier.ts';
import { normalAllow } from '../../fleet/queue/known-states.ts';
import { RECONCILE_MS } from '../../fleet/queue/reconciler.ts';
import type { QueueDepth } from '../../fleet/queue/task-queues.ts';
import { LOCK } from '../../fleet/queue/task-source.ts';
import { QueueWorker } from '../../fleet/queue/worker.ts';
import type { WorkerDeps } from '../../fleet/queue/worker-deps.ts';
import { durationFlag } from '../load/duration-flag.ts';
import { hearSignals } from '../processes/hear-signals.ts';
import { JobScorers } from '../processes/scorers.ts';
import { openQueueRedis, ownName, type QueueFlags } from '../wiring/open-queue.ts';
import { createStoreResolver } from '../wiring/open-store.ts';
import { publishAndTell } from '../wiring/publish-and-tell.ts';
import { readVersions } from '../wiring/versions.ts';

export interface WorkerFlags extends QueueFlags {
  readonly allow: readonly string[];
  readonly state: readonly string[];
  readonly slots?: number;
  readonly jobs: number;
  readonly grace: string;
  readonly name?: string;
  readonly metrics?: string;
  readonly endpoint?: string;
  readonly region?: string;
  readonly logLevel: LogLevel;
  /** Hidden, for tests: times of the queue's locks and of the reconciler. */
  readonly lock?: string;
  readonly stalled?: string;
  readonly reconcile?: string;
}

/** `prescore worker`: takes tasks until it is told to stop. Exit code 0 after a signal, whatever was abandoned: it is safe. */
export async function workerCommand(flags: WorkerFlags): Promise<number> {
  const graceMs = durationFlag('--grace', flags.grace);
  const worker = nameOf(flags.name);
  // The stores of this process and of its scorers are found there.
  if (flags.endpoint !== undefined) process.env[ENDPOINT_VARIABLE] = flags.endpoint;
  if (flags.region !== undefined) process.env[REGION_VARIABLE] = flags.region;
  const here = (text: string): string => resolveUri(text, process.cwd());
  const allow = normalAllow(flags.allow, here);
  const log = createLogger('worker', flags.logLevel).child({ worker });
  const redis = await openQueueRedis(flags, (text) => log.warn(text));
  const metrics = new Metrics();
  const notifier = new Notifier({ env: process.env, warn: (text) => log.warn(text) });
  const tasks = metrics.counter('prescore_tasks_total', 'Tasks worked on, by kind and outcome.', ['kind', 'outcome']);
  const rows = metrics.counter('prescore_rows_total', 'Rows of recorded chunks.');
  const slots = flags.slots ?? 2 * availableParallelism();
  const queueWorker = await QueueWorker.open(
    redis,
    {
      slots,
      jobs: flags.jobs,
      allow,
      states: flags.state.map((text) => here(text).replace(/\/+$/, '')),
      lock: {
        lockMs: durationOr(LOCK.lockMs, '--lock', flags.lock),
        stalledMs: durationOr(LOCK.stalledMs, '--stalled', flags.stalled),
      },
      reconcileMs: durationOr(RECONCILE_MS, '--reconcile', flags.reconcile),
      onTask: (kind, outcome, count) => {
        tasks.inc({ kind, outcome });
        rows.inc(count);
      },
    },
    workerDeps(worker, flags.jobs, log, notifier),
  ).catch(async (error: unknown) => {
    await redis.close();
    throw error;
  });
  gauges(metrics, queueWorker, slots);
  const operations =
    flags.metrics === undefined
      ? null
      : await startOperationsServer({
          ...parseListenAddress(flags.metrics),
          metrics: () => metrics.read(),
          live: () => null,
          ready: () => (queueWorker.isReady ? null : 'stopping, or the queue does not answer'),
        });
  const signals = onSignals(queueWorker, log, graceMs);
  log.info({ slots, jobs: flags.jobs, allow, metrics: operations?.url }, 'worker takes tasks');
  try {
    await Promise.race([queueWorker.run(), signals.graceIsOver]);
    return 0;
  } finally {
    signals.off();
    await operations?.close();
    // What hangs on a store or a Redis that is away must not keep the process.
    await Promise.race([notifier.close(), sleep(3_000, undefined, { ref: false })]);
    await Promise.race([queueWorker.close(), sleep(3_000, undefined, { ref: false })]);
    log.info('worker has stopped');
  }
}

/** Webhooks of runs that commands asked for; schedulers tell of their own. */
function tellEnd(notifier: Notifier, request: RunRequest, end: RunEnd): void {
  const { job, origin, partition, logicalTime } = request;
  if (origin !== 'command') return;
  if (end.kind === 'done') notifier.tell(job, doneMessage(job.name, end.done, new Date()));
  else if (end.kind === 'failed') {
    const error = fromErrorJson(end.error);
    notifier.tell(job, failedMessage(job.name, { partition, slot: logicalTime }, error, new Date()));
  }
}

function workerDeps(worker: string, jobs: number, log: Logger, notifier: Notifier): WorkerDeps {
  return {
    openStores: (blocks) => createStoreResolver(blocks ?? {}, { env: process.env }),
    openScorers: (job, stores, allowUnpinned) =>
      new JobScorers(job, stores, allowUnpinned, (text) => log.warn({ job: job.name }, text), jobs),
    publish: (job, stores, how) => publishAndTell(job, stores, () => undefined, how),
    onEnded: (request, end) => tellEnd(notifier, request, end),
    versions: readVersions(),
    now: () => new Date(),
    worker,
    log,
  };
}

function gauges(metrics: Metrics, worker: QueueWorker, slots: number): void {
  metrics.gauge('prescore_active_slots', 'Tasks in work here.', [], (gauge) => gauge.set(worker.active));
  metrics.gauge('prescore_slots', 'Tasks that may be in work here.').set(slots);
  // Asked once for both gauges of a reading. Redis may be away; the other figures are still told.
  let asked: { readonly at: number; readonly depths: Promise<readonly QueueDepth[]> } | null = null;
  const depths = (): Promise<readonly QueueDepth[]> => {
    if (asked === null || performance.now() - asked.at > 500)
      asked = { at: performance.now(), depths: worker.queues.depths().catch(() => []) };
    return asked.depths;
  };
  const help = 'Tasks in the queue, by origin and state.';
  metrics.gauge('prescore_queue_tasks', help, ['queue', 'state'], async (gauge) => {
    for (const { origin: queue, waiting, active, delayed } of await depths()) {
      gauge.set({ queue, state: 'waiting' }, waiting);
      gauge.set({ queue, state: 'active' }, active);
      gauge.set({ queue, state: 'delayed' }, delayed);
    }
  });
  const age = 'Age of the task that has waited longest, by origin.';
  metrics.gauge('prescore_queue_oldest_seconds', age, ['queue'], async (gauge) => {
    for (const { origin: queue, oldestMs } of await depths()) gauge.set({ queue }, oldestMs / 1000);
  });
}

function onSignals(
  worker: QueueWorker,
  log: Logger,
  graceMs: number,
): { readonly graceIsOver: Promise<void>; readonly off: () => void } {
  let isStopping = false;
  let over: () => void = () => undefined;
  const graceIsOver = new Promise<void>((resolve) => {
    over = resolve;
  });
  const timers: NodeJS.Timeout[] = [];
  const deafen = hearSignals((signal) => {
    if (isStopping) {
      log.warn({ signal }, 'stopped at once; tasks in work come back to other workers');
      worker.kill();
      process.exit(signal === 'SIGTERM' ? 143 : 130);
    }
    isStopping = true;
    log.info({ signal, active: worker.active }, 'stopping: tasks in work are finished first');
    worker.stop();
    timers.push(
      setTimeout(() => {
        log.warn({ active: worker.active }, 'grace is over: tasks in work are given back');
        worker.kill();
        timers.push(setTimeout(over, 1_000));
      }, graceMs),
    );
  });
  const off = (): void => {
    for (const timer of timers) clearTimeout(timer);
    deafen();
  };
  return { graceIsOver, off };
}

function durationOr(otherwise: number, flag: string, text: string | undefined): number {
  return text === undefined ? otherwise : durationFlag(flag, text);
}

function nameOf(given: string | undefined): string {
  if (given === undefined) return ownName();
  if (/^[\w.:-]{1,100}$/.test(given)) return given;
  const expected = 'letters, digits and .:_- only';
  throw new PrescoreError('USAGE', {
    what: '--name cannot be used',
    expected,
    got: JSON.stringify(given.slice(0, 100)),
  });
}
