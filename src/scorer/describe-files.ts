import type { DescribeRequest, DescribeResult } from './messages.ts';
import type { ScorerProcess } from './scorer-process.ts';

const FILES_A_REQUEST = 64;

/**
 * Reads footers, spread over children. `childAt`: the child that holds a place now. One result per file, in order; a bad file
 * is a result, not an error. Errors: those of a child that dies.
 */
export async function describeFiles(
  places: number,
  childAt: (place: number) => ScorerProcess,
  files: readonly DescribeRequest[],
): Promise<DescribeResult[]> {
  const results: DescribeResult[] = new Array<DescribeResult>(files.length);
  let next = 0;
  const lane = async (place: number): Promise<void> => {
    while (next < files.length) {
      const from = next;
      next += FILES_A_REQUEST;
      const slice = files.slice(from, from + FILES_A_REQUEST);
      const replies = await childAt(place).request({ kind: 'describe', files: slice }).reply;
      replies.forEach((reply, i) => {
        results[from + i] = reply;
      });
    }
  };
  const lanes = Math.max(1, Math.min(places, Math.ceil(files.length / FILES_A_REQUEST)));
  await Promise.all(Array.from({ length: lanes }, (_, i) => lane(places - 1 - i)));
  return results;
}
