import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readVarint64,
  unzigzag,
  varint64Size,
  writeVarint64,
  zigzag,
} from '../../../../src/sets/prediction-set/integers.ts';
import { Cursor, varintSize, writeVarint } from '../../../../src/sets/prediction-set/varint.ts';
import { SCALARS } from './arbitrary-values.ts';

function encoded(value: bigint): Uint8Array {
  const [low, high] = [Number(value & 0xffffffffn), Number(value >> 32n)];
  const bytes = new Uint8Array(varint64Size(low, high));
  expect(writeVarint64(bytes, 0, low, high)).toBe(bytes.length);
  return bytes;
}

/** LEB128 as everybody writes it. */
function plain(value: bigint): number[] {
  return value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...plain(value >> 7n)];
}

describe('integers of pages', () => {
  it('every uint64 is LEB128 of as few bytes as it takes, and is read back', () => {
    fc.assert(
      fc.property(SCALARS.uint64, (value) => {
        const bytes = encoded(value as bigint);
        expect([...bytes]).toEqual(plain(value as bigint));
        const cursor = new Cursor(bytes, 0, bytes.length);
        expect(readVarint64(cursor)).toBe(value);
        expect(cursor.at).toBe(bytes.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('every int64 becomes its zigzag number and back', () => {
    expect([0n, -1n, 1n, -2n, 2n].map(zigzag)).toEqual([0n, 1n, 2n, 3n, 4n]);
    expect([zigzag(2n ** 63n - 1n), zigzag(-(2n ** 63n))]).toEqual([2n ** 64n - 2n, 2n ** 64n - 1n]);
    fc.assert(fc.property(SCALARS.int64, (value) => unzigzag(zigzag(value as bigint)) === value));
  });

  it('every length below 2^32 is read back', () => {
    fc.assert(
      fc.property(SCALARS.uint32, (value) => {
        const bytes = new Uint8Array(varintSize(value as number));
        expect(writeVarint(bytes, 0, value as number)).toBe(bytes.length);
        expect([...bytes]).toEqual(plain(BigInt(value as number)));
        expect(new Cursor(bytes, 0, bytes.length).varint()).toBe(value);
      }),
    );
  });

  it('what ends too early or is too large is no number', () => {
    const read = (...bytes: number[]) => readVarint64(new Cursor(Uint8Array.from(bytes), 0, bytes.length));
    const length = (...bytes: number[]) => new Cursor(Uint8Array.from(bytes), 0, bytes.length).varint();
    const more = Array<number>(9).fill(255);
    expect([read(), read(128), read(...more), read(...more, 2), read(...more, 128, 0)]).toEqual(
      Array(5).fill(undefined),
    );
    expect(read(...more, 1)).toBe(2n ** 64n - 1n);
    expect([length(), length(128), length(255, 255, 255, 255, 16), length(128, 128, 128, 128, 128, 0)]).toEqual([
      -1, -1, -1, -1,
    ]);
    expect(length(255, 255, 255, 255, 15)).toBe(2 ** 32 - 1);
  });
});
