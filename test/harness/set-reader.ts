import { openPredictions } from '../../src/index.ts';

/** What a reader of the switch proof has seen when it is told to end. */
export interface ReaderTally {
  reads: number;
  keys: number;
  /** Answers with values of two runs. */
  mixed: number;
  /** Keys that were not found. */
  missing: number;
  /** Answers older than one before. */
  back: number;
  runs: number;
  missingPages: number;
  badPages: number;
}

/*
 * Reads 50 random keys at a time, as a service would, until its parent says `end`. The value of every key is the number of the
 * run that is served.
 */
const [url, set, keyCount, pointerMs] = process.argv.slice(2);
const reader = await openPredictions(url!, set!, { pointerMs: Number(pointerMs) });
const tally: ReaderTally = { reads: 0, keys: 0, mixed: 0, missing: 0, back: 0, runs: 0, missingPages: 0, badPages: 0 };
let isOver = false;
let newest = 0;
process.once('message', () => {
  isOver = true;
});
process.on('disconnect', () => process.exit(1));
await reader.get('k0');
process.send!('ready');
while (!isOver) {
  const keys = Array.from({ length: 50 }, () => `k${Math.floor(Math.random() * Number(keyCount))}`);
  const found = await reader.getMany(keys);
  const runs = new Set(found.map((f) => Number(f?.values['y'])));
  tally.reads++;
  tally.keys += keys.length;
  tally.missing += found.filter((f) => f === null).length;
  if (runs.size > 1) tally.mixed++;
  for (const run of runs) {
    if (run < newest) tally.back++;
    if (run > newest) tally.runs++;
    newest = Math.max(newest, run);
  }
  // LMDB answers without a pause: the message of the parent has to get through.
  if (tally.reads % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
}
tally.missingPages = reader.counts.missingPages;
tally.badPages = reader.counts.badPages;
await reader.close();
process.send!(tally, () => process.exit(0));
