import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createStoreResolver } from '../../../../src/cli/wiring/open-store.ts';
import { collectSlots } from '../../../../src/fleet/schedule/collect-slots.ts';
import { StoredRecords } from '../../../../src/fleet/schedule/stored-records.ts';
import { RecordStore } from '../../../../src/run/ledger/record-store.ts';
import { tempFolder } from '../../../harness/temp-job.ts';

const HOUR = 3_600_000;
const FIRST = Date.UTC(2026, 0, 1, 0);

test('records of settled slots go; open, late and recent ones and all marks stay', async () => {
  const folder = tempFolder();
  const records = new RecordStore(createStoreResolver({}, { env: {} }), join(folder, 'state'));
  const stored = new StoredRecords(records, 'job');
  for (let i = 0; i < 6; i++) {
    const slot = FIRST + i * HOUR;
    await stored.decide(slot, { take: true, why: null, by: 'a', at: slot });
    const hold = await stored.hold(slot);
    await hold?.release();
    const ending = {
      slot: '',
      outcome: 'done' as const,
      runs: [],
      rows: 1,
      rejected: 0,
      error: null,
      by: 'a',
      at: slot,
    };
    if (i !== 1) await stored.end(slot, ending);
  }
  // Slot 1 is still open, slot 5 lies after the mark.
  const rest = { cron: '0 * * * *', timezone: 'UTC', by: 'a' };
  await stored.addMark({ ...rest, n: 1, through: FIRST + 4 * HOUR, open: [FIRST + HOUR] });
  const options = { olderThanMs: 2 * HOUR, nowMs: FIRST + 5 * HOUR + 1 };
  const slots = (): string[] => readdirSync(join(folder, 'state/schedule/job/slots')).sort();
  const all = slots();

  const found = await collectSlots(records, { ...options, isApplied: false });
  expect(found.map((f) => f.slot)).toEqual(['20260101T000000Z', '20260101T020000Z', '20260101T030000Z']);
  expect(slots()).toEqual(all);

  await collectSlots(records, { ...options, isApplied: true });
  expect(await collectSlots(records, { ...options, isApplied: true })).toEqual([]);
  expect(await stored.decision(FIRST)).toBeNull();
  for (const i of [1, 4, 5]) expect(await stored.decision(FIRST + i * HOUR)).not.toBeNull();
  expect(await new StoredRecords(records, 'job').newestMark()).toMatchObject({ n: 1 });
});
