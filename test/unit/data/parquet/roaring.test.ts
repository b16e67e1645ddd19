import { describe, expect, it } from 'vitest';
import { readRoaringArray } from '../../../../src/data/parquet/roaring.ts';
import { decodeZ85 } from '../../../../src/data/parquet/z85.ts';

/** Delta's frame of one bucket. */
function framed(bitmap: readonly number[]): Uint8Array {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(1681511377, 0);
  head.writeBigUInt64LE(1n, 4);
  return Buffer.concat([head, Buffer.from(bitmap)]);
}
const u16 = (...values: readonly number[]): number[] => values.flatMap((v) => [v & 255, v >> 8]);
const u32 = (...values: readonly number[]): number[] => values.flatMap((v) => [...u16(v & 65_535), ...u16(v >>> 16)]);

describe('deleted rows of Delta', () => {
  it('the example of the protocol: inline, in Z85', () => {
    const bytes = decodeZ85('wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L');
    expect([...readRoaringArray(bytes!.subarray(0, 40), 100)]).toEqual([3, 4, 7, 11, 18, 29]);
    expect(Buffer.from(decodeZ85('^-aqEH.-t@S}K{vb[*k^')!).toString('hex')).toBe('d2c639aa8816431aaaf6d3fe2512ff61');
    expect(decodeZ85('abcd')).toBeNull();
    expect(decodeZ85('ab"de')).toBeNull();
    expect(decodeZ85('#####')).toBeNull();
  });

  it('runs of values, with and without offsets', () => {
    const few = [...u32((0 << 16) | 12347), 1, ...u16(0, 6), ...u16(2, 10, 2, 20, 3)];
    expect([...readRoaringArray(framed(few), 100)]).toEqual([10, 11, 12, 20, 21, 22, 23]);
    const heads = [0, 1, 2, 3].flatMap((high) => u16(high, 1));
    const many = [
      ...u32((3 << 16) | 12347),
      15,
      ...heads,
      ...u32(0, 0, 0, 0),
      ...Array.from({ length: 4 }, () => u16(1, 7, 1)).flat(),
    ];
    expect([...readRoaringArray(framed(many), 200_000)]).toEqual([
      7, 8, 65_543, 65_544, 131_079, 131_080, 196_615, 196_616,
    ]);
  });

  it('a container of bits', () => {
    const bits = Array.from({ length: 8192 }, () => 0x55);
    const rows = readRoaringArray(framed([...u32(12346, 1), ...u16(0, 32_767), ...u32(16), ...bits]), 65_536);
    expect(rows.length).toBe(32_768);
    expect([...rows.subarray(0, 3), rows.at(-1)]).toEqual([0, 2, 4, 65_534]);
  });

  it('what is damaged is told', () => {
    const good = [...u32(12346, 1), ...u16(0, 1), ...u32(16), ...u16(3, 9)];
    expect([...readRoaringArray(framed(good), 10)]).toEqual([3, 9]);
    expect(() => readRoaringArray(framed(good), 9)).toThrow(RangeError);
    expect(() => readRoaringArray(framed(good.slice(0, -1)), 10)).toThrow(RangeError);
    expect(() => readRoaringArray(framed([...u32(1, 1)]), 10)).toThrow(RangeError);
    expect(() => readRoaringArray(framed([...good.slice(0, -4), ...u16(9, 3)]), 10)).toThrow(RangeError);
    expect(() => readRoaringArray(new Uint8Array(16), 10)).toThrow(RangeError);
  });
});
