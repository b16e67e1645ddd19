import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import { ERROR_CODES } from '../../base/errors/error-codes.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { createLogger, type Logger } from '../../base/telemetry/logger.ts';
import {
  type OperationsServer,
  parseListenAddress,
  startOperationsServer,
} from '../../base/telemetry/operations-server.ts';
import { doneMessage, failedMessage } from '../../fleet/notify/messages.ts';
import { Notifier } from '../../fleet/notify/notifier.ts';
import { systemClock } from '../../fleet/schedule/clock.ts';
import type { ScheduleDeps, ScheduledJob } from '../../fleet/schedule/schedule-deps.ts';
import type { Ending } from '../../fleet/schedule/schedule-records.ts';
import type { SlotResult } from '../../fleet/schedule/slot-runner.ts';
import { StoredRecords } from '../../fleet/schedule/stored-records.ts';
import { keyOf, runTimetables } from '../../fleet/schedule/timetables.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { worstExit } from '../../run/pipeline/run-job.ts';
import { durationFlag } from '../load/duration-flag.ts';
import { JobFiles, refuseMissing } from '../load/job-files.ts';
import { logRunEvents } from '../output/log-run-events.ts';
import { StopSignals } from '../processes/stop-signals.ts';
import { openLauncher } from '../wiring/open-launcher.ts';
import { createStoreResolver } from '../wiring/open-store.ts';
import { ScheduleMetrics } from './schedule-metrics.ts';

export interface ScheduleFlags {
  readonly redis?: string;
  readonly metrics?: string;
  readonly grace: string;
  readonly once?: boolean;
}

/** `prescore schedule`: runs the slots of jobs when they are due. Returns the exit code. */
export async function scheduleCommand(paths: readonly string[], flags: ScheduleFlags): Promise<number> {
  const graceMs = durationFlag('--grace', flags.grace);
  refuseMissing(paths);
  const isOnce = flags.once === true;
  const id = `${hostname()}.${process.pid}.${randomBytes(3).toString('hex')}`;
  const log = createLogger('schedule').child({ scheduler: id });
  const redis = flags.redis ?? process.env['PRESCORE_REDIS_URL'];
  const launcher = await openLauncher(redis === undefined || redis === '' ? {} : { redis }, {
    allowUnpinned: false,
    emit: logRunEvents(log),
    warn: (text) => log.warn(text),
  });
  const metrics = new ScheduleMetrics();
  const signals = new StopSignals(
    () => log.info('stopping: what is in work is finished or given back'),
    () => launcher.kill(),
    graceMs,
  );
  const notifier = new Notifier({ env: process.env, warn: (text) => log.warn(text) });
  const stores = new Map<string, StoreResolver>();
  const results = new Map<string, SlotResult>();
  const ends: Ending[] = [];
  const files = new JobFiles(paths, (path, error) =>
    log.error({ path, error: error.message }, 'job file cannot be used'),
  );
  const depsOf = (job: ScheduledJob): ScheduleDeps => {
    const resolver = createStoreResolver(job.stores, { env: process.env });
    stores.set(keyOf(job), resolver);
    return {
      id,
      records: new StoredRecords(new RecordStore(resolver, job.state), job.name),
      launcher: launcher.use,
      clock: systemClock,
      log: log.child({ job: job.name }),
      isOnce,
      onEnd: (ended, ending, result) => {
        metrics.ended(ended, ending);
        if (isOnce) ends.push(ending);
        tellFailures(notifier, ended, ending, result);
      },
      onResult: (of, slot, result) => {
        if (isOnce || result.kind === 'stopped') results.set(`${keyOf(of)} ${slot}`, result);
        for (const done of result.done) {
          if (!done.alreadyDone) notifier.tell(of, doneMessage(of.name, done, new Date()));
        }
      },
      onState: (of, state) => metrics.state(of, state),
    };
  };
  const server = flags.metrics === undefined ? null : await serve(flags.metrics, metrics, log);
  try {
    const read = (): WrittenJob[] => {
      const jobs = withoutTwins(files.read(), log);
      metrics.read(jobs);
      return jobs;
    };
    const onChange = (job: WrittenJob, change: string): void => {
      if (change === 'removed') metrics.removed(job);
      log.info({ job: job.name, cron: job.schedule?.cron, timezone: job.schedule?.timezone }, `job ${change}`);
    };
    if (isOnce && read().every((job) => job.schedule === null)) log.warn('no job here has a schedule');
    await runTimetables({ read, depsOf, clock: systemClock, isOnce, onChange }, signals.stop);
    const all = [...results.values()];
    const isCut = all.some((r) => r.kind === 'stopped');
    if (signals.exitCode !== null) return isCut ? signals.exitCode : 0;
    return isOnce ? exitCodeOf(all, ends) : 0;
  } finally {
    signals.close();
    await server?.close();
    await notifier.close();
    await launcher.close();
    await Promise.all([...stores.values()].map((s) => s.close()));
  }
}

/** Failures are told when they are final: a slot may be tried again. */
function tellFailures(notifier: Notifier, job: WrittenJob, ending: Ending, result: SlotResult | null): void {
  if (ending.outcome !== 'failed') return;
  const at = new Date(ending.at);
  const waited = new PrescoreError('INPUT_NOT_FOUND', { what: `no input came in time: ${result?.why ?? ''}` });
  const failures = result === null || result.failures.length === 0 ? [waited] : result.failures;
  for (const error of failures)
    notifier.tell(job, failedMessage(job.name, { partition: null, slot: ending.slot }, error, at));
}

async function serve(address: string, metrics: ScheduleMetrics, log: Logger): Promise<OperationsServer> {
  const server = await startOperationsServer({
    ...parseListenAddress(address),
    metrics: () => metrics.text(),
    live: () => metrics.liveProblem(Date.now()),
    ready: () => metrics.readyProblem(),
  });
  log.info({ url: server.url }, 'metrics and health');
  return server;
}

/** Two files with one name and state would share their slots: the first one counts. */
function withoutTwins(jobs: readonly WrittenJob[], log: Logger): WrittenJob[] {
  const seen = new Set<string>();
  return jobs.filter((job) => {
    const key = keyOf(job);
    if (seen.has(key))
      log.error(
        { job: job.name, state: job.state },
        'two job files have this name and state; the second is passed over',
      );
    return !seen.has(key) && seen.add(key);
  });
}

function exitCodeOf(results: readonly SlotResult[], ends: readonly Ending[]): number {
  const failures = results.filter((r) => r.kind === 'failed').flatMap((r) => r.failures.map((f) => f.exitCode));
  const waited = ends.some((e) => e.error?.code === 'INPUT_NOT_FOUND') ? [ERROR_CODES.INPUT_NOT_FOUND.exit] : [];
  return worstExit(
    [...failures, ...waited],
    results.flatMap((r) => r.done),
  );
}
