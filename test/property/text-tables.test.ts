import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { isPrescoreError } from '../../src/base/errors/prescore-error.ts';
import type { CanonicalText } from '../harness/canonical-texts.ts';
import { runPython } from '../harness/python.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { type TextRead, TextTables } from '../harness/text-tables.ts';

const SEED = 20_131_231;
const TABLES = 60;

interface Answer {
  readonly [column: string]: readonly CanonicalText[];
}

interface Request {
  readonly path: string;
  readonly types: object;
  readonly kind: 'csv' | 'jsonl';
  readonly csv?: object;
}

const word = fc.string({
  unit: fc.constantFrom('a', 'é', '😀', '"', ',', ';', '\n', '\r\n', '\\', ' ', '\t', "'", 'x'),
  maxLength: 8,
});
const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  BIGINT: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  DOUBLE: fc.double({ noNaN: true }).map((n) => String(n).replace('Infinity', 'inf')),
  BOOLEAN: fc.constantFrom('true', 'false'),
  DATE: fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((d) => d.toISOString().slice(0, 10)),
  VARCHAR: word,
};

interface Table {
  readonly types: readonly string[];
  /** Null: no value. */
  readonly rows: readonly (readonly (string | null)[])[];
}

const table: fc.Arbitrary<Table> = fc
  .array(fc.constantFrom(...Object.keys(VALUES)), { minLength: 2, maxLength: 6 })
  .chain((types) => {
    const row = fc.tuple(...types.map((type) => fc.option(VALUES[type]!, { freq: 5 })));
    return fc.array(row, { minLength: 1, maxLength: 40 }).map((rows) => ({ types, rows }));
  });

const style = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '|'),
  quote: fc.constantFrom('"', "'"),
  lineEnd: fc.constantFrom('\n', '\r\n'),
  isAllQuoted: fc.boolean(),
  hasLastEnd: fc.boolean(),
  hasMark: fc.boolean(),
  packing: fc.constantFrom('none', 'gzip', 'zstd'),
});
type Style = typeof style extends fc.Arbitrary<infer S> ? S : never;

function csvOf({ types, rows }: Table, { delimiter, quote, lineEnd, isAllQuoted, hasLastEnd }: Style): string {
  const field = (value: string | null, type: string): string => {
    if (value === null) return '';
    const isText = type === 'VARCHAR';
    const mustQuote = isText && (value === '' || [delimiter, quote, '\n', '\r'].some((c) => value.includes(c)));
    return mustQuote || isAllQuoted ? `${quote}${value.replaceAll(quote, quote + quote)}${quote}` : value;
  };
  const lines = rows.map((row) => row.map((value, i) => field(value, types[i]!)).join(delimiter));
  const text = [types.map((_, i) => `c${i}`).join(delimiter), ...lines].join(lineEnd);
  // pyarrow takes an empty last field without a line end for a quoted one.
  return hasLastEnd || rows.at(-1)?.at(-1) === null ? text + lineEnd : text;
}

function jsonlOf({ types, rows }: Table): string {
  const lines = rows.map((row) => {
    const members = row.flatMap((value, i) => {
      if (value === null) return i % 2 === 0 ? [] : [`"c${i}": null`];
      const isPlain = /BIGINT|BOOLEAN|DOUBLE/.test(types[i]!);
      return [`"c${i}":${isPlain ? value : JSON.stringify(value)}`];
    });
    return `{ ${members.join(', ')} }`;
  });
  return lines.join('\n');
}

describe('tables of text are those that pyarrow reads', () => {
  const tables = new TextTables();
  const folder = suiteFolder();
  afterAll(() => tables.close());

  async function compare(requests: readonly Request[], reads: readonly TextRead[]): Promise<void> {
    const path = join(folder, 'requests.json');
    writeFileSync(path, JSON.stringify(requests.map((request, i) => ({ ...request, parquet: reads[i]!.path }))));
    const answers = JSON.parse(await runPython('text_values.py', [path])) as Answer[];
    for (const [i, read] of reads.entries()) {
      const { error, mine = [], ...theirs } = answers[i]!;
      expect(error, requests[i]!.path).toBeUndefined();
      expect(read.faults).toEqual([]);
      const names = Object.keys(read.types);
      expect(Object.fromEntries(names.map((name, k) => [name, mine[k]])), requests[i]!.path).toEqual(theirs);
    }
  }

  it('CSV in every style', async () => {
    const samples = fc.sample(fc.tuple(table, style), { seed: SEED, numRuns: TABLES });
    const reads: TextRead[] = [];
    const requests: Request[] = [];
    for (const [i, [one, how]] of samples.entries()) {
      const text = `${how.hasMark ? '\ufeff' : ''}${csvOf(one, how)}`;
      const path = join(folder, `${i}.csv`);
      writeFileSync(path, text);
      const types = Object.fromEntries(one.types.map((type, k) => [`c${k}`, type]));
      const { delimiter, quote } = how;
      requests.push({ path, types, kind: 'csv', csv: { delimiter, quote } });
      const bytes = Buffer.from(text);
      const packed = { none: () => bytes, gzip: () => gzipSync(bytes), zstd: () => zstdCompressSync(bytes) }[
        how.packing
      ]();
      reads.push(await tables.read(packed, { schema: types, csv: { quote } }));
    }
    await compare(requests, reads);
  }, 120_000);

  it('JSONL', async () => {
    const samples = fc
      .sample(table, { seed: SEED + 1, numRuns: TABLES })
      .map((one) => ({
        ...one,
        rows: one.rows.map((row) => row.map((v, i) => (one.types[i] === 'DOUBLE' && v?.includes('inf') ? '0' : v))),
      }))
      // pyarrow's JSON reader knows no dates.
      .map((one) => ({ ...one, types: one.types.map((type) => (type === 'DATE' ? 'VARCHAR' : type)) }));
    const reads: TextRead[] = [];
    const requests: Request[] = [];
    for (const [i, one] of samples.entries()) {
      const text = jsonlOf(one);
      const path = join(folder, `${i}.jsonl`);
      writeFileSync(path, text);
      const types = Object.fromEntries(one.types.map((type, k) => [`c${k}`, type]));
      requests.push({ path, types, kind: 'jsonl' });
      reads.push(await tables.read(text, { name: 't.jsonl', schema: types, columns: Object.keys(types) }));
    }
    await compare(requests, reads);
  }, 120_000);
});

describe('every line of a text file', () => {
  const tables = new TextTables();
  afterAll(() => tables.close());

  it('is in one row or in one fault, or is the header or blank, whatever the bytes', async () => {
    const chaos = fc.string({
      unit: fc.constantFrom('a', '1', ',', ',', '"', '\n', '\n', '\r\n', '\r', ' ', 'é', '{', '"a":', '}', '\\'),
      minLength: 1,
      maxLength: 60,
    });
    for (const body of fc.sample(chaos, { seed: SEED + 2, numRuns: 400 })) {
      const text = `a,b\nx,y\n${body}`;
      const schema = { a: 'VARCHAR', b: 'VARCHAR' };
      const read = await tables.read(text, {
        schema,
        columns: ['a', 'b'],
        csv: { delimiter: ',', names: ['a', 'b'], header: true },
      });
      expect(read.lines.every((line, i) => i === 0 || line > read.lines[i - 1]!)).toBe(true);
      // A row of more lines than one begins in the first of them and holds the others in its values.
      const lines = text.split('\n');
      const covered = new Set<number>([1]);
      for (const [i, line] of read.lines.entries()) {
        const row = read.rows[i]!;
        const inside = `${row['a'] ?? ''}${row['b'] ?? ''}`.split('\n').length;
        for (let k = 0; k < inside; k++) covered.add(line + k);
      }
      const missing = lines.flatMap((line, i) => (covered.has(i + 1) || /^\r?$/.test(line) ? [] : [i + 1]));
      expect({ text, missing }).toEqual({ text, missing: [] });
    }
  }, 60_000);

  it('of JSONL is a row where JSON.parse gives an object, with its values, and else a fault', async () => {
    const piece = fc.constantFrom(
      ...'{}[],:" \\\t0123456789-+.eE',
      'a',
      'null',
      'true',
      'é',
      '\\u00e9',
      '\\ud83d',
      '"a":',
      '"b":1.5',
    );
    const edit = fc.record({ at: fc.nat(40), cut: fc.nat(3), add: fc.string({ unit: piece, maxLength: 2 }) });
    const value = fc.json({ maxDepth: 2, noUnicodeString: false });
    const line = fc.tuple(value, value, fc.array(edit, { maxLength: 2 })).map(([a, b, edits]) => {
      let text = `{"a":${a}, "b" :${b}}`;
      for (const { at, cut, add } of edits) text = text.slice(0, at) + add + text.slice(at + cut);
      return text.replace(/\n/g, ' ').toWellFormed();
    });
    const lines = ['{"a":"x","b":0.5}', ...fc.sample(line, { seed: SEED + 3, numRuns: 5000 })];
    const schema = { a: 'VARCHAR', b: 'DOUBLE' };
    const read = await tables.read(lines.join('\n'), { name: 't.jsonl', schema, columns: ['a', 'b'] });
    expect(read.lines).toEqual(lines.flatMap((text, i) => (/^[ \t\r]*$/.test(text) ? [] : [i + 1])));
    const faults = new Map(read.faults.map((f) => [Number(f.split(':')[0]), f]));
    let objects = 0;
    for (const [i, number] of read.lines.entries()) {
      const text = lines[number - 1]!;
      const parsed = parseObject(text);
      const fault = faults.get(number) ?? '';
      if (fault.includes('stands twice')) continue;
      expect([text, fault.includes('malformed')]).toEqual([text, parsed === null]);
      if (parsed === null) continue;
      objects++;
      const { a = null, b = null } = parsed;
      const row = read.rows[i]!;
      if (typeof a === 'string' && a.isWellFormed()) expect([text, row['a']]).toEqual([text, a]);
      else
        expect([text, row['a'], fault === '']).toEqual([
          text,
          null,
          a === null && (b === null || typeof b === 'number'),
        ]);
      if (typeof b === 'number') expect([text, row['b']]).toEqual([text, b]);
    }
    expect(objects).toBeGreaterThan(1000);
  }, 60_000);

  it('nothing but an INPUT_ error comes of any bytes', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: 'binary', maxLength: 100 }).map((text) => Buffer.from(text)),
      fc
        .uint8Array({ maxLength: 60 })
        .map((tail) => Buffer.concat([gzipSync('a,b\n1,2\n').subarray(0, 40 - ((tail[0] ?? 0) % 30)), tail])),
      fc
        .uint8Array({ maxLength: 60 })
        .map((tail) => Buffer.concat([zstdCompressSync('{"a":1}\n').subarray(0, 30 - ((tail[0] ?? 0) % 25)), tail])),
    );
    const formats = ['auto', 'csv', 'jsonl'] as const;
    for (const [i, input] of fc.sample(bytes, { seed: SEED + 4, numRuns: 1500 }).entries()) {
      try {
        await tables.read(input, { name: i % 2 === 0 ? 'file' : 'file.csv.gz', format: formats[i % 3]! });
      } catch (error) {
        expect([Buffer.from(input).toString('hex'), isPrescoreError(error) ? error.code : String(error)]).toEqual([
          Buffer.from(input).toString('hex'),
          expect.stringMatching(/^INPUT_(FORMAT|CORRUPT|UNSUPPORTED|EMPTY_FILE|DUPLICATE_COLUMN)$/),
        ]);
      }
    }
  }, 60_000);
});

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : null;
  } catch {
    return null;
  }
}
