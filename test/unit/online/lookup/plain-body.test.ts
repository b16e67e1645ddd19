import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBody } from '../../../../src/online/http/parse-body.ts';
import type { AskedKey } from '../../../../src/online/live/asked-key.ts';
import { PlainBody } from '../../../../src/online/lookup/plain-body.ts';
import { readAsked } from '../../../../src/online/lookup/read-asked.ts';
import { TEST_LIMITS } from '../../../harness/protocol-server.ts';

const RUNS = Number(process.env['RUNS'] ?? 1) * 2_000;

/** The long way: what the endpoint does with every other body. */
function longWay(text: string): AskedKey | null {
  try {
    const { isOne, keys } = readAsked(parseBody(Buffer.from(text), TEST_LIMITS), TEST_LIMITS);
    return isOne ? keys[0]! : null;
  } catch {
    return null;
  }
}

function taught(features: Readonly<Record<string, unknown>>): PlainBody {
  const body = new PlainBody(TEST_LIMITS);
  body.learn(longWay(JSON.stringify({ key: 'k', features }))!);
  return body;
}

const read = (body: PlainBody, text: string): AskedKey | null => body.read(Buffer.from(text));

/** Numbers as clients write them, and as they should not. */
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer().map(String),
  fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.nat(999_999_999)).map(([a, b]) => `${a}.${b}`),
  fc.stringMatching(/^-?[0-9]{0,3}\.?[0-9]{0,4}([eE][+-]?[0-9]{1,3})?$/),
  fc.stringMatching(/^-?[0-9]{14,20}(\.[0-9]{1,20})?$/),
);
const value = fc.oneof(
  { weight: 6, arbitrary: number },
  fc.constantFrom('null', 'true', 'false', 'nul', 'NaN', '-', '""', '[1]', '{}', '"a\\"b"', '"é"', '"\u0001"', "'x'"),
  fc.string().map((text) => JSON.stringify(text)),
);
const space = fc.constantFrom('', '', '', ' ', '\n', '\t ', '\u00a0');
const key = fc.oneof(
  fc.string({ minLength: 1 }).map((k) => JSON.stringify(k)),
  number,
  fc.constant('""'),
  value,
);

describe('bodies that are read the short way', () => {
  it('give what the long way gives, or nothing', () => {
    const names = ['x', 'y z', 'dep.min'];
    const body = taught({ x: 1, 'y z': 1, 'dep.min': 1 });
    let short = 0;
    fc.assert(
      fc.property(key, fc.tuple(value, value, value), space, space, (k, values, a, b) => {
        const pairs = names.map((name, i) => `${a}"${name}"${b}:${a}${values[i]}`);
        const text = `${b}{${a}"key":${b}${k},"features"${a}:{${pairs.join(`${b},`)}}${a}}${b}`;
        const found = read(body, text);
        if (found === null) return;
        short++;
        expect(found).toEqual(longWay(text));
      }),
      { numRuns: RUNS },
    );
    // Most values above are unusual, and three must be usual at once.
    expect(short).toBeGreaterThan(RUNS / 50);
  });

  it('numbers are those of JSON.parse, to the bit', () => {
    const body = taught({ x: 1 });
    let short = 0;
    fc.assert(
      fc.property(number, (x) => {
        const [value] = read(body, `{"key":"k","features":{"x":${x}}}`)?.features?.values ?? [];
        if (value === undefined) return;
        short++;
        expect(Object.is(value, JSON.parse(x))).toBe(true);
      }),
      { numRuns: RUNS },
    );
    expect(short).toBeGreaterThan(RUNS / 4);
    for (const x of [
      '-0',
      '0.1',
      '123456789.123456',
      '0.000000000000001',
      '999999999999999',
      '1e5',
      '-2.5E-3',
      '5e-324',
    ])
      expect(Object.is(read(body, `{"key":"k","features":{"x":${x}}}`)?.features?.values[0], JSON.parse(x))).toBe(true);
  });

  it.each([
    ['{"key":"k","features":{"y":1,"x":2}}', 'another order'],
    ['{"key":"k","features":{"x":1}}', 'a name less'],
    ['{"key":"k","features":{"x":1,"y":2,"z":3}}', 'a name more'],
    ['{"key":"k","features":{"x":1,"x":2}}', 'a name twice'],
    ['{"features":{"x":1,"y":2},"key":"k"}', 'the key at the end'],
    ['{"key":"k","features":{"x":1,"y":2}} x', 'something behind'],
    ['{"key":"k","features":{"x":1,"y":2}', 'an end too early'],
    ['{"key":"k","features":{"x":01,"y":2}}', 'a leading zero'],
    ['{"key":"k","features":{"x":1.,"y":2}}', 'a point at the end'],
    ['{"key":"k","features":{"x":1e,"y":2}}', 'an exponent without digits'],
    ['{"key":"k","features":{"x":+1,"y":2}}', 'a plus'],
    ['{"key":"","features":{"x":1,"y":2}}', 'an empty key'],
    ['{"key":"\u007f","features":{"x":1,"y":2}}', 'a control character'],
    ['{"key":9007199254740993,"features":{"x":1,"y":2}}', 'a key beyond 2^53'],
    [`{"key":"${'k'.repeat(1025)}","features":{"x":1,"y":2}}`, 'a long key'],
    ['{"key":"k"}', 'no features'],
    ['', 'nothing'],
  ])('%s is for the long way: %s', (text) => {
    expect(read(taught({ x: 1, y: 2 }), text)).toBeNull();
  });

  it('nothing is read before anything is known, or where two levels are too many', () => {
    expect(read(new PlainBody(TEST_LIMITS), '{"key":"k","features":{}}')).toBeNull();
    const flat = new PlainBody({ ...TEST_LIMITS, depth: 1 });
    flat.learn(longWay('{"key":"k","features":{"x":1}}')!);
    expect(read(flat, '{"key":"k","features":{"x":1}}')).toBeNull();
  });

  it('odd names are not remembered', () => {
    for (const name of ['a"b', 'é', '', 'x'.repeat(65)]) {
      const text = JSON.stringify({ key: 'k', features: { [name]: 1 } });
      expect(read(taught({ [name]: 1 }), text)).toBeNull();
    }
  });
});
