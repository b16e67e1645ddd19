import { createHash } from 'node:crypto';

/**
 * JSON whose bytes depend on the value alone: keys sorted by code unit, no spaces, absent keys and undefined alike.
 * Not for bigint, NaN or dates, which no plan holds. Errors: none.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
  return `{${entries.join(',')}}`;
}

/** Lower-case hex of the sha256 of a value's canonical JSON. Errors: none. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
