import { describe, expect, it } from 'vitest';
import { Turnstile } from '../../../../src/scoring/child/turnstile.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the turnstile of a child', () => {
  it('lets one through at a time, in order of arrival', async () => {
    const turnstile = new Turnstile();
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const all = [0, 1, 2, 3, 4].map((i) =>
      turnstile.run(async (done) => {
        begun.push(i);
        await new Promise<void>((resolve) => ends.push(resolve));
        // Said twice, by the task and by its end, it counts once.
        if (i % 2 === 0) done();
      }),
    );
    for (let n = 1; n <= 5; n++) {
      await turn();
      expect(begun).toEqual([0, 1, 2, 3, 4].slice(0, n));
      ends.shift()!();
    }
    for (const end of ends) end();
    await Promise.all(all);
  });

  it('lets the next one through after a failure', async () => {
    const turnstile = new Turnstile();
    await expect(turnstile.run(() => Promise.reject(new RangeError('no')))).rejects.toThrow('no');
    expect(await turnstile.run(async () => 7)).toBe(7);
  });
});
