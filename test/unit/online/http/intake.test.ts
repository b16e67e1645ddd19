import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Intake } from '../../../../src/online/http/intake.ts';

/** Takes as many requests as it has room for, and writes down what became of each. */
class Counter {
  room = 0;
  readonly log: string[] = [];
  private readonly onTaken: () => void;

  constructor(onTaken = (): void => undefined) {
    this.onTaken = onTaken;
  }

  request(name: string): () => boolean {
    return () => {
      const isTaken = this.room-- > 0;
      if (isTaken) this.onTaken();
      this.log.push(`${isTaken ? 'took' : 'refused'} ${name}`);
      return isTaken;
    };
  }
}

describe('which requests are taken', () => {
  it('each at once, while there is room', () => {
    const [intake, counter] = [new Intake(), new Counter()];
    counter.room = 2;
    for (const name of ['a', 'b', 'c']) intake.offer(counter.request(name));
    expect(counter.log).toEqual(['took a', 'took b', 'refused c']);
  });

  it('the newest of a turn, once one was refused', async () => {
    const [intake, counter] = [new Intake(), new Counter()];
    intake.offer(counter.request('first'));
    counter.room = 2;
    counter.log.length = 0;
    for (const name of ['a', 'b', 'c', 'd']) intake.offer(counter.request(name));
    expect(counter.log).toEqual([]);
    await turn();
    expect(counter.log).toEqual(['took d', 'took c', 'refused b', 'refused a']);
    counter.room = 1;
    intake.offer(counter.request('e'));
    await turn();
    expect(counter.log.at(-1)).toBe('took e');
  });

  it('as many in a turn as it has time for, the rest in the next, after what is newer', async () => {
    let now = 0;
    const counter = new Counter(() => {
      now += 0.6;
    });
    const intake = new Intake(() => now);
    intake.offer(counter.request('first'));
    counter.room = 4;
    counter.log.length = 0;
    for (const name of ['a', 'b', 'c', 'd']) intake.offer(counter.request(name));
    await turn();
    expect(counter.log).toEqual(['took d', 'took c']);
    intake.offer(counter.request('e'));
    await turn();
    expect(counter.log.slice(2)).toEqual(['took e', 'took b', 'refused a']);
    await turn();
    expect(counter.log.length).toBe(5);
    intake.offer(counter.request('f'));
    await turn();
    expect(counter.log.at(-1)).toBe('refused f');
  });

  it('each at once again, when none was refused for a second', () => {
    let now = 0;
    const [intake, counter] = [new Intake(() => now), new Counter()];
    intake.offer(counter.request('a'));
    now = 1_001;
    counter.room = 1;
    intake.offer(counter.request('b'));
    expect(counter.log).toEqual(['refused a', 'took b']);
  });
});
