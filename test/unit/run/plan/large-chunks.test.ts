import { expect, test } from 'vitest';
import type { PlannedChunk, PlannedFile } from '../../../../src/base/contract/plan.ts';
import { sayLargeChunks } from '../../../../src/run/plan/large-chunks.ts';

const file = (uri: string, more: Partial<PlannedFile> = {}): PlannedFile => ({
  uri,
  size: 1,
  etag: 'e',
  format: 'parquet',
  rows: 1000,
  columns: [],
  pathValues: {},
  ...more,
});
const chunk = (n: number, of: number, rows: number | null, bytes = 100): PlannedChunk => ({
  n,
  slices: [{ file: of, rowStart: 0, rowEnd: rows }],
  rows,
  bytes,
});

test('chunks that are larger than asked are told with what keeps them so', () => {
  const files = [file('a.parquet'), file('b.parquet')];
  expect(sayLargeChunks([chunk(0, 0, 1000)], files, 'auto')).toBeNull();
  expect(sayLargeChunks([chunk(0, 0, 1000), chunk(1, 1, 10)], files, 1000)).toBeNull();
  expect(sayLargeChunks([chunk(0, 0, 300), chunk(1, 1, 1000), chunk(2, 1, 5)], files, 100)).toBe(
    'execution.chunkRows: 100 cannot be kept by 2 of 3 chunks: b.parquet gives chunks of 1000 rows: a row group is cut into 16 pieces at most, of 32,768 rows at least; write smaller ones for smaller chunks',
  );
});

test('a stream or a text of some size is one piece, whatever is asked', () => {
  const files = [file('a.arrows', { format: 'arrow-stream', rows: null })];
  expect(sayLargeChunks([chunk(0, 0, null)], files, 100)).toBeNull();
  expect(sayLargeChunks([chunk(0, 0, null, 2 ** 21)], files, 100)).toContain('a.arrows is an Arrow stream');
});
