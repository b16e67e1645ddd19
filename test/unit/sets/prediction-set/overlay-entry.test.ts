import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PredictionValue } from '../../../../src/base/contract/prediction-set.ts';
import { encodeOverlay, readOverlay, readOverlayHead } from '../../../../src/sets/prediction-set/overlay-entry.ts';
import { table } from './arbitrary-values.ts';

const FACTS = { scoredAtMs: 1_700_000_000_123, expiresAtMs: 0, modelSha256: 'ab'.repeat(32), source: 'run:a.b.c.1' };
const COLUMNS = [
  { name: 'score', type: 'float64' },
  { name: 'tags', type: 'list<string>' },
] as const;
const SAMPLE = encodeOverlay(FACTS, COLUMNS, { score: 0.5, tags: ['a', null, ''] });

describe('overlay entries', () => {
  it('are read back with facts, names, types and values', () => {
    fc.assert(
      fc.property(
        table(true),
        fc.nat(),
        fc.nat(),
        fc.string({ unit: 'binary' }),
        ({ columns, rows }, scoredAtMs, expiresAtMs, source) => {
          for (const row of rows) {
            const values: Record<string, PredictionValue> = Object.create(null);
            for (const [i, { name }] of columns.entries()) values[name] = row[i]!;
            const facts = { ...FACTS, scoredAtMs, expiresAtMs, source };
            const entry = encodeOverlay(facts, columns, values);
            const { values: read, ...rest } = readOverlay(entry)!;
            expect(rest).toEqual(facts);
            expect(Object.keys(read)).toEqual(columns.map((c) => c.name));
            for (const { name } of columns) expect(read[name]).toEqual(values[name]);
            expect(readOverlayHead(entry)).toEqual({ scoredAtMs, expiresAtMs });
          }
        },
      ),
    );
  });

  it('with any one byte changed, or cut, are none', () => {
    for (let at = 0; at < SAMPLE.length; at++) {
      const bytes = SAMPLE.slice();
      bytes[at]! ^= 1 << (at % 8);
      expect([readOverlay(bytes), readOverlayHead(bytes)]).toEqual([null, null]);
      expect(readOverlay(SAMPLE.subarray(0, at))).toBeNull();
    }
  });

  it('with other bytes under a right checksum are an entry or none, and never an error', () => {
    for (let at = 4; at < SAMPLE.length; at++) {
      for (const flip of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
        const bytes = SAMPLE.slice();
        bytes[at]! ^= flip;
        new DataView(bytes.buffer).setUint32(0, crc32(bytes.subarray(4)), true);
        expect(typeof readOverlay(bytes)).toBe('object');
      }
    }
  });
});
