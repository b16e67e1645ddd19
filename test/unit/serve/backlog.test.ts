import { expect, it } from 'vitest';
import { Backlog } from '../../../src/serve/backlog.ts';

it('lets a burst through, and no other while the flood lasts', () => {
  let now = 0;
  const backlog = new Backlog(10, () => now);
  const at = (ms: number, waitingMs: number): boolean => {
    now = ms;
    return backlog.isOver(waitingMs);
  };
  expect(at(0, 10)).toBe(false);
  expect(at(1, 40)).toBe(false);
  // Too much even for a burst, then too long for one.
  expect(at(2, 41)).toBe(true);
  expect(at(3, 40)).toBe(true);
  expect(at(4, 5)).toBe(false);
  // A lull in a flood is not the end of it.
  expect(at(900, 11)).toBe(true);
  expect(at(950, 9)).toBe(false);
  expect(at(1_899, 11)).toBe(true);
  expect(at(1_950, 9)).toBe(false);
  // A second without: bursts are taken again.
  expect(at(2_950, 40)).toBe(false);
  expect(at(3_050, 11)).toBe(false);
  expect(at(3_051, 11)).toBe(true);
});
