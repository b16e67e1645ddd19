import { toErrorJson, toPrescoreError } from '../base/errors/prescore-error.ts';
import { Duck } from '../data/duckdb/duckdb.ts';
import { type PublishOptions, type PublishProgress, publishSet } from '../sets/publish/publish-set.ts';
import { reclaim } from '../sets/publish/reclaim.ts';
import { upsertRows } from '../sets/publish/upsert-rows.ts';
import type { FromPublisher, PublishReport, PublishRequest } from './processes/publisher-messages.ts';
import { openPredictionStore } from './wiring/open-prediction-store.ts';
import { createStoreResolver } from './wiring/open-store.ts';

/* The entry of the publisher process: reads committed parts, writes pages, flips. Goes when its supervisor is gone. */
process.on('disconnect', () => process.exit(1));
const stop = new AbortController();
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

const PROGRESS_MS = 200;
let lastSent = 0;

const send = (message: FromPublisher): void => {
  process.send?.(message, () => undefined);
};

const onProgress = (progress: PublishProgress): void => {
  const now = performance.now();
  if (now - lastSent < PROGRESS_MS) return;
  lastSent = now;
  send({ kind: 'progress', progress });
};

async function publish(request: PublishRequest): Promise<PublishReport> {
  const { publication, memoryBytes, scratchDir } = request;
  const { predictions } = publication;
  const stores = createStoreResolver(publication.stores, { env: process.env });
  const { store, warnings } = await openPredictionStore(predictions.store, process.env);
  const duck = await Duck.open({ memoryBytes: memoryBytes / 4, scratchDir, scratchBytes: request.scratchBytes });
  const options: PublishOptions = {
    isForced: request.isForced,
    isRebuild: request.isRebuild,
    memoryBytes: memoryBytes / 2,
    onProgress,
    stop: stop.signal,
  };
  const tools = { stores, duck, scratchDir };
  try {
    if (predictions.mode === 'upsert') {
      const rows = await upsertRows(publication, store, tools, options);
      const reclaimed = await reclaim(store, predictions.set);
      return { outcome: { kind: 'upserted', rows }, isAgainAsked: false, reclaimed, warnings };
    }
    const { outcome, isAgainAsked } = await publishSet(publication, store, tools, options);
    return { outcome, isAgainAsked, reclaimed: await reclaim(store, predictions.set), warnings };
  } finally {
    duck.close();
    await store.close();
    await stores.close();
  }
}

process.once('message', (request: PublishRequest) => {
  publish(request).then(
    (report) => send({ kind: 'done', report }),
    (error: unknown) => send({ kind: 'failed', error: toErrorJson(toPrescoreError(error), true) }),
  );
});
