import type { ByteRange, LocalPart } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** What `ObjectStore.get` reads at most unless it is told otherwise. Bytes. */
export const SMALL_OBJECT_BYTES = 64 * 2 ** 20;

type Kind = 'file' | 'object';

/** Errors: INTERNAL when the local file of a part does not have the size that was recorded. */
export function requireSize(local: LocalPart, size: number): void {
  if (size === local.size) return;
  const expected = `${local.size} bytes`;
  throw new PrescoreError('INTERNAL', {
    what: 'A part changed size before it was staged',
    where: local.path,
    expected,
    got: `${size}`,
  });
}

/** The error of a range that reaches beyond the end. */
export function tooShort(kind: Kind, where: string, range: ByteRange, size: number): PrescoreError {
  const expected = `bytes ${range.offset} to ${range.offset + range.length}`;
  return new PrescoreError('INPUT_TRUNCATED', {
    what: `The ${kind} ends too early`,
    where,
    expected,
    got: `${size} bytes`,
  });
}

/** The error of what is read whole and larger than it may be. */
export function tooLarge(kind: Kind, where: string, maxBytes: number, size: number | bigint): PrescoreError {
  const expected = `at most ${maxBytes} bytes`;
  return new PrescoreError('STORE_CORRUPT', {
    what: `The ${kind} is too large for what it should be`,
    where,
    expected,
    got: `${size}`,
  });
}
