import { describe, expect, it } from 'vitest';
import { PrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import type { ScorerProcess } from '../../../../src/scoring/pool/scorer-process.ts';
import {
  hasRoom,
  isAnotherWorthIt,
  noteBusy,
  outlive,
  type QueuedTask,
  type Seat,
} from '../../../../src/scoring/pool/seat.ts';

function seat(threads: number, hungry: readonly boolean[], isReady = true): Seat {
  const tasks = new Map(hungry.map((isHungry, i) => [i, { tasks: [{} as QueuedTask], isHungry }]));
  const process = {} as ScorerProcess;
  return { threads, process, ready: Promise.resolve(null), isReady, deaths: 0, tasks, reductions: 0, busyBeats: 0 };
}

describe('the seats of a pool', () => {
  it('a child decodes a chunk while it fetches the next, and has one more than its threads', () => {
    expect(hasRoom(seat(1, []))).toBe(true);
    expect(hasRoom(seat(1, [], false))).toBe(false);
    expect(hasRoom(seat(1, [false]))).toBe(true);
    expect(hasRoom(seat(2, [false, false]))).toBe(false);
    expect(hasRoom(seat(1, [true]))).toBe(true);
    expect(hasRoom(seat(1, [true, true]))).toBe(false);
    expect(hasRoom(seat(2, [true, true]))).toBe(true);
    expect(hasRoom(seat(2, [true, false]))).toBe(true);
    expect(hasRoom(seat(2, [true, true, true]))).toBe(false);
  });

  it('another child is worth its start when all main threads stay busy and seconds of work are left', () => {
    const [a, b] = [seat(2, []), seat(2, [])];
    for (const busy of [0.9, 0.95]) noteBusy(a, busy);
    noteBusy(b, 0.9);
    expect(isAnotherWorthIt([a, b], 10_000)).toBe(false);
    noteBusy(b, 1);
    expect(isAnotherWorthIt([a, b], 10_000)).toBe(true);
    expect(isAnotherWorthIt([a, b], 1500)).toBe(false);
    noteBusy(a, 0.5);
    expect(isAnotherWorthIt([a, b], 10_000)).toBe(false);
  });
});

describe('what is asked of a child that dies', () => {
  const dead = new PrescoreError('SCORER_CRASHED', { what: 'gone' });
  const failing = (times: number, error: Error = dead) => {
    let asked = 0;
    return async (): Promise<number> => {
      if (++asked <= times) throw error;
      return asked;
    };
  };

  it('is asked of the next one, three times at most', async () => {
    expect(await outlive(failing(2))).toBe(3);
    await expect(outlive(failing(3))).rejects.toBe(dead);
  });

  it('is not asked again after another failure', async () => {
    const other = new PrescoreError('INTERRUPTED', { what: 'stop' });
    await expect(outlive(failing(1, other))).rejects.toBe(other);
  });
});
