import { setTimeout as sleep } from 'node:timers/promises';
import type { JobScorer } from '../../base/contract/job-scorer.ts';
import type { PredictionStore } from '../../base/contract/prediction-set.ts';
import { sayRowDependence } from '../../base/contract/row-dependence.ts';
import { createLogger, type Logger, type LogLevel } from '../../base/telemetry/logger.ts';
import { Metrics } from '../../base/telemetry/metrics.ts';
import {
  type OperationsServer,
  parseListenAddress,
  startOperationsServer,
} from '../../base/telemetry/operations-server.ts';
import type { LiveModelHost } from '../../inference/host/live-model-host.ts';
import { openModelHost } from '../../inference/host/model-host.ts';
import { StreamConsumer } from '../../online/stream/consumer.ts';
import { OverlayTarget } from '../../online/stream/overlay-target.ts';
import { settleJob } from '../../run/pipeline/settle-job.ts';
import { EventStream } from '../../sets/redis/event-stream.ts';
import { durationFlag } from '../load/duration-flag.ts';
import { type LoadedStream, loadStream } from '../load/load-stream.ts';
import { hearSignals } from '../processes/hear-signals.ts';
import { liveLaunch } from '../processes/live-launch.ts';
import { makeScratch, removeScratch } from '../processes/scratch-folder.ts';
import { keyShapeOf } from '../wiring/key-shape.ts';
import { openLiveJob } from '../wiring/open-job-scorer.ts';
import { openPredictionStore, redisCredentials } from '../wiring/open-prediction-store.ts';
import { ownName } from '../wiring/open-queue.ts';
import { createStoreResolver } from '../wiring/open-store.ts';
import { StreamMetrics } from './stream-metrics.ts';

export interface StreamFlags {
  readonly name?: string;
  readonly metrics?: string;
  readonly once?: boolean;
  readonly maxEvents?: number;
  readonly allowUnpinned?: boolean;
  readonly grace: string;
  readonly logLevel: LogLevel;
}

const CLOSE_MS = 3_000;
const MODEL_BYTES = 16 * 1024 ** 3;

/**
 * `prescore stream`: scores events until it is told to stop. Exit code 0 after a signal, or when `--once` or `--max-events` is
 * reached; then 3 when events went to the dead letters.
 */
export async function streamCommand(path: string, flags: StreamFlags): Promise<number> {
  const loaded = loadStream(path);
  const graceMs = durationFlag('--grace', flags.grace);
  const name = flags.name ?? ownName();
  const log = createLogger('stream', flags.logLevel).child({ consumer: name });
  const opened = new Opened();
  try {
    return await consume(loaded, flags, { name, graceMs, log, opened });
  } finally {
    // What hangs on a Redis that is away must not keep the process.
    await Promise.race([opened.close(), sleep(CLOSE_MS, undefined, { ref: false })]);
    log.info('stream has stopped');
  }
}

interface Running {
  readonly name: string;
  readonly graceMs: number;
  readonly log: Logger;
  readonly opened: Opened;
}

/** What is closed at the end, in turn. */
class Opened {
  private readonly closers: (() => Promise<unknown>)[] = [];

  add<T>(thing: T, close: (thing: T) => Promise<unknown>): T {
    this.closers.push(() => close(thing));
    return thing;
  }

  async close(): Promise<void> {
    for (const close of this.closers.reverse()) await close().catch(() => undefined);
  }
}

async function consume(loaded: LoadedStream, flags: StreamFlags, running: Running): Promise<number> {
  const { config, job, predictions } = loaded;
  const { name, graceMs, log, opened } = running;
  const close = (thing: { close(): Promise<unknown> }): Promise<unknown> => thing.close();
  const { store } = opened.add(await openPredictionStore(predictions.store, process.env), (o) => o.store.close());
  const settings = { credentials: redisCredentials(process.env), allowUserInfo: true, retryForMs: 2_000 };
  const openStream = async (): Promise<EventStream> =>
    opened.add(await EventStream.open(config.stream.redis, config.stream.key, config.stream.group, settings), close);
  const [reader, stream] = [await openStream(), await openStream()];
  const { scorer, host } = await openScorer(loaded, flags, running);
  const metrics = new Metrics();
  const streamMetrics = new StreamMetrics(metrics, stream, job.name);
  const consumer = new StreamConsumer({
    config,
    name,
    reader,
    stream,
    target: await openTarget(loaded, store, scorer),
    scorer,
    log,
    ...streamMetrics.callbacks,
  });
  const child = (): boolean => host.stats().some(({ child: state }) => state === 'ready');
  const ready = (): string | null => consumer.trouble ?? (child() ? null : 'the scorer is being started again');
  const operations: OperationsServer | null =
    flags.metrics === undefined
      ? null
      : opened.add(
          await startOperationsServer({
            ...parseListenAddress(flags.metrics),
            metrics: () => metrics.read(),
            live: () => null,
            ready,
          }),
          close,
        );
  const signals = onSignals(consumer, log, graceMs);
  const { redis: _, ...place } = config.stream;
  log.info({ ...place, set: predictions.set, metrics: operations?.url }, 'stream takes events');
  try {
    const until = { isEmpty: flags.once === true, events: flags.maxEvents ?? null };
    const rejected = await consumer.run(until);
    return rejected > 0 && (until.isEmpty || until.events !== null) ? 3 : 0;
  } finally {
    signals.off();
  }
}

async function openScorer(
  { config, job }: LoadedStream,
  flags: StreamFlags,
  { opened, log }: Running,
): Promise<{ readonly scorer: JobScorer; readonly host: LiveModelHost }> {
  const scratchDir = opened.add(await makeScratch(), removeScratch);
  const stores = opened.add(createStoreResolver(job.stores, { env: process.env }), (s) => s.close());
  const { maxRows } = config.batch;
  const host = opened.add(
    openModelHost({
      launch: liveLaunch(),
      scratchDir,
      folder: null,
      idleUnloadMs: null,
      memoryBytes: MODEL_BYTES,
      batcher: {
        maxBatchRows: maxRows,
        maxQueueRows: maxRows * 2,
        batchDeadlineMs: job.execution.batchDeadlineMs,
      },
      events: { onDependence: (model, _version, found) => log.warn({ model }, sayRowDependence(found)) },
    }),
    (h) => h.close(),
  );
  const scorer = await openLiveJob(await settleJob(job, stores), {
    stores,
    scratchDir,
    allowUnpinned: flags.allowUnpinned === true,
    addModel: (model) => host.addModel({ ...model, pinned: true }),
  });
  return { scorer, host };
}

async function openTarget(
  { config, job, predictions }: LoadedStream,
  store: PredictionStore,
  scorer: JobScorer,
): Promise<OverlayTarget> {
  const { set, ttlMs, keep } = predictions;
  return new OverlayTarget({
    store,
    set,
    key: await keyShapeOf(job, predictions),
    columns: scorer.values,
    modelSha256: scorer.model.sha256,
    ttlMs,
    keep,
    source: `stream:${config.stream.key}`,
  });
}

function onSignals(consumer: StreamConsumer, log: Logger, graceMs: number): { readonly off: () => void } {
  let isStopping = false;
  let timer: NodeJS.Timeout | null = null;
  const off = hearSignals((signal) => {
    if (isStopping) {
      log.warn({ signal }, 'stopped at once; events that are held come again');
      process.exit(signal === 'SIGTERM' ? 143 : 130);
    }
    isStopping = true;
    log.info({ signal, held: consumer.heldEvents }, 'stopping: events that are held are finished first');
    consumer.stop();
    timer = setTimeout(() => {
      log.warn({ held: consumer.heldEvents }, 'grace is over: events that are held come again');
      consumer.kill();
    }, graceMs);
  });
  return {
    off: () => {
      if (timer !== null) clearTimeout(timer);
      off();
    },
  };
}
