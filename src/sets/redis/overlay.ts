import type { OverlayEntry } from '../../base/contract/prediction-set.ts';
import { asBuffer } from './as-buffer.ts';
import type { RedisConnection } from './connection.ts';
import type { RedisReply, Script } from './connection-types.ts';
import { OVERLAY_GROUPS, overlayGroup, overlayKey } from './key-layout.ts';
import { bytesOf, listOf, numberOf, textOf } from './replies.ts';
import { REMOVE_ENTRIES, WRITE_NEWER } from './set-scripts.ts';

const BATCH = 500;
/** Groups that are scanned side by side, and hashes that scripts are sent to at once. */
const GROUPS_AT_ONCE = 32;
const HASHES_AT_ONCE = 256;
const SCAN_COUNT = '500';

/** Entries in the order asked; null where there is none. */
export async function readOverlay(
  connection: RedisConnection,
  set: string,
  keys: readonly Uint8Array[],
): Promise<(Uint8Array | null)[]> {
  const found: (Uint8Array | null)[] = [];
  for (let from = 0; from < keys.length; from += BATCH) {
    const commands = keys.slice(from, from + BATCH).map((key) => ['HGET', hashOf(set, key), asBuffer(key)]);
    for (const reply of await connection.callAll(commands)) found.push(bytesOf(reply));
  }
  return found;
}

export async function writeOverlay(
  connection: RedisConnection,
  set: string,
  entries: readonly OverlayEntry[],
): Promise<void> {
  for (let from = 0; from < entries.length; from += BATCH) {
    const batch = entries.slice(from, from + BATCH);
    await connection.callAll(batch.map(({ key, value }) => ['HSET', hashOf(set, key), asBuffer(key), asBuffer(value)]));
  }
}

/** All entries. What is written meanwhile may be missing; what stays is there once. */
export async function* scanOverlay(connection: RedisConnection, set: string): AsyncIterable<OverlayEntry> {
  for (let from = 0; from < OVERLAY_GROUPS; from += GROUPS_AT_ONCE) {
    const keys = Array.from({ length: GROUPS_AT_ONCE }, (_, i) => overlayKey(set, from + i));
    const first = await connection.callAll(keys.map((key) => hscan(key, '0')));
    for (const [i, reply] of first.entries()) yield* scanGroup(connection, keys[i]!, reply);
  }
}

// A hash that is being resized may give a field twice.
async function* scanGroup(connection: RedisConnection, key: string, first: RedisReply): AsyncIterable<OverlayEntry> {
  const seen = new Set<string>();
  for (let reply = first; ; ) {
    const [next, flat] = listOf(reply);
    const fields = listOf(flat).map((field) => bytesOf(field) ?? Buffer.alloc(0));
    const cursor = textOf(next) ?? '0';
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = fields[i]!.toString('latin1');
      if (seen.has(name)) continue;
      seen.add(name);
      yield { key: fields[i]!, value: fields[i + 1]! };
    }
    if (cursor === '0') return;
    reply = await connection.call(hscan(key, cursor));
  }
}

/** Removes entries that still have exactly these bytes; says how many. */
export function removeOverlay(
  connection: RedisConnection,
  set: string,
  entries: readonly OverlayEntry[],
): Promise<number> {
  return onEntries(connection, REMOVE_ENTRIES, set, entries);
}

/** Writes entries unless one of a later time is there; says how many. */
export function writeNewerOverlay(
  connection: RedisConnection,
  set: string,
  entries: readonly OverlayEntry[],
): Promise<number> {
  return onEntries(connection, WRITE_NEWER, set, entries);
}

/** Gives every hash its entries as field, value, field, value …, and sums up what the script says. */
async function onEntries(
  connection: RedisConnection,
  script: Script,
  set: string,
  entries: readonly OverlayEntry[],
): Promise<number> {
  const byHash = Map.groupBy(entries, ({ key }) => hashOf(set, key));
  const calls = [...byHash].flatMap(([hash, group]) =>
    Array.from({ length: Math.ceil(group.length / BATCH) }, (_, i) => ({
      hash,
      args: group.slice(i * BATCH, (i + 1) * BATCH).flatMap(({ key, value }) => [asBuffer(key), asBuffer(value)]),
    })),
  );
  let sum = 0;
  for (let from = 0; from < calls.length; from += HASHES_AT_ONCE) {
    const batch = calls.slice(from, from + HASHES_AT_ONCE);
    const replies = await Promise.all(batch.map(({ hash, args }) => connection.evaluate(script, hash, args)));
    sum += replies.reduce<number>((all, reply) => all + numberOf(reply), 0);
  }
  return sum;
}

function hashOf(set: string, key: Uint8Array): string {
  return overlayKey(set, overlayGroup(key));
}

function hscan(key: string, cursor: string): readonly string[] {
  return ['HSCAN', key, cursor, 'COUNT', SCAN_COUNT];
}
