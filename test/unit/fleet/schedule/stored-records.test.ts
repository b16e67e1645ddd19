import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { StoreResolver } from '../../../../src/base/contract/object-store.ts';
import { createStoreResolver } from '../../../../src/cli/wiring/open-store.ts';
import { StoredRecords } from '../../../../src/fleet/schedule/stored-records.ts';
import { RecordStore } from '../../../../src/run/ledger/record-store.ts';
import { tempFolder } from '../../../harness/temp-job.ts';

const SLOT = Date.UTC(2026, 0, 1, 2);

function recordsIn(folder: string, stores: StoreResolver = createStoreResolver({}, { env: {} })): StoredRecords {
  return new StoredRecords(new RecordStore(stores, join(folder, 'state')), 'job');
}

test('the newest of many marks is found in few requests', async () => {
  const folder = tempFolder();
  const writer = recordsIn(folder);
  expect(await writer.newestMark()).toBeNull();
  const mark = { open: [SLOT], cron: '0 2 * * *', timezone: 'UTC', by: 'a' };
  for (let n = 1; n <= 77; n++) await writer.addMark({ ...mark, n, through: SLOT + n * 60_000 });
  let requests = 0;
  const stores = createStoreResolver({}, { env: {} });
  const counted: StoreResolver = {
    at: (uri) => {
      requests++;
      return stores.at(uri);
    },
    close: () => stores.close(),
  };
  expect(await recordsIn(folder, counted).newestMark()).toMatchObject({ ...mark, n: 77, through: SLOT + 77 * 60_000 });
  expect(requests).toBeLessThanOrEqual(16);
  // Somebody else was first: what holds is given back.
  expect(await recordsIn(folder).addMark({ ...mark, n: 77, through: 0 })).toMatchObject({
    n: 77,
    through: SLOT + 77 * 60_000,
  });
});

test('of many deciders one holds, and all hear the same; the first end holds', async () => {
  const folder = tempFolder();
  const names = Array.from({ length: 8 }, (_, i) => `s${i}`);
  const decided = await Promise.all(
    names.map((by, i) =>
      recordsIn(folder).decide(SLOT, { take: i % 2 === 0, why: i % 2 === 0 ? null : 'missed', by, at: i }),
    ),
  );
  expect(new Set(decided.map((d) => d.by)).size).toBe(1);
  expect(await recordsIn(folder).decision(SLOT)).toMatchObject({ by: decided[0]!.by });
  const ending = { slot: '2026-01-01T02:00:00Z', runs: [], rows: 1, rejected: 0, error: null, at: SLOT };
  const ended = await Promise.all(names.map((by) => recordsIn(folder).end(SLOT, { ...ending, outcome: 'done', by })));
  expect(new Set(ended.map((e) => e.by)).size).toBe(1);
  expect(await recordsIn(folder).ending(SLOT + 60_000)).toBeNull();
});

test('one holder at a time', async () => {
  const folder = tempFolder();
  const [first, second] = [recordsIn(folder), recordsIn(folder)];
  const hold = await first.hold(SLOT);
  expect(hold).not.toBeNull();
  expect(await second.hold(SLOT)).toBeNull();
  await hold?.release();
  const next = await second.hold(SLOT);
  expect(next?.lost.aborted).toBe(false);
  await next?.release();
});
