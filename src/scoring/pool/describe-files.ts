import type { ColumnInfo } from '../../base/contract/table.ts';
import type { DescribeRequest, DescribeResult } from '../child/messages.ts';
import type { ScorerProcess } from './scorer-process.ts';
import { outlive } from './seat.ts';

/** Few enough that all children have some, and many, as a child waits for the last ones of a request before it has the next. */
const LEAST_A_REQUEST = 64;
const MOST_A_REQUEST = 512;
const REQUESTS_A_CHILD = 4;

/**
 * Reads footers, spread over the children that there are at a time. One result per file, in order; a bad file is a result, not an
 * error. Errors: those of children, when three die over the same files.
 */
export async function describeFiles(
  children: () => readonly ScorerProcess[],
  files: readonly DescribeRequest[],
): Promise<DescribeResult[]> {
  const results: DescribeResult[] = new Array<DescribeResult>(files.length);
  const schemas = new Map<string, readonly ColumnInfo[]>();
  const places = children().length;
  const wanted = Math.ceil(files.length / (REQUESTS_A_CHILD * Math.max(1, places)));
  const share = Math.min(MOST_A_REQUEST, Math.max(LEAST_A_REQUEST, wanted));
  let next = 0;
  const lane = async (place: number): Promise<void> => {
    while (next < files.length) {
      const from = next;
      next += share;
      const slice = files.slice(from, from + share);
      const replies = await outlive(async () => {
        const there = children();
        return there[place % there.length]!.request({ kind: 'describe', files: slice }).reply;
      });
      const columns = replies.schemas.map((schema) => shared(schemas, schema));
      replies.results.forEach((reply, i) => {
        results[from + i] = reply.ok ? { ok: true, file: { ...reply.file, columns: columns[reply.schema]! } } : reply;
      });
    }
  };
  const lanes = Math.max(1, Math.min(places, Math.ceil(files.length / share)));
  await Promise.all(Array.from({ length: lanes }, (_, i) => lane(places - 1 - i)));
  return results;
}

/** One array for all files of the same columns: 100,000 of them would take gigabytes. */
function shared(known: Map<string, readonly ColumnInfo[]>, columns: readonly ColumnInfo[]): readonly ColumnInfo[] {
  const key = JSON.stringify(columns);
  const found = known.get(key);
  if (found === undefined) known.set(key, columns);
  return found ?? columns;
}
