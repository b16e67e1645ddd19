import { PrescoreError } from '../../base/errors/prescore-error.ts';

const FORMAT = 1;
const SHA256 = /^[0-9a-f]{64}$/;

/** Fields of a record that are not known to be what they should be yet. */
export type Unread<T> = { readonly [K in keyof T]?: unknown };

/** A value a line, for people. */
export function encodeRecord(value: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);
}

/** The fields of a record. Errors: REGISTRY_CORRUPT for what is no JSON object of this format. */
export function decodeRecord<T>(bytes: Uint8Array, where: string): Unread<T> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new PrescoreError('REGISTRY_CORRUPT', { what: 'the record is not JSON', where, cause });
  }
  if (typeof value !== 'object' || value === null) throw corrupt('the record is no object', where);
  const { format } = value as { readonly format?: unknown };
  if (format === FORMAT) return value as Unread<T>;
  const isNewer = typeof format === 'number' && format > FORMAT;
  throw new PrescoreError('REGISTRY_CORRUPT', {
    what: isNewer ? 'the record was written by a newer prescore' : 'the record has no format',
    where,
    expected: `format ${FORMAT}`,
    got: JSON.stringify(format ?? null),
    ...(isNewer ? { fix: 'Install the newer prescore.' } : {}),
  });
}

export function corrupt(what: string, where: string, expected?: string, got?: string): PrescoreError {
  return new PrescoreError('REGISTRY_CORRUPT', {
    what,
    where,
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
  });
}

export function isSha256(value: unknown): value is string {
  return typeof value === 'string' && SHA256.test(value);
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isVersion(value: unknown): value is number {
  return isCount(value) && value > 0;
}
