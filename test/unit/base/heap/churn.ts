/* Entries come and go in a map whose table has grown old; prints how many MB of them a young collection leaves. */
import { ChurnMap } from '../../../../src/base/heap/churn-map.ts';

const LIVE = 200;
const map = process.argv[2] === 'churn' ? new ChurnMap<number, number[]>() : new Map<number, number[]>();
const churn = (from: number, count: number): void => {
  for (let i = from; i < from + count; i++) {
    map.set(i, new Array<number>(200).fill(i));
    map.delete(i - LIVE);
  }
};
churn(0, LIVE);
globalThis.gc?.();
globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
churn(LIVE, 30_000);
globalThis.gc?.({ type: 'minor', execution: 'sync' });
process.stdout.write(String((process.memoryUsage().heapUsed - before) / 1e6));
