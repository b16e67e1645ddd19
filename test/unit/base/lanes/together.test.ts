import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { together } from '../../../../src/base/lanes/together.ts';

/** Runs items for a moment each; tells how many were under way at most, and how much they weighed. */
async function run(weights: readonly number[], most: number, mostWeight: number) {
  let [going, weight] = [0, 0];
  const seen = { most: 0, weight: 0 };
  const results = await together(
    weights.map((own, i) => ({ own, i })),
    { most, mostWeight },
    ({ own }) => own,
    async ({ own, i }) => {
      going++;
      weight += own;
      seen.most = Math.max(seen.most, going);
      seen.weight = Math.max(seen.weight, weight);
      await sleep((i * 7) % 5);
      going--;
      weight -= own;
      return i;
    },
  );
  return { results, seen };
}

describe('tasks under way together', () => {
  it('are as many as allowed, and give their results in order', async () => {
    const { results, seen } = await run(new Array<number>(30).fill(1), 8, 100);
    expect(results).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(seen.most).toBe(8);
  });

  it('weigh no more than allowed; what weighs more goes alone', async () => {
    expect((await run([5, 5, 5, 5, 5], 8, 10)).seen).toEqual({ most: 2, weight: 10 });
    expect((await run([50, 1, 50, 1], 8, 10)).seen).toEqual({ most: 1, weight: 50 });
    expect((await run([], 8, 10)).results).toEqual([]);
  });

  it('end with the first failure in order, when nothing is under way any more', async () => {
    let [begun, ended] = [0, 0];
    const failing = together(
      Array.from({ length: 20 }, (_, i) => i),
      { most: 4, mostWeight: 100 },
      () => 1,
      async (i) => {
        begun++;
        await sleep(i === 0 ? 20 : 5);
        ended++;
        if (i < 2) throw new Error(`item ${i}`);
      },
    );
    await expect(failing).rejects.toThrow('item 0');
    expect([begun, ended]).toEqual([4, 4]);
  });
});
