import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { isPrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import { ArrowPlace } from '../../../../src/data/arrow/arrow-fault.ts';
import { decompress } from '../../../../src/data/arrow-values/arrow-compression.ts';

const place = new ArrowPlace('input.arrow').inBatch(2).inColumn('x');

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isPrescoreError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'nothing was refused';
}

describe('decompress', () => {
  it('names ZSTD and the Node.js that it needs where there is none (A36)', () => {
    const message = codeOf(() => decompress('zstd', new Uint8Array(16), 4, place, null));
    expect(message).toMatch(/^INPUT_UNSUPPORTED .*ZSTD.*record batch 2, column "x".*Node\.js 22\.15/);
  });

  const native = 'zstdCompressSync' in zlib ? zlib.zstdCompressSync : undefined;

  it.skipIf(native === undefined)('refuses ZSTD of another size, cut short, or none at all (A36)', () => {
    const bytes = Buffer.from('some text that goes on and on and on and on');
    const packed = native?.(bytes) ?? bytes;
    expect(Buffer.from(decompress('zstd', packed, bytes.length, place)).toString()).toBe(bytes.toString());
    for (const size of [0, 1, bytes.length - 1, bytes.length + 1, 5000]) {
      expect(codeOf(() => decompress('zstd', packed, size, place))).toMatch(/^INPUT_CORRUPT /);
    }
    for (let length = 0; length < packed.length; length++) {
      expect(codeOf(() => decompress('zstd', packed.subarray(0, length), bytes.length, place))).toMatch(
        /^INPUT_CORRUPT /,
      );
    }
    expect(codeOf(() => decompress('zstd', bytes, bytes.length, place))).toMatch(/^INPUT_CORRUPT .*no ZSTD frame/);
  });

  it.skipIf(native === undefined)('gives an aligned buffer of its own', () => {
    for (const size of [8, 1000, 100_000]) {
      const result = decompress('zstd', native?.(Buffer.alloc(size, 7)) ?? new Uint8Array(0), size, place);
      expect(result.byteOffset % 8).toBe(0);
      expect(new BigInt64Array(result.buffer, result.byteOffset, size / 8).at(-1)).toBe(0x0707070707070707n);
    }
  });
});
