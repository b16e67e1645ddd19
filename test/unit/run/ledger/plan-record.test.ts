import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Plan, PlannedFile } from '../../../../src/base/contract/plan.ts';
import { packPlan, unpackPlan } from '../../../../src/run/ledger/plan-record.ts';

const column = fc.record({ name: fc.string(), type: fc.constantFrom('BIGINT', 'FLOAT'), nullable: fc.boolean() });
const file = fc.record(
  {
    uri: fc.webPath().map((path) => `s3://lake${path}/part`),
    size: fc.nat(),
    etag: fc.string(),
    format: fc.constantFrom('parquet', 'csv'),
    rows: fc.option(fc.nat(), { nil: null }),
    columns: fc.array(column, { maxLength: 3 }),
    pathValues: fc.dictionary(fc.string(), fc.option(fc.string(), { nil: null }), { maxKeys: 2 }),
    text: fc.constantFrom({ compression: 'none' }, { compression: 'gzip' }),
  },
  { requiredKeys: ['uri', 'size', 'etag', 'format', 'rows', 'columns', 'pathValues'] },
);
const slice = fc.record({ file: fc.nat(9), rowStart: fc.nat(), rowEnd: fc.option(fc.nat(), { nil: null }) });
const chunk = fc.record({ rows: fc.option(fc.nat(), { nil: null }), bytes: fc.nat(), slices: fc.array(slice) });

const planOf = (files: object[], chunks: object[]): Plan =>
  ({ format: 1, runId: 'r', files, chunks: chunks.map((c, n) => ({ n, ...c })) }) as object as Plan;

test('a plan comes back from its record as it was', () => {
  fc.assert(
    fc.property(fc.array(file, { maxLength: 10 }), fc.array(chunk, { maxLength: 5 }), (files, chunks) => {
      const plan = planOf(files, chunks);
      const record = JSON.parse(JSON.stringify(packPlan(plan)));
      expect(unpackPlan(record, 'here')).toEqual(JSON.parse(JSON.stringify(plan)));
    }),
  );
});

test('a plan of format 1 is read as it is; one that names what it does not hold is refused', () => {
  const plan = planOf([], []);
  expect(unpackPlan(plan, 'here')).toBe(plan);
  const record = { ...packPlan(planOf([{ uri: 'a/b', columns: [], pathValues: {} }], [])), schemas: [] };
  expect(() => unpackPlan(record, 'here')).toThrow(expect.objectContaining({ code: 'RECORD_CORRUPT' }));
});

test('20,000 files of 32 columns take less than 300 bytes each, and share their columns when they are read', () => {
  const columns = Array.from({ length: 32 }, (_, i) => ({ name: `column_${i}`, type: 'FLOAT', nullable: true }));
  const files = Array.from({ length: 20_000 }, (_, i): object => ({
    uri: `/lake/table/d=${i % 100}/part-${i}-1f0e8a3c-5d2b-4c7e-9a61-b3c4d5e6f708.snappy.parquet`,
    size: 123_456,
    etag: '1732950000000000000-12345678-123456',
    format: 'parquet',
    rows: 100,
    // As they come from several children.
    columns: structuredClone(columns),
    pathValues: {},
  }));
  const chunks = Array.from({ length: 313 }, (_, n): object => ({
    rows: 6400,
    bytes: 1e6,
    slices: files.slice(64 * n, 64 * n + 64).map((_, i) => ({ file: 64 * n + i, rowStart: 0, rowEnd: 100 })),
  }));
  const text = JSON.stringify(packPlan(planOf(files, chunks)));
  expect(text.length / files.length).toBeLessThan(300);
  const read = unpackPlan(JSON.parse(text), 'here').files as readonly PlannedFile[];
  expect(new Set(read.map((f) => f.columns)).size).toBe(1);
});
