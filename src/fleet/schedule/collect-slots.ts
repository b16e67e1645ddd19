import type { RecordStore } from '../../run/ledger/record-store.ts';
import { StoredRecords } from './stored-records.ts';

/** Records of one slot that no scheduler will read again. */
export interface SettledSlot {
  readonly job: string;
  /** As in the folder's name: YYYYMMDDTHHMMSSZ. */
  readonly slot: string;
  readonly uri: string;
}

/**
 * Finds (and with `isApplied` removes) records of slots that the newest mark of their schedule says are settled, and that are
 * older than asked. Marks stay: the newest is found by probing upward from the first. Repeat: safe.
 *
 * Errors: those of the store.
 */
export async function collectSlots(
  records: RecordStore,
  {
    olderThanMs,
    isApplied,
    nowMs,
  }: { readonly olderThanMs: number; readonly isApplied: boolean; readonly nowMs: number },
): Promise<SettledSlot[]> {
  const slots = new Map<string, { readonly job: string; readonly slot: string; readonly names: string[] }>();
  for await (const { name } of records.names('schedule')) {
    const { job, slot } = /^(?<job>[^/]+)\/slots\/(?<slot>\d{8}T\d{6}Z)\/[^/]+$/.exec(name)?.groups ?? {};
    if (job === undefined || slot === undefined) continue;
    const known = slots.get(`${job}/${slot}`) ?? { job, slot, names: [] };
    known.names.push(name);
    slots.set(`${job}/${slot}`, known);
  }
  const found: SettledSlot[] = [];
  const marks = new Map<string, Awaited<ReturnType<StoredRecords['newestMark']>>>();
  for (const { job, slot, names } of slots.values()) {
    if (!marks.has(job)) marks.set(job, await new StoredRecords(records, job).newestMark());
    const mark = marks.get(job) ?? null;
    const at = timeOf(slot);
    if (mark === null || at > mark.through || mark.open.includes(at) || nowMs - at < olderThanMs) continue;
    found.push({ job, slot, uri: `${records.uri}/schedule/${job}/slots/${slot}` });
    if (isApplied) for (const name of names) await records.remove(`schedule/${name}`);
  }
  return found;
}

function timeOf(slot: string): number {
  return Date.parse(slot.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
