import type { KeyKind } from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { MAX_KEY_BYTES } from './page.ts';
import { joinBytes } from './value-codec.ts';

/** A key as callers give it: a text, an integer, bytes, or one of these per key column. */
export type PredictionKey = string | number | bigint | Uint8Array | readonly (string | number | bigint | Uint8Array)[];

const ENCODER = new TextEncoder();

/**
 * The bytes by which a key is found: UTF-8, decimal digits or the bytes themselves; a key of several columns joins its parts,
 * each as `<length in decimal>:<bytes>`.
 *
 * Errors: KEY_INVALID for a fraction, an empty composite, a key over 1,024 bytes, or one of the wrong shape.
 */
export function keyBytes(key: PredictionKey, kind: KeyKind, parts: number): Uint8Array {
  const bytes = kind === 'composite' ? compositeBytes(key, parts) : partBytes(single(key));
  if (bytes.length > MAX_KEY_BYTES) {
    throw new PrescoreError('KEY_INVALID', {
      what: 'key is too long',
      expected: `at most ${MAX_KEY_BYTES} bytes`,
      got: `${bytes.length} bytes`,
    });
  }
  return bytes;
}

/**
 * Why a key that was not found can hardly be one of a set, when that lies in what it is made of: a text that is no integer among
 * integers, a number among texts. Null when it looks like the others. Errors: none.
 */
export function unlikeKeys(key: PredictionKey, kind: KeyKind): string | null {
  const one = typeof key === 'object' && !(key instanceof Uint8Array) && key.length === 1 ? key[0]! : key;
  if (kind === 'integer' && typeof one === 'string' && !/^(0|-?[1-9]\d*)$/.test(one))
    return 'the keys of this set are integers, and this one is a text that is none';
  if (kind === 'string' && (typeof one === 'number' || typeof one === 'bigint'))
    return 'the keys of this set are texts, and this one is a number: it was looked for as the text of its digits';
  return null;
}

function compositeBytes(key: PredictionKey, parts: number): Uint8Array {
  if (typeof key !== 'object' || key instanceof Uint8Array || key.length !== parts) {
    throw new PrescoreError('KEY_INVALID', {
      what: 'this set has a key of several columns',
      expected: `a list of ${parts} values`,
      got: Array.isArray(key) ? `${key.length} values` : typeof key,
    });
  }
  return joinBytes(
    key.flatMap((part) => {
      const bytes = partBytes(part);
      return [ENCODER.encode(`${bytes.length}:`), bytes];
    }),
  );
}

function single(key: PredictionKey): string | number | bigint | Uint8Array {
  if (typeof key !== 'object' || key instanceof Uint8Array) return key;
  if (key.length === 1) return key[0]!;
  throw new PrescoreError('KEY_INVALID', {
    what: 'this set has a key of one column',
    expected: 'one value',
    got: `a list of ${key.length}`,
  });
}

function partBytes(part: string | number | bigint | Uint8Array): Uint8Array {
  // Four times as fast as a TextEncoder for a text of a few characters.
  if (typeof part === 'string') return Buffer.from(part, 'utf8');
  if (part instanceof Uint8Array) return part;
  if (typeof part === 'number' && !Number.isSafeInteger(part)) {
    throw new PrescoreError('KEY_INVALID', {
      what: 'a number as key must be a whole one within 2^53',
      expected: 'an integer, a bigint or a text',
      got: String(part),
    });
  }
  return ENCODER.encode(String(part));
}
