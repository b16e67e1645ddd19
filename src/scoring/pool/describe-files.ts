import type { DescribeRequest, DescribeResult } from '../child/messages.ts';
import type { ScorerProcess } from './scorer-process.ts';
import { outlive } from './seat.ts';

const FILES_A_REQUEST = 64;

/**
 * Reads footers, spread over the children that there are at a time. One result per file, in order; a bad file is a result, not an
 * error. Errors: those of children, when three die over the same files.
 */
export async function describeFiles(
  children: () => readonly ScorerProcess[],
  files: readonly DescribeRequest[],
): Promise<DescribeResult[]> {
  const results: DescribeResult[] = new Array<DescribeResult>(files.length);
  let next = 0;
  const lane = async (place: number): Promise<void> => {
    while (next < files.length) {
      const from = next;
      next += FILES_A_REQUEST;
      const slice = files.slice(from, from + FILES_A_REQUEST);
      const replies = await outlive(async () => {
        const there = children();
        return there[place % there.length]!.request({ kind: 'describe', files: slice }).reply;
      });
      replies.forEach((reply, i) => {
        results[from + i] = reply;
      });
    }
  };
  const places = children().length;
  const lanes = Math.max(1, Math.min(places, Math.ceil(files.length / FILES_A_REQUEST)));
  await Promise.all(Array.from({ length: lanes }, (_, i) => lane(places - 1 - i)));
  return results;
}
