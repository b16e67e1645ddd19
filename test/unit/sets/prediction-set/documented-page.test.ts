import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { ValueColumn } from '../../../../src/base/contract/prediction-set.ts';
import { look, pagesOf } from './pages-of.ts';

const COLUMNS: readonly ValueColumn[] = [
  { name: 'a', type: 'int32' },
  { name: 'b', type: 'float32' },
  { name: 'c', type: 'list<int64>' },
];
const ROWS = [
  { key: 'flight-7', origin: 0, values: [-3, 0.25, [1n, null]] },
  { key: 'flight-12', origin: 1, values: [300, null, null] },
].map((row) => ({ ...row, key: new TextEncoder().encode(row.key) }));

it('the page in docs/prediction-sets.md is what the publisher writes and the reader reads', async () => {
  const docs = readFileSync(new URL('../../../../docs/prediction-sets.md', import.meta.url), 'utf8');
  const block = /### An example[\s\S]*?```\n([\s\S]*?)```/.exec(docs)![1]!;
  const hex = block.split('\n').map((line) => /^ *((?:[0-9a-f]{2} ?)+)(?: {2}|$)/.exec(line)?.[1] ?? '');
  const bytes = Buffer.from(hex.join('').replaceAll(' ', ''), 'hex');
  const { pages } = await pagesOf(COLUMNS, ROWS, 1, { hasNulls: true, hasOrigins: true });
  expect(bytes.toString('hex')).toBe(Buffer.from(pages[0]!.bytes).toString('hex'));
  for (const { key, origin, values } of ROWS) {
    const found = look({ bucket: 0, bytes }, COLUMNS, key);
    expect(found).toEqual({ origin, values: { a: values[0], b: values[1], c: values[2] } });
  }
});
