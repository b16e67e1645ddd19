import { featureRow } from '../../base/contract/job-scorer.ts';
import type { ServeLimits } from '../../base/contract/serve-config.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { AskedKey } from '../live/asked-key.ts';

/** What a POST asks for. `isOne`: in the form with a single key, whose answer is the body itself. */
export interface Asked {
  readonly isOne: boolean;
  readonly keys: readonly AskedKey[];
}

/** UTF-8 bytes of one part of a key. */
export const MAX_KEY_BYTES = 1024;
const MAX_PARTS = 16;

/**
 * Reads `{key}`, `{key, features}`, `{keys: […]}` or `{rows: [{key, features}, …]}`.
 *
 * Errors: HTTP_REQUEST, KEY_INVALID and FEATURES_INVALID with the place in `where`; HTTP_TOO_LARGE for too many keys or rows.
 */
export function readAsked(body: unknown, limits: Pick<ServeLimits, 'keys' | 'rows'>): Asked {
  if (!isObject(body)) throw refused('the body is not an object', 'body');
  const names = Object.keys(body);
  const form = names.find((name) => name === 'key' || name === 'keys' || name === 'rows');
  const stranger = names.find((name) => name !== form && !(form === 'key' && name === 'features'));
  if (stranger !== undefined) throw refused('this name is not known here, or not together with the others', stranger);
  const { key, keys, rows, features } = body;
  switch (form) {
    case 'key':
      return { isOne: true, keys: [askedKey(key, features, 'key', 'features')] };
    case 'keys':
      return {
        isOne: false,
        keys: listOf(keys, 'keys', limits.keys).map((k, i) => askedKey(k, undefined, `keys[${i}]`, '')),
      };
    case 'rows':
      return { isOne: false, keys: listOf(rows, 'rows', limits.rows).map(askedRow) };
    default:
      throw refused('the body asks for nothing; expected key, keys or rows', 'body');
  }
}

/** The key of a path, where everything is text. Errors: KEY_INVALID. */
export function askedText(key: string): AskedKey {
  return askedKey(key, undefined, 'key', '');
}

function askedRow(row: unknown, i: number): AskedKey {
  const where = `rows[${i}]`;
  if (!isObject(row)) throw invalidRow('a row is not an object', where);
  for (const name of Object.keys(row))
    if (name !== 'key' && name !== 'features') throw invalidRow('this name is not known here', `${where}.${name}`);
  return askedKey(row['key'], row['features'], `${where}.key`, `${where}.features`);
}

function askedKey(key: unknown, features: unknown, keyPlace: string, featurePlace: string): AskedKey {
  const known = knownKey(key, keyPlace);
  if (features !== undefined && features !== null && !isObject(features))
    throw invalidRow('the features are not an object', featurePlace);
  const isList = typeof known === 'object';
  const id = isList ? JSON.stringify(known) : String(known);
  return {
    key: known,
    id,
    name: isList ? known.join(':') : id,
    features: isObject(features) ? featureRow(features) : null,
  };
}

function knownKey(key: unknown, where: string): string | number | readonly (string | number)[] {
  if (!Array.isArray(key)) return keyPart(key, where);
  if (key.length < 1 || key.length > MAX_PARTS) throw badKey('a key of several columns has 1 to 16 values', where);
  return key.map((part, i) => keyPart(part, `${where}[${i}]`));
}

function keyPart(part: unknown, where: string): string | number {
  if (typeof part === 'number') {
    if (!Number.isSafeInteger(part))
      throw badKey('a number as key must be a whole one within 2^53; write it as a text', where);
    return part;
  }
  if (typeof part !== 'string') throw badKey('a key is a text, a whole number, or a list of these', where);
  if (part === '') throw badKey('the key is empty', where);
  if (part.length > MAX_KEY_BYTES || Buffer.byteLength(part) > MAX_KEY_BYTES)
    throw badKey(`the key is longer than ${MAX_KEY_BYTES} bytes`, where);
  if (/[\u0000-\u001f\u007f]/.test(part)) throw badKey('the key holds a control character', where);
  if (!part.isWellFormed()) throw badKey('the key is not valid Unicode', where);
  return part;
}

function listOf(value: unknown, name: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw refused('this is not a list', name);
  if (value.length <= most) return value;
  throw new PrescoreError('HTTP_TOO_LARGE', {
    what: `too many ${name} in one request`,
    where: name,
    expected: `at most ${most} (limits.${name})`,
    got: String(value.length),
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refused(what: string, where: string): PrescoreError {
  return new PrescoreError('HTTP_REQUEST', { what, where });
}

function badKey(what: string, where: string): PrescoreError {
  return new PrescoreError('KEY_INVALID', { what, where });
}

function invalidRow(what: string, where: string): PrescoreError {
  return new PrescoreError('FEATURES_INVALID', { what, where });
}
