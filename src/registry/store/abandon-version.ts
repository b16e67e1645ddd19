import type { Location } from '../../base/contract/object-store.ts';
import { RECORDS, versionKey } from './layout.ts';
import { encodeRecord } from './record-text.ts';
import type { AbandonedRecord } from './version-record.ts';

/**
 * Gives a claimed number up, in the place of its record: an adder that is only slow finds it and takes another number. False: the version was
 * finished, or given up, before. Errors: those of the store.
 */
export async function abandon(
  root: Location,
  name: string,
  version: number,
  by: string,
  nowMs: number,
): Promise<boolean> {
  const record: AbandonedRecord = { format: 1, name, version, abandoned: { at: new Date(nowMs).toISOString(), by } };
  return (await root.store.putIfAbsent(versionKey(root, name, version, RECORDS.version), encodeRecord(record))).created;
}

/** Deletes what lies in the folder of a version but its records, its digest file first: without it no reader of plain folders takes what is left for a model. */
export async function deleteFiles(root: Location, name: string, version: number): Promise<number> {
  const prefix = versionKey(root, name, version);
  const records: readonly string[] = Object.values(RECORDS);
  const all = await Array.fromAsync(root.store.list(prefix));
  const files = all.filter(({ key }) => !records.includes(key.slice(prefix.length)));
  const isDigest = (key: string): number => (key.endsWith('.sha256') ? 0 : 1);
  for (const { key } of files.sort((a, b) => isDigest(a.key) - isDigest(b.key))) await root.store.delete(key);
  return files.reduce((sum, { size }) => sum + size, 0);
}
