import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isPrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import { seeded } from '../../../../src/model/elements/seeded.ts';
import { runPython } from '../../../harness/python.ts';
import { ArrowBench } from './arrow-fixture.ts';

/** More with PRESCORE_FUZZ, for a longer search: each run of the tests does 200 of each. */
const ROUNDS = Number(process.env['PRESCORE_FUZZ'] ?? 200);
const FILES = ['mixed.file.none', 'mixed.stream.none', 'mixed.file.lz4', 'mixed.stream.lz4'];
const BATCHES = [40, 30, 20];

describe('damaged copies of files and streams', () => {
  let bench: ArrowBench;

  beforeAll(async () => {
    bench = await ArrowBench.open();
    await runPython('make_arrow.py', [bench.folder, 'mixed']);
  }, 300_000);

  afterAll(() => bench.close());

  const bytesOf = (round: number): Buffer => readFileSync(join(bench.folder, `${FILES[round % FILES.length]}.arrow`));

  /** The code of the refusal, or null when all rows were read. Anything else fails the test. */
  async function outcome(bytes: Uint8Array, label: string): Promise<string | null> {
    try {
      const { rowsPerBatch, columns, target } = await bench.convert(bytes);
      expect(rowsPerBatch, label).toEqual(BATCHES);
      for (const [, values] of columns) expect(values.length, label).toBe(90);
      rmSync(target);
      return null;
    } catch (error) {
      if (isPrescoreError(error) && error.code !== 'INTERNAL') return error.code;
      throw new Error(`${label}: ${String(error)}`, { cause: error });
    }
  }

  it(`refuses ${ROUNDS} truncated copies (A3, A35)`, async () => {
    const random = seeded(1);
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = bytesOf(round);
      const length = Math.floor(random() * bytes.length);
      expect(await outcome(bytes.subarray(0, length), `round ${round}`)).toMatch(/^INPUT_/);
    }
  }, 600_000);

  it(`refuses ${ROUNDS} copies with one flipped bit, or reads all their rows (A08)`, async () => {
    const random = seeded(2);
    const outcomes = new Map<string | null, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = bytesOf(round);
      const bit = Math.floor(random() * bytes.length * 8);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const code = await outcome(bytes, `round ${round}, bit ${bit}`);
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
    }
    // Both happen: a format without checksums cannot notice a flipped bit in a number.
    expect(outcomes.size).toBeGreaterThan(2);
    expect(outcomes.get(null)).toBeGreaterThan(0);
  }, 600_000);
});
