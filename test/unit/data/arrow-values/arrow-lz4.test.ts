import { describe, expect, it } from 'vitest';
import { decodeLz4Frame, Lz4Error } from '../../../../src/data/arrow-values/lz4-frame.ts';
import { xxh32 } from '../../../../src/data/arrow-values/xxh32.ts';

const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');

/** A frame of blocks; the flags say what it carries: 0x20 independent blocks, 0x10 and 0x04 checksums, 0x08 the size. */
function frame(
  blocks: readonly Uint8Array[],
  options: { flags?: number; content?: Uint8Array; size?: number } = {},
): Buffer {
  const flags = 0x40 | (options.flags ?? 0);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(options.size ?? options.content?.length ?? 0));
  const descriptor = Buffer.concat([Uint8Array.of(flags, 0x40), (flags & 8) !== 0 ? size : Buffer.alloc(0)]);
  const parts: Uint8Array[] = [
    Uint8Array.of(0x04, 0x22, 0x4d, 0x18),
    descriptor,
    Uint8Array.of((xxh32(descriptor) >>> 8) & 255),
  ];
  for (const block of blocks) {
    parts.push(uint32(block.length), block);
    if ((flags & 0x10) !== 0) parts.push(uint32(xxh32(block)));
  }
  parts.push(uint32(0));
  if ((flags & 4) !== 0) parts.push(uint32(xxh32(options.content ?? Buffer.alloc(0))));
  return Buffer.concat(parts);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** One sequence: literals, then a match. Lengths below 15 and 19. */
function sequence(literals: string, offset: number, length: number): Uint8Array {
  return Buffer.concat([
    Uint8Array.of((literals.length << 4) | (length - 4)),
    text(literals),
    Uint8Array.of(offset & 255, offset >> 8),
  ]);
}

function last(literals: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(literals.length << 4), text(literals)]);
}

const decoded = (input: Uint8Array, size: number): string =>
  Buffer.from(decodeLz4Frame(input, size)).toString('latin1');

describe('xxh32', () => {
  it('gives the published hashes', () => {
    expect(xxh32(text(''))).toBe(0x02cc5d05);
    expect(xxh32(text('a'))).toBe(0x550d7456);
    expect(xxh32(text('abc'))).toBe(0x32d153ff);
    expect(xxh32(text('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f);
  });
});

describe('decodeLz4Frame', () => {
  it('decodes literals and matches, overlapping and long ones too', () => {
    expect(decoded(frame([last('hello')]), 5)).toBe('hello');
    expect(decoded(frame([Buffer.concat([sequence('abc', 3, 9), last('!')])]), 13)).toBe('abcabcabcabc!');
    expect(decoded(frame([Buffer.concat([sequence('x', 1, 18), last('yz')])]), 21)).toBe(`${'x'.repeat(19)}yz`);
    const long = Buffer.concat([Uint8Array.of(0x1f), text('a'), Uint8Array.of(1, 0, 255, 255, 3), last('b')]);
    expect(decoded(frame([long]), 1 + 19 + 513 + 1)).toBe(`${'a'.repeat(533)}b`);
    const many = text('m'.repeat(300));
    expect(decoded(frame([Buffer.concat([Uint8Array.of(0xf0, 255, 30), many])]), 300)).toBe('m'.repeat(300));
  });

  it('lets a block refer to the one before it, unless the blocks are independent', () => {
    const blocks = [last('abcd'), Buffer.concat([sequence('', 4, 8), last('e')])];
    expect(decoded(frame(blocks), 13)).toBe('abcdabcdabcde');
    expect(() => decodeLz4Frame(frame(blocks, { flags: 0x20 }), 13)).toThrow(Lz4Error);
  });

  it('takes blocks that were left as they are', () => {
    const raw = frame([text('raw!')]);
    raw.writeUInt32LE(0x80000004, 7);
    expect(decoded(raw, 4)).toBe('raw!');
    expect(() => decodeLz4Frame(raw, 3)).toThrow('more bytes');
  });

  it('verifies every checksum and size that is there', () => {
    const content = text('checked');
    const good = frame([last('checked')], { flags: 0x1c, content });
    expect(decoded(good, 7)).toBe('checked');
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = Buffer.from(good);
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeLz4Frame(bad, 7), `bit ${bit}`).toThrow(Lz4Error);
    }
  });

  it('refuses every cut', () => {
    const good = frame([Buffer.concat([sequence('abc', 3, 9), last('!')])]);
    for (let length = 0; length < good.length; length++) {
      expect(() => decodeLz4Frame(good.subarray(0, length), 13)).toThrow(Lz4Error);
    }
  });

  it('refuses more or less than the size, without growing', () => {
    const bomb = frame([
      Buffer.concat([
        Uint8Array.of(0x1f),
        text('a'),
        Uint8Array.of(1, 0),
        Buffer.alloc(60_000, 255),
        Uint8Array.of(0),
        last('b'),
      ]),
    ]);
    expect(() => decodeLz4Frame(bomb, 10)).toThrow('more bytes');
    expect(() => decodeLz4Frame(frame([last('hello')]), 6)).toThrow('holds 5 bytes, not 6');
    expect(() => decodeLz4Frame(frame([last('hello')]), 4)).toThrow('more bytes');
    expect(() => decodeLz4Frame(frame([last('hello')], { flags: 8, size: 6 }), 5)).toThrow('not of 5 bytes');
  });

  it('refuses matches before the start, bad headers and bytes behind the frame', () => {
    expect(() => decodeLz4Frame(frame([Buffer.concat([sequence('abc', 4, 9), last('!')])]), 13)).toThrow(
      'before the start',
    );
    expect(() => decodeLz4Frame(frame([Buffer.concat([sequence('abc', 0, 9), last('!')])]), 13)).toThrow(
      'before the start',
    );
    expect(() => decodeLz4Frame(frame([sequence('abc', 3, 9)]), 12)).toThrow('ends after a match');
    expect(() => decodeLz4Frame(Buffer.concat([frame([last('hello')]), text('x')]), 5)).toThrow('after the frame');
    expect(() => decodeLz4Frame(frame([last('hello')], { flags: 1 }), 5)).toThrow('dictionary');
    expect(() => decodeLz4Frame(frame([Buffer.alloc(70_000)]), 70_000)).toThrow('larger than the frame allows');
    expect(() => decodeLz4Frame(text('not an LZ4 frame at all'), 5)).toThrow('no LZ4 frame');
  });
});
