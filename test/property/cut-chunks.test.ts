import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CuttableFile, chunkTarget, cutChunks, longestFirst } from '../../src/run/plan/cut-chunks.ts';

const group = fc.record({
  rows: fc.integer({ min: 0, max: 5000 }),
  compressedBytes: fc.integer({ min: 0, max: 1_000_000 }),
  uncompressedBytes: fc.integer({ min: 0, max: 4_000_000 }),
});
const size = fc.integer({ min: 0, max: 1e9 });
const file: fc.Arbitrary<CuttableFile> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ rowGroups: fc.array(group, { maxLength: 12 }), size }) },
  { weight: 1, arbitrary: fc.record({ rowGroups: fc.constant(null), size }) },
  {
    weight: 3,
    arbitrary: fc.record({ rowGroups: fc.constant(null), size, textBytes: fc.integer({ min: 0, max: 50e6 }) }),
  },
);

describe('cutChunks', () => {
  it('puts every row into exactly one chunk, in order, on row-group boundaries', () => {
    fc.assert(
      fc.property(
        fc.array(file, { maxLength: 15 }),
        fc.integer({ min: 1, max: 20_000 }),
        fc.integer({ min: 1, max: 8_000_000 }),
        (files, rows, bytes) => {
          const chunks = cutChunks(files, { rows, bytes });
          expect(chunks.map((c) => c.n)).toEqual(chunks.map((_, i) => i));
          const seen = chunks.flatMap((c) => c.slices);
          const order = seen.map((s) => s.file * 1e9 + s.rowStart);
          expect(order).toEqual([...order].sort((a, b) => a - b));
          files.forEach((f, index) => {
            const slices = seen.filter((s) => s.file === index);
            if (f.rowGroups === null) {
              expect(slices).toEqual([{ file: index, rowStart: 0, rowEnd: null }]);
              return;
            }
            const edges = new Set([0]);
            let total = 0;
            for (const g of f.rowGroups) {
              total += g.rows;
              edges.add(total);
            }
            let at = 0;
            for (const s of slices) {
              expect(s.rowStart).toBe(at);
              expect(s.rowEnd).toBeGreaterThan(s.rowStart);
              expect(edges.has(s.rowStart) && edges.has(s.rowEnd!)).toBe(true);
              at = s.rowEnd!;
            }
            expect(at).toBe(total);
          });
        },
      ),
    );
  });

  it('is over its target only where one row group is', () => {
    fc.assert(
      fc.property(fc.array(file, { maxLength: 10 }), fc.integer({ min: 1, max: 20_000 }), (files, rows) => {
        const largest = Math.max(0, ...files.flatMap((f) => f.rowGroups?.map((g) => g.rows) ?? []));
        for (const chunk of cutChunks(files, { rows, bytes: Number.POSITIVE_INFINITY })) {
          if (chunk.rows !== null) expect(chunk.rows).toBeLessThanOrEqual(Math.max(rows, largest));
        }
      }),
    );
  });

  it('packs text files with their neighbours up to 32 MiB and 64 files; an Arrow stream has a chunk of its own', () => {
    fc.assert(
      fc.property(fc.array(file, { maxLength: 40 }), (files) => {
        for (const { slices, rows } of cutChunks(files, { rows: 1000, bytes: 1e6 })) {
          const own = slices.map((s) => files[s.file]!);
          if (own.every((f) => f.rowGroups !== null)) {
            expect(rows).not.toBeNull();
            continue;
          }
          expect(rows).toBeNull();
          expect(own.every((f) => f.rowGroups === null)).toBe(true);
          if (own.length === 1) continue;
          expect(own.length).toBeLessThanOrEqual(64);
          const bytes = own.reduce((sum, f) => sum + (f.textBytes ?? Number.POSITIVE_INFINITY), 0);
          expect(bytes).toBeLessThanOrEqual(32 * 2 ** 20);
        }
      }),
    );
  });

  it('cuts large row groups where the job asks for smaller chunks, each row once, and no others', () => {
    const large = fc.record({
      rows: fc.integer({ min: 0, max: 3_000_000 }),
      compressedBytes: fc.constant(1000),
      uncompressedBytes: fc.constant(9000),
    });
    fc.assert(
      fc.property(fc.array(large, { maxLength: 6 }), fc.integer({ min: 1, max: 400_000 }), (rowGroups, asked) => {
        const files = [{ rowGroups, size: 1e9, isShareable: true }];
        const total = rowGroups.reduce((sum, g) => sum + g.rows, 0);
        const slices = cutChunks(files, chunkTarget(total, asked)).flatMap((c) => c.slices);
        let at = 0;
        for (const { rowStart, rowEnd } of slices) {
          expect(rowStart).toBe(at);
          at = rowEnd!;
        }
        expect(at).toBe(total);
        for (const chunk of cutChunks(files, chunkTarget(total, asked))) {
          const group = Math.max(0, ...rowGroups.map((g) => g.rows));
          const most = Math.max(asked, 65_535, Math.ceil(group / 16));
          expect(chunk.rows).toBeLessThanOrEqual(most);
        }
        expect(cutChunks([{ rowGroups, size: 1e9 }], chunkTarget(total, asked)).length).toBeLessThanOrEqual(6);
      }),
    );
    const one = [
      { rowGroups: [{ rows: 1_000_000, compressedBytes: 1, uncompressedBytes: 1 }], size: 9, isShareable: true },
    ];
    expect(cutChunks(one, chunkTarget(1_000_000, 'auto'))).toHaveLength(1);
    expect(cutChunks(one, chunkTarget(1_000_000, 131_072)).map((c) => c.rows)).toEqual(new Array(8).fill(125_000));
  });

  it('is a pure function, and longest first is a permutation by bytes', () => {
    fc.assert(
      fc.property(fc.array(file, { maxLength: 10 }), (files) => {
        const target = chunkTarget(1_000_000, 'auto');
        const chunks = cutChunks(files, target);
        expect(cutChunks(structuredClone(files), target)).toEqual(chunks);
        const ordered = longestFirst(chunks);
        expect(ordered.map((c) => c.n).sort((a, b) => a - b)).toEqual(chunks.map((c) => c.n));
        for (let i = 1; i < ordered.length; i++) expect(ordered[i]!.bytes).toBeLessThanOrEqual(ordered[i - 1]!.bytes);
      }),
    );
  });
});
