import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ValueColumn } from '../../../../src/base/contract/prediction-set.ts';
import { crc32Of } from '../../../../src/sets/prediction-set/crc32.ts';
import { checkHead } from '../../../../src/sets/prediction-set/page.ts';
import { table } from './arbitrary-values.ts';
import { look, type PageRow, pagesOf } from './pages-of.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const COLUMNS: readonly ValueColumn[] = [
  { name: 'score', type: 'float32' },
  { name: 'label', type: 'string' },
];
const FLAGS = { hasNulls: true, hasOrigins: true };
const key = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.string().map((text) => bytesOf(`common ${text}`)),
);

describe('pages', () => {
  it('give every key its last row, and no other key anything', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 5 }),
        fc.infiniteStream(key),
        fc.nat(),
        async (hasNulls, hasOrigins, buckets, keys, seed) => {
          const { columns, rows } = fc.sample(table(hasNulls), { numRuns: 1, seed })[0]!;
          const expected = new Map<string, PageRow>();
          const all = rows.map(
            (values, i): PageRow => ({ key: keys.next().value, origin: hasOrigins ? i * 77 : 0, values }),
          );
          for (const row of all) expected.set(Buffer.from(row.key).toString('hex'), row);
          const { pages, bytes, duplicates } = await pagesOf(columns, all, buckets, { hasNulls, hasOrigins });
          expect([pages.length, bytes]).toEqual([buckets, pages.reduce((sum, page) => sum + page.bytes.length, 0)]);
          expect(duplicates).toBe(all.length - expected.size);
          expect(pages.reduce((sum, page) => sum + checkHead(page.bytes, page.bucket), 0)).toBe(expected.size);
          for (const { key, origin, values } of expected.values()) {
            const found = look(pages[crc32Of(key, 0, key.length) % buckets]!, columns, key);
            expect(found).toEqual({ origin, values: Object.fromEntries(columns.map((c, i) => [c.name, values[i]])) });
          }
          const other = keys.next().value;
          if (expected.has(Buffer.from(other).toString('hex'))) return;
          for (const page of pages) expect(look(page, columns, other)).toBe('absent');
        },
      ),
      { numRuns: 200 },
    );
  });

  it('are the same bytes for the same rows', async () => {
    const rows = sampleRows();
    const [a, b] = [await pagesOf(COLUMNS, rows, 4, FLAGS), await pagesOf(COLUMNS, rows, 4, FLAGS)];
    expect(a).toEqual(b);
  });

  it('with any one byte changed are bad, at every bit', async () => {
    const rows = sampleRows();
    const page = (await pagesOf(COLUMNS, rows, 1, FLAGS)).pages[0]!;
    for (let at = 0; at < page.bytes.length; at++) {
      for (const flip of [1, 128, 255]) {
        const bytes = page.bytes.slice();
        bytes[at]! ^= flip;
        for (const { key } of rows) expect(look({ bucket: 0, bytes }, COLUMNS, key)).toBe('bad');
      }
    }
  });

  it('cut anywhere, longer, or of another bucket are bad', async () => {
    const page = (await pagesOf(COLUMNS, sampleRows(), 1, FLAGS)).pages[0]!;
    const key = bytesOf('row 1');
    for (let end = 0; end < page.bytes.length; end++)
      expect(look({ bucket: 0, bytes: page.bytes.subarray(0, end) }, COLUMNS, key)).toBe('bad');
    expect(look({ bucket: 0, bytes: Buffer.concat([page.bytes, Buffer.alloc(1)]) }, COLUMNS, key)).toBe('bad');
    expect(look({ bucket: 1, bytes: page.bytes }, COLUMNS, key)).toBe('bad');
  });

  it('of other bytes under a right checksum are a row, absent or bad, and never an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(3), fc.nat(20), fc.nat(9), (body, flags, shared, rows) => {
        const bytes = new Uint8Array(16 + body.length);
        const view = new DataView(bytes.buffer);
        bytes.set([1, flags, shared, 0], 4);
        view.setUint32(12, rows, true);
        bytes.set(body, 16);
        view.setUint32(0, crc32(bytes.subarray(4)), true);
        for (const key of [body.subarray(0, shared), body.subarray(0, shared + 3), bytesOf('')])
          expect(['object', 'string']).toContain(typeof look({ bucket: 0, bytes }, COLUMNS, key));
      }),
      { numRuns: 3000 },
    );
  });

  it('twins are found in crowded pages too, and the first of them is told', async () => {
    const rows = Array.from({ length: 1000 }, (_, i): PageRow => ({ key: bytesOf(`${i % 400}`), values: [i, null] }));
    const { pages, duplicates, duplicateKey } = await pagesOf(COLUMNS, rows, 1, FLAGS);
    expect([duplicates, new TextDecoder().decode(duplicateKey!)]).toEqual([600, '0']);
    const [early, late] = ['150', '250'].map((text) => look(pages[0]!, COLUMNS, bytesOf(text)));
    expect([early, late]).toEqual([
      { origin: 0, values: { score: 950, label: null } },
      { origin: 0, values: { score: 650, label: null } },
    ]);
  });

  it('keys of one checksum are two keys', async () => {
    const [a, b] = [bytesOf('plumless'), bytesOf('buckeroo')];
    expect(crc32(a)).toBe(crc32(b));
    const { pages, duplicates } = await pagesOf(
      COLUMNS,
      [
        { key: a, values: [1, 'a'] },
        { key: b, values: [2, 'b'] },
      ],
      1,
      FLAGS,
    );
    expect(duplicates).toBe(0);
    expect([a, b].map((key) => look(pages[0]!, COLUMNS, key))).toEqual([
      { origin: 0, values: { score: 1, label: 'a' } },
      { origin: 0, values: { score: 2, label: 'b' } },
    ]);
  });

  it('hold keys of no byte and of 1,024 bytes', async () => {
    const keys = ['', 'x'.repeat(127), 'x'.repeat(128), 'x'.repeat(1024), 'y'.repeat(1024)].map(bytesOf);
    const rows = keys.map((key, i): PageRow => ({ key, values: [i, ''] }));
    const { pages } = await pagesOf(COLUMNS, rows, 1, FLAGS);
    for (const [i, key] of keys.entries())
      expect(look(pages[0]!, COLUMNS, key)).toEqual({ origin: 0, values: { score: i, label: '' } });
    const alone = await pagesOf(COLUMNS, rows.slice(3, 4), 1, FLAGS);
    expect(look(alone.pages[0]!, COLUMNS, keys[3]!)).toMatchObject({ values: { score: 3 } });
    for (const key of [keys[4]!, keys[2]!]) expect(look(alone.pages[0]!, COLUMNS, key)).toBe('absent');
  });
});

function sampleRows(): PageRow[] {
  return Array.from({ length: 12 }, (_, i) => ({
    key: bytesOf(`row ${i}`),
    origin: i % 3,
    values: [i / 8, i % 4 === 0 ? null : `text ${i}`],
  }));
}
