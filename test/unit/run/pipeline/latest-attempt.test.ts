import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createStoreResolver } from '../../../../src/cli/wiring/open-store.ts';
import { formatRunId, type Slot } from '../../../../src/job/slots/run-id.ts';
import { RecordStore } from '../../../../src/run/ledger/record-store.ts';
import { latestAttempt } from '../../../../src/run/pipeline/decide-slot.ts';
import { tempFolder } from '../../../harness/temp-job.ts';

it('of many attempts at a slot the plan of the last one alone is read', async () => {
  const folder = tempFolder();
  const slot: Slot = { job: 'many', partition: null, logicalTime: null };
  const write = (attempt: number, text: string): void => {
    const run = join(folder, 'runs', formatRunId(slot, attempt));
    mkdirSync(run, { recursive: true });
    writeFileSync(join(run, 'plan.json'), text);
  };
  const stores = createStoreResolver({}, { env: {} });
  const records = new RecordStore(stores, folder);
  expect(await latestAttempt(records, slot)).toBeNull();
  // What nobody reads cannot be wrong. A plan of 100,000 files has 10 MB.
  for (let attempt = 1; attempt < 5; attempt++) write(attempt, 'not read');
  write(5, JSON.stringify({ format: 1, attempt: 5, files: [], chunks: [] }));
  expect(await latestAttempt(records, slot)).toMatchObject({ plan: { attempt: 5 } });
  await stores.close();
});
