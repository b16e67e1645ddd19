import type { PlannedChunk } from '../../base/contract/plan.ts';
import type { QueuedTask } from './seat.ts';

const TINY_ROWS = 128;
const TINY_BYTES = 64 * 1024;
/** Slices that are walked together. With 16, a chunk of 10 rows costs a seventh of DuckDB's time by itself; with 64 a ninth. */
const TOGETHER = 16;

/** Whether a chunk costs more to plan and to hand around than to score, so that it is walked together with others. */
export function isTinyChunk({ rows, bytes, slices }: PlannedChunk): boolean {
  return rows !== null && rows <= TINY_ROWS && bytes <= TINY_BYTES && slices.length <= TOGETHER;
}

/**
 * Takes the first task off the queue, and with a tiny chunk the tiny ones of its run behind it, up to `share` of the queue. A
 * task that has failed once is taken alone: what ends a child must not take others down with it again.
 */
export function takeTogether(queue: QueuedTask[], share: number): QueuedTask[] {
  const first = queue.shift()!;
  if (!isTiny(first)) return [first];
  const taken = [first];
  let slices = first.chunk.slices.length;
  for (let next = queue[0]; next !== undefined; next = queue[0]) {
    slices += next.chunk.slices.length;
    if (taken.length >= share || slices > TOGETHER || next.runId !== first.runId || !isTiny(next)) break;
    taken.push(queue.shift()!);
  }
  return taken;
}

/** Whether the queue begins with tiny chunks, and too few for a child that has work: more will come meanwhile. */
export function isWorthWaiting(queue: readonly QueuedTask[]): boolean {
  return queue.length < TOGETHER && queue.every(isTiny);
}

function isTiny({ attempt, chunk }: QueuedTask): boolean {
  return attempt === 1 && isTinyChunk(chunk);
}
