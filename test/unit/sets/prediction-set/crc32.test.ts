import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32Of } from '../../../../src/sets/prediction-set/crc32.ts';

it('crc32Of is the CRC-32 of zlib, of any range of bytes', () => {
  expect(crc32Of(new TextEncoder().encode('123456789'), 0, 9)).toBe(0xcbf43926);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), fc.nat(300), (bytes, a, b) => {
      const [from, to] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)];
      expect(crc32Of(bytes, from, to)).toBe(crc32(bytes.subarray(from, to)));
    }),
  );
});
