import { expect, it } from 'vitest';
import { BulkGate } from '../../../../src/online/lookup/bulk-gate.ts';

it('large requests take turns, in their order; small ones never wait; a failure gives its place back', async () => {
  const gate = new BulkGate();
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const fails: ((error: Error) => void)[] = [];
  const pass = (id: number, keys: number): Promise<void> =>
    gate.pass(keys, () => {
      begun.push(id);
      return new Promise<void>((resolve, reject) => {
        ends[id] = resolve;
        fails[id] = reject;
      });
    });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const all = [pass(0, 256), pass(1, 256), pass(2, 1024), pass(3, 33), pass(4, 32)];
  await turn();
  expect(begun).toEqual([0, 1, 4]);
  ends[0]!();
  await turn();
  // The next one has no room, and nobody overtakes it.
  expect(begun).toEqual([0, 1, 4]);
  fails[1]!(new RangeError('away'));
  await expect(all[1]).rejects.toThrow('away');
  await turn();
  expect(begun).toEqual([0, 1, 4, 2]);
  ends[2]!();
  await turn();
  expect(begun).toEqual([0, 1, 4, 2, 3]);
  ends[3]!();
  ends[4]!();
  await Promise.all([all[0], all[2], all[3], all[4]]);
});
