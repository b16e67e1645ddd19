import { describe, expect, it } from 'vitest';
import { Turns } from '../../../../src/base/lanes/turns.ts';
import { withinBudget } from '../../../../src/scoring/child/byte-budget.ts';

describe('a budget of bytes', () => {
  it('is shared by large reads until they are given back, in order; small ones pass', async () => {
    const budget = new Turns(300_000);
    const source = { size: 10 ** 9, read: async (_: number, length: number) => new Uint8Array(length) };
    const log: string[] = [];
    const read = async (name: string, length: number): Promise<() => Promise<void>> => {
      const within = withinBudget(source, budget);
      await within.source.read(0, length);
      log.push(name);
      return within.release;
    };
    const first = await read('a', 200_000);
    const second = read('b', 200_000);
    const third = read('more than there is', 10 ** 6);
    await read('small', 64 * 1024);
    expect(log).toEqual(['a', 'small']);
    await first();
    await (await second)();
    await (await third)();
    expect(log).toEqual(['a', 'small', 'b', 'more than there is']);
    const again = withinBudget(source, budget);
    await Promise.all([again.source.read(0, 200_000), again.source.read(200_000, 200_000)]);
    await again.release();
  });
});
