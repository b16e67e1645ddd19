import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ValueColumn } from '../../../../src/base/contract/prediction-set.ts';
import { LmdbStore } from '../../../../src/sets/lmdb/lmdb-store.ts';
import { changeState } from '../../../../src/sets/prediction-set/change-state.ts';
import { flipped, withNewGeneration } from '../../../../src/sets/prediction-set/set-state.ts';
import { PredictionReader } from '../../../../src/sets/reader/prediction-reader.ts';
import { metaOf } from '../../../harness/prediction-stores.ts';
import { tempFolder } from '../../../harness/temp-job.ts';
import { pagesOf } from '../prediction-set/pages-of.ts';

const KEY = new TextEncoder().encode('key');
const ORIGIN = {
  runId: 'r',
  partition: null,
  manifest: 1,
  model: { name: 'm', version: null, sha256: '' },
  scoredAt: '2026-01-01T00:00:00.000Z',
};

describe('a reader that lives long', () => {
  function openedStore(folder: string): LmdbStore {
    const store = new LmdbStore(folder);
    onTestFinished(() => store.close());
    return store;
  }

  /** Publishes one key, as another process would: with a store of its own. */
  async function publish(folder: string, column: ValueColumn, value: number | string): Promise<void> {
    const store = openedStore(folder);
    const now = new Date().toISOString();
    const begun = await changeState(store, 's', (state) => withNewGeneration(state, String(value), now, null));
    const generation = begun.nextGeneration - 1;
    const order = { scope: 'latest', key: `${process.hrtime.bigint()}`.padStart(30, '0') } as const;
    const meta = metaOf('s', generation, { columns: [column], buckets: 3, origins: [ORIGIN], order });
    const writer = await store.writer(await store.createMeta(meta));
    const flags = { hasNulls: false, hasOrigins: false };
    await writer.writePages((await pagesOf([column], [{ key: KEY, values: [value] }], 3, flags)).pages, 0);
    await writer.finish();
    await changeState(store, 's', (state) => flipped(state, meta, 1, 0, now, false));
    if (generation > 1) await store.dropGeneration('s', generation - 1);
    await store.close();
  }

  it('lets go of files that were reclaimed', async () => {
    const folder = tempFolder();
    const reader = new PredictionReader(openedStore(folder), 's', { pointerMs: 0 });
    for (let value = 1; value <= 8; value++) {
      await publish(folder, { name: 'score', type: 'float32' }, value);
      expect((await reader.get('key'))?.values).toEqual({ score: value });
    }
    const deleted = openFiles().filter(
      (path) => path.startsWith(join(folder, 's/g')) && path.endsWith('.lmdb (deleted)'),
    );
    expect(deleted.length).toBeLessThanOrEqual(1);
  });

  it('sees a set that was deleted and published anew under the same numbers, with other columns', async () => {
    const folder = tempFolder();
    await publish(folder, { name: 'score', type: 'float32' }, 0.5);
    const reader = new PredictionReader(openedStore(folder), 's', { pointerMs: 0 });
    expect((await reader.get('key'))?.values).toEqual({ score: 0.5 });
    rmSync(join(folder, 's'), { recursive: true });
    await publish(folder, { name: 'label', type: 'string' }, 'new');
    expect((await reader.get('key'))?.values).toEqual({ label: 'new' });
  });
});

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The one that lists the folder is closed by now.
      return [];
    }
  });
}
