import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Binding, BoundInput } from '../../src/base/contract/binding.ts';
import type { NullPolicy } from '../../src/base/contract/job.ts';
import type { FeatureForm } from '../../src/base/contract/job-scorer.ts';
import type { TensorType } from '../../src/base/contract/signature.ts';
import { Duck, quoteText } from '../../src/data/duckdb/duckdb.ts';
import { sourceKind, typesOf } from '../../src/data/duckdb/source-kind.ts';
import { RowBatch, requestColumn } from '../../src/inference/job/job-row-batch.ts';
import { TENSOR_TYPES } from '../../src/model/elements/elements.ts';
import type { FeatureBatch } from '../../src/scoring/tensor/feature-batch.ts';
import { FeaturePacker, slabFeeds } from '../../src/scoring/tensor/feature-packer.ts';
import { RejectCodes } from '../../src/scoring/tensor/reject-codes.ts';
import { exactLayout } from '../../src/scoring/tensor/slab-layout.ts';
import { StringDictionary } from '../../src/scoring/tensor/string-dictionary.ts';

/*
 * For every column type: a column in DuckDB through the decode query and the packer, against the same values from a request.
 * The tensors must have the same bytes, and the same rows must be rejected for the same reasons.
 */
let duck: Duck;
beforeAll(async () => {
  duck = await Duck.open({ memoryBytes: 64 * 2 ** 20, scratchDir: tmpdir(), scratchBytes: 2 ** 20 });
});
afterAll(() => duck.close());

const ROWS = 60;
const WIDTH = 3;

/** A value: the literal of it in DuckDB, and how requests write it. */
interface Case {
  readonly sql: string;
  readonly json: unknown;
  /** Left out: the JSON value as a text. */
  readonly text?: string;
}

const asText = ({ json, text }: Case): string => text ?? (typeof json === 'string' ? json : JSON.stringify(json));

const simple = (value: fc.Arbitrary<number | bigint>): fc.Arbitrary<Case> =>
  value.map((v) => ({ sql: quoteText(String(v)), json: typeof v === 'bigint' ? String(v) : v }));
const whole = (low: bigint, high: bigint): fc.Arbitrary<Case> =>
  simple(fc.oneof(fc.bigInt({ min: low, max: high }), fc.constantFrom(low, high, 0n))).map((c) => {
    const number = Number(c.json);
    return Number.isSafeInteger(number) ? { ...c, json: number } : c;
  });

// An overflow of JSON is no value, and a hash says nan and inf by name.
const floats = (single: boolean): fc.Arbitrary<Case> =>
  fc
    .oneof(
      single ? fc.float({ noNaN: true, noDefaultInfinity: true }) : fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(0, -0, 1, 2.5, 65504, 65520, 16777217, 1e-45, 3.4e38, -7),
      fc.integer(),
    )
    .map((v) => ({
      sql: quoteText(Object.is(v, -0) ? '-0.0' : String(v)),
      json: v,
      text: Object.is(v, -0) ? '-0.0' : String(v),
    }));

const decimal = (width: number, scale: number): fc.Arbitrary<Case> =>
  fc.bigInt({ min: -(10n ** BigInt(width)) + 1n, max: 10n ** BigInt(width) - 1n }).map((unscaled) => {
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
    const text = `${unscaled < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}${scale > 0 ? '.' : ''}${scale > 0 ? digits.slice(-scale) : ''}`;
    return { sql: quoteText(text), json: text };
  });

const YEAR_MS = 366 * 86_400_000;
const instant = (kept: number, low: number, high: number): fc.Arbitrary<Case> =>
  fc
    .tuple(
      fc.integer({ min: low * YEAR_MS, max: high * YEAR_MS }),
      fc.integer({ min: 0, max: 999_999 }),
      fc.constantFrom('', 'Z', '+05:30', '-02:00'),
    )
    .map(([ms, rest, zone]) => {
      const offset = zone === '+05:30' ? 330 : zone === '-02:00' ? -120 : 0;
      const fraction = (iso: string): string => `${iso.slice(20, 23)}${String(rest).padStart(6, '0')}`.slice(0, kept);
      const say = (time: number): string => {
        const iso = new Date(time).toISOString();
        return `${iso.slice(0, 19)}${kept > 0 ? `.${fraction(iso)}` : ''}`;
      };
      return { sql: quoteText(say(ms).replace('T', ' ')), json: `${say(ms + offset * 60_000)}${zone}` };
    });

const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }).filter((t) => !t.includes('\0')),
  fc.constantFrom('', 'AA', 'x'.repeat(13), 'é'.repeat(40_000)),
);

const TYPES: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  FLOAT: floats(true),
  DOUBLE: floats(false),
  BOOLEAN: fc.boolean().map((b) => ({ sql: String(b), json: b })),
  TINYINT: whole(-128n, 127n),
  SMALLINT: whole(-32768n, 32767n),
  INTEGER: whole(-(2n ** 31n), 2n ** 31n - 1n),
  UTINYINT: whole(0n, 255n),
  USMALLINT: whole(0n, 65535n),
  UINTEGER: whole(0n, 2n ** 32n - 1n),
  BIGINT: whole(-(2n ** 63n), 2n ** 63n - 1n),
  UBIGINT: whole(0n, 2n ** 64n - 1n),
  HUGEINT: whole(-(2n ** 127n) + 1n, 2n ** 127n - 1n),
  UHUGEINT: whole(0n, 2n ** 128n - 1n),
  'DECIMAL(4,1)': decimal(4, 1),
  'DECIMAL(9,9)': decimal(9, 9),
  'DECIMAL(18,3)': decimal(18, 3),
  'DECIMAL(18,0)': decimal(18, 0),
  'DECIMAL(25,7)': decimal(25, 7),
  'DECIMAL(38,10)': decimal(38, 10),
  'DECIMAL(38,38)': decimal(38, 38),
  DATE: instant(0, -100, 200).map(({ sql }) => ({ sql: `${sql.slice(0, 11)}'`, json: sql.slice(1, 11) })),
  TIME: instant(6, -2, 2).map(({ sql }) => ({ sql: `'${sql.slice(12)}`, json: sql.slice(12, -1) })),
  TIMESTAMP: instant(6, -1900, 7000),
  'TIMESTAMP WITH TIME ZONE': instant(6, -300, 300).map((c) => ({ ...c, sql: `${c.sql.slice(0, -1)}+00'` })),
  TIMESTAMP_S: instant(0, -300, 300),
  TIMESTAMP_MS: instant(3, -300, 300),
  TIMESTAMP_NS: instant(9, -280, 280),
  VARCHAR: words.map((t) => ({ sql: quoteText(t), json: t })),
  "ENUM('AA', 'B')": fc.constantFrom('AA', 'B').map((t) => ({ sql: quoteText(t), json: t })),
  JSON: fc.json().map((t) => ({ sql: quoteText(t), json: t })),
  UUID: fc.uuid().map((t) => ({ sql: quoteText(t), json: t.toUpperCase() })),
};
const NUMBER_TENSORS = TENSOR_TYPES.filter((type) => type !== 'string');

interface Packed {
  readonly values: string;
  readonly reasons: readonly (string | null)[];
}

function bindingOf(column: string, type: string, tensor: TensorType, nulls: NullPolicy): Binding {
  const base = { tensor: 't', type: tensor, nulls };
  const input: BoundInput = sourceKind(type)!.list
    ? { ...base, kind: 'list', column, width: WIDTH, tail: [WIDTH] }
    : { ...base, kind: 'columns', columns: [column], tail: [] };
  return { inputs: [input], outputs: [], fixedBatch: null };
}

function pack(binding: Binding, type: string, batch: FeatureBatch): Packed {
  const layout = exactLayout(binding, batch.rows);
  const feeds = slabFeeds(binding, layout, new ArrayBuffer(layout.bytes));
  const codes = new RejectCodes();
  const dictionary = new StringDictionary();
  const packer = new FeaturePacker(binding, [{ name: 'c', kind: sourceKind(type)! }], codes, dictionary);
  packer.pack(batch, 0, batch.rows, feeds, 0);
  const reasons = Array.from(feeds.codes, (code) => codes.reasonOf(code));
  const packed = feeds.arrays[0]!;
  // Texts are compared as texts: codes of a dictionary depend on what came before.
  const isText = binding.inputs[0]!.type === 'string';
  const values = isText ? Array.from(packed as Uint32Array, (code) => dictionary.texts[code]).join('|') : hexOf(packed);
  return { values, reasons: reasons.map((r) => (r === undefined ? null : `${r.rule}: ${r.message}`)) };
}

const hexOf = (view: ArrayBufferView): string =>
  Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex');

/** Makes a column of the cases in DuckDB and gives its one batch, decoded as a scorer child does. */
async function inDuck(
  type: string,
  cases: readonly (Case | null)[],
  use: (batch: FeatureBatch) => void,
): Promise<void> {
  const values = cases.map((c, i) => `(${i}, ${c === null ? 'null' : c.sql}::${type})`).join(', ');
  const sql = `select ${sourceKind(type)!.sql('c')} from (values ${values}) as t(i, c) order by i`;
  for await (const batch of duck.stream(sql, {
    where: type,
    columns: [{ name: 'c', types: typesOf(sourceKind(type)!) }],
  })) {
    expect(batch.rows).toBe(cases.length);
    use(batch);
  }
}

function fromRequest(type: string, cases: readonly (Case | null)[], form: FeatureForm): RowBatch {
  const column = requestColumn('c', type)!;
  const batch = new RowBatch([column]);
  batch.reset(cases.length);
  cases.forEach((c, row) => {
    const nothing = form === 'text' && !column.read.keepsEmpty ? '' : null;
    const value = c === null ? nothing : form === 'json' ? c.json : asText(c);
    const problem = batch.put(0, row, value, form);
    if (problem !== null) throw new Error(`row ${row}: ${JSON.stringify(value)} is refused: ${problem.message}`);
  });
  return batch;
}

function policies(tensor: TensorType): NullPolicy[] {
  if (tensor === 'string') return ['reject', { fill: 'none' }];
  return tensor.startsWith('float') ? ['nan', { fill: 1 }, 'reject'] : ['reject', { fill: 1 }];
}

async function compare(type: string, cases: readonly (Case | null)[], tensors: readonly TensorType[]): Promise<void> {
  const requests = (['json', 'text'] as const).map((form) => fromRequest(type, cases, form));
  await inDuck(type, cases, (batch) => {
    for (const tensor of tensors) {
      for (const nulls of policies(tensor)) {
        const binding = bindingOf('c', type, tensor, nulls);
        const expected = pack(binding, type, batch);
        for (const request of requests)
          expect([tensor, nulls, pack(binding, type, request)]).toEqual([tensor, nulls, expected]);
      }
    }
  });
}

const rowsOf = (one: fc.Arbitrary<Case>): fc.Arbitrary<(Case | null)[]> =>
  fc.array(fc.option(one, { freq: 8 }), { minLength: ROWS, maxLength: ROWS });

describe('a live feature is what the decode query makes of its column', () => {
  it.each(Object.keys(TYPES))('%s', async (type) => {
    const isText = sourceKind(type)!.carrier === 'str';
    const tensors = isText ? (['string'] as const) : NUMBER_TENSORS;
    await fc.assert(
      fc.asyncProperty(rowsOf(TYPES[type]!), (cases) => compare(type, cases, tensors)),
      { numRuns: 8 },
    );
  });

  const lists = ['FLOAT', 'DOUBLE', 'BOOLEAN', 'TINYINT', 'BIGINT', 'UBIGINT', 'UINTEGER', 'DECIMAL(25,7)'];
  it.each(lists)('a list of %s', async (element) => {
    const list = fc.array(fc.option(TYPES[element]!, { freq: 6 }), { minLength: WIDTH - 1, maxLength: WIDTH + 1 });
    const one = list.map(
      (items): Case => ({
        sql: `[${items.map((item) => `${item === null ? 'null' : item.sql}::${element}`).join(', ')}]`,
        json: items.map((item) => item?.json ?? null),
        text: `[${items.map((item) => (item === null ? 'null' : asText(item))).join(', ')}]`,
      }),
    );
    await fc.assert(
      fc.asyncProperty(rowsOf(one), (cases) => compare(`${element}[]`, cases, NUMBER_TENSORS)),
      { numRuns: 4 },
    );
  });
});
