import { expect, it } from 'vitest';
import { Backlog } from '../../../../src/online/http/backlog.ts';

/** A backlog of 10 ms, 4 under a flood, and whether so much is over at a time; what is not is taken. */
function backlogAt(): (ms: number, waitingMs: number) => boolean {
  let now = 0;
  const backlog = new Backlog(10, 4, () => now);
  return (ms, waitingMs) => {
    now = ms;
    const isOver = backlog.isOver(waitingMs);
    if (!isOver) backlog.took();
    return isOver;
  };
}

it('lets a burst through, and no other while the flood lasts', () => {
  const at = backlogAt();
  expect(at(0, 10)).toBe(false);
  expect(at(1, 20)).toBe(false);
  // Too much even for a burst, then too long for one.
  expect(at(2, 21)).toBe(true);
  expect(at(3, 20)).toBe(true);
  expect(at(4, 5)).toBe(false);
  // A lull in a flood is not the end of it.
  expect(at(900, 11)).toBe(true);
  expect(at(950, 9)).toBe(false);
  expect(at(1_899, 11)).toBe(true);
  expect(at(1_950, 9)).toBe(false);
  // A second without: bursts are taken again.
  expect(at(2_950, 20)).toBe(false);
  expect(at(3_050, 11)).toBe(false);
  expect(at(3_051, 11)).toBe(true);
});

it('lets less wait while most requests are refused, and as much as ever when most are taken again', () => {
  const at = backlogAt();
  for (let i = 0; i < 7; i++) expect(at(i, 21)).toBe(true);
  // Seven of the latest: no flood yet.
  expect(at(8, 5)).toBe(false);
  for (let i = 0; i < 3; i++) expect(at(9, 21)).toBe(true);
  expect(at(10, 5)).toBe(true);
  expect(at(10, 4)).toBe(false);
  expect(at(11, 5)).toBe(true);
  for (let i = 0; i < 4; i++) expect(at(12, 3)).toBe(false);
  expect(at(13, 10)).toBe(false);
});

it('forgets a flood when nothing was refused for a second', () => {
  const at = backlogAt();
  for (let i = 0; i < 16; i++) expect(at(i, 21)).toBe(true);
  expect(at(1_015, 5)).toBe(true);
  expect(at(2_016, 5)).toBe(false);
});
