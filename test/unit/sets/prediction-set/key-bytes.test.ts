import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyBytes, type PredictionKey } from '../../../../src/sets/prediction-set/key-bytes.ts';
import { refusalOf } from './refusal-of.ts';

const text = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
const part = fc.oneof(fc.string({ unit: 'binary' }), fc.bigInt(), fc.uint8Array());

describe('key bytes', () => {
  it('are UTF-8, decimal digits or the bytes themselves', () => {
    expect(text(keyBytes('naïve {}:\n𝒳', 'string', 1))).toBe('naïve {}:\n𝒳');
    expect([7, -0, -12n, 2n ** 64n - 1n, '12'].map((key) => text(keyBytes(key, 'integer', 1)))).toEqual([
      '7',
      '0',
      '-12',
      '18446744073709551615',
      '12',
    ]);
    expect([...keyBytes(Uint8Array.of(0, 255), 'binary', 1)]).toEqual([0, 255]);
    expect(keyBytes('', 'string', 1)).toHaveLength(0);
    expect(text(keyBytes(['a'], 'string', 1))).toBe('a');
  });

  it('of several columns say how long each part is', () => {
    expect(text(keyBytes(['AA', 12, Uint8Array.of(58)], 'composite', 3))).toBe('2:AA2:121::');
    expect(text(keyBytes(['', ''], 'composite', 2))).toBe('0:0:');
  });

  it('differ for keys that differ', () => {
    const same = (a: PredictionKey, b: PredictionKey) =>
      Buffer.compare(keyBytes(a, 'composite', 2), keyBytes(b, 'composite', 2)) === 0;
    expect(same(['1:a', 'b'], ['1', 'a1:b'])).toBe(false);
    const pair = fc.tuple(part, part);
    const flat = (key: readonly (string | bigint | Uint8Array)[]) =>
      key.map((one) => Buffer.from(keyBytes(one, 'string', 1)).toString('hex'));
    fc.assert(fc.property(pair, pair, (a, b) => same(a, b) === (flat(a).join() === flat(b).join())));
  });

  it.each([
    [1.5, 'string', 1],
    [2 ** 53, 'integer', 1],
    [Number.NaN, 'integer', 1],
    ['x'.repeat(1025), 'string', 1],
    ['é'.repeat(513), 'string', 1],
    [['a'], 'composite', 2],
    ['a', 'composite', 2],
    [['a', 'b'], 'string', 1],
    [[], 'string', 1],
    [['x'.repeat(600), 'x'.repeat(600)], 'composite', 2],
  ] as const)('%o as %s is refused', (key, kind, parts) => {
    expect(refusalOf(() => keyBytes(key, kind, parts))).toBe('KEY_INVALID');
  });
});
