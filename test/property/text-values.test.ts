import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type CanonicalText, textsByPyarrow } from '../harness/canonical-texts.ts';
import { runPython } from '../harness/python.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { type TextRead, TextTables } from '../harness/text-tables.ts';

const SEED = 20_131_231;
const CELLS = 400;

type Answer = CanonicalText | { readonly error: string };

const digits = (most: number) => fc.stringMatching(new RegExp(`^\\d{1,${most}}$`));
const sign = fc.constantFrom('', '', '', '-', '+');
const exponent = fc.oneof(
  fc.constant(''),
  fc.constant(''),
  fc.integer({ min: -350, max: 330 }).map((e) => `e${e}`),
);
const bound = fc
  .constantFrom(7n, 8n, 15n, 16n, 31n, 32n, 53n, 63n, 64n)
  .chain((bits) => fc.integer({ min: -2, max: 2 }).map((d) => `${2n ** bits + BigInt(d)}`));
const whole = fc.tuple(sign, fc.oneof(digits(4), digits(22), bound)).map((t) => t.join(''));
const fraction = fc
  .tuple(sign, fc.oneof(digits(3), digits(20), fc.constant('')), fc.constant('.'), digits(20), exponent)
  .map((t) => t.join(''));
const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map(String);
/** In the middle between two floats, and a little beside it: what rounding twice gets wrong. */
const tie = fc
  .tuple(
    fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(1e-30), max: Math.fround(1e30) }),
    fc.constantFrom('', '1', '0000000000000000000001'),
  )
  .map(([value, more]) => `${exactText(middleAbove(value))}${more}`);
const odd = fc.constantFrom(
  '',
  '.',
  '-',
  '1e',
  'nan',
  'inf',
  '-Infinity',
  'x',
  '1 2',
  '0x10',
  '1_0',
  ' 5 ',
  '5.',
  '.5',
  '--1',
);
const two = (max: number) => fc.integer({ min: 0, max }).map((n) => `${n}`.padStart(2, '0'));
const date = fc
  .tuple(
    fc.integer({ min: 1, max: 9999 }).map((y) => `${y}`.padStart(4, '0')),
    two(13),
    two(32),
  )
  .map((t) => t.join('-'));
const clock = fc
  .tuple(two(24), two(60), two(60), fc.constantFrom('', '', '.5', '.123456', '.999999', '.1234567'))
  .map(([h, m, s, f]) => `${h}:${m}:${s}${f}`);
const zone = fc.constantFrom('', '', 'Z', '+01:00', '-0730', '+14');
const instant = fc.tuple(date, fc.constantFrom('T', ' '), clock, zone).map((t) => t.join(''));

const TEXTS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  TINYINT: fc.oneof(whole, odd),
  USMALLINT: fc.oneof(whole, odd),
  INTEGER: fc.oneof(whole, odd),
  UINTEGER: fc.oneof(whole, odd),
  BIGINT: fc.oneof(whole, bound, odd),
  UBIGINT: fc.oneof(whole, bound, odd),
  DOUBLE: fc.oneof(whole, fraction, fraction, double, odd),
  FLOAT: fc.oneof(fraction, double, tie, tie, odd),
  'DECIMAL(4,2)': fc.oneof(whole, fraction, odd),
  'DECIMAL(18,6)': fc.oneof(whole, fraction, odd),
  'DECIMAL(38,10)': fc.oneof(whole, fraction, odd),
  BOOLEAN: fc.constantFrom('true', 'false', 'True', 'FALSE', '1', '0', 'x', '2', ''),
  DATE: fc.oneof(date, date, instant, odd),
  TIMESTAMP: fc.oneof(instant, instant, date, odd),
  'TIMESTAMP WITH TIME ZONE': fc.oneof(instant, instant, date, odd),
};

/**
 * Where the two differ on purpose. pyarrow reads other bases, makes a number beyond the type infinite, and gives decimals more
 * digits than their type has; here a sign + is read, a minus before the zero of an unsigned type, and more spellings of decimals.
 */
function mayDiffer(type: string, text: string): boolean {
  const value = text.trim();
  if (value === '' || /^[+-]?0x/i.test(value) || value.startsWith('+') || /^-0+$/.test(value)) return true;
  if (type === 'DOUBLE') return /\d/.test(value) && !Number.isFinite(Number(value));
  if (type === 'FLOAT') return /\d/.test(value) && !Number.isFinite(Math.fround(Number(value)));
  const [, width, scale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(type) ?? [];
  if (width === undefined) return false;
  return /e|\.$/.test(value) || value.replace(/^-?0*|\..*/g, '').length > Number(width) - Number(scale);
}

describe('values of text files are those that pyarrow reads', () => {
  const tables = new TextTables();
  const folder = suiteFolder();
  afterAll(() => tables.close());

  it('cell by cell, for every type: the same value, or no value for both', async () => {
    const requests = Object.entries(TEXTS).map(([type, arbitrary], i) => ({
      type,
      cells: fc.sample(arbitrary, { seed: SEED + i, numRuns: CELLS }),
    }));
    const path = join(folder, 'cells.json');
    writeFileSync(path, JSON.stringify(requests));
    const answers = JSON.parse(await runPython('text_values.py', [path])) as Answer[][];
    const reads: TextRead[] = [];
    for (const { type, cells } of requests) {
      const text = `v,w\n${cells.map((cell) => `"${cell}",1\n`).join('')}`;
      reads.push(await tables.read(text, { schema: { v: type, w: 'BIGINT' } }));
    }
    const texts = await textsByPyarrow(...reads.map(({ path }) => path));
    for (const [i, { type, cells }] of requests.entries()) {
      const read = reads[i]!;
      const faulty = new Set(read.faults.map((f) => Number(f.split(':')[0]) - 2));
      const mine = texts[i]!.get('c0')!;
      let compared = 0;
      for (const [k, cell] of cells.entries()) {
        const theirs = answers[i]![k]!;
        const isRefused = typeof theirs === 'object' && theirs !== null && 'error' in theirs;
        if (faulty.has(k) === isRefused && (isRefused || mine[k] === theirs)) compared++;
        else if (!mayDiffer(type, cell)) {
          expect.soft([type, cell, faulty.has(k) ? 'fault' : mine[k]]).toEqual([type, cell, theirs]);
        }
      }
      expect(compared, type).toBeGreaterThan(CELLS / 2);
    }
  }, 120_000);
});

function middleAbove(value: number): number {
  const bits = new Int32Array(1);
  new Float32Array(bits.buffer)[0] = value;
  bits[0] = bits[0]! + (value > 0 ? 1 : -1);
  return (value + new Float32Array(bits.buffer)[0]!) / 2;
}

/** All digits of a double, with a point. */
function exactText(value: number): string {
  const text = value.toFixed(100).replace(/0+$/, '');
  return Math.abs(value) < 1e21 ? text : `${BigInt(value)}.0`;
}
