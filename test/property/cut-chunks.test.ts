import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CuttableFile, chunkTarget, cutChunks, longestFirst } from '../../src/run/plan/cut-chunks.ts';

const group = fc.record({
  rows: fc.integer({ min: 0, max: 5000 }),
  compressedBytes: fc.integer({ min: 0, max: 1_000_000 }),
  uncompressedBytes: fc.integer({ min: 0, max: 4_000_000 }),
});
const file: fc.Arbitrary<CuttableFile> = fc.record({
  rowGroups: fc.oneof(
    { weight: 9, arbitrary: fc.array(group, { maxLength: 12 }) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  size: fc.integer({ min: 0, max: 1e9 }),
});

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
