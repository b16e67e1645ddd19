import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PredictionValue, ScalarType, ValueType } from '../../../../src/base/contract/prediction-set.ts';
import { Duck } from '../../../../src/data/duckdb/duckdb.ts';
import { encodeValue, readValue } from '../../../../src/sets/prediction-set/value-codec.ts';
import { Cursor } from '../../../../src/sets/prediction-set/varint.ts';
import { valueSource } from '../../../../src/sets/publish/value-source.ts';
import { listOf, SCALAR_TYPES, SCALARS } from '../prediction-set/arbitrary-values.ts';

const DUCK: Readonly<Record<ScalarType, string>> = {
  bool: 'BOOLEAN',
  int8: 'TINYINT',
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  uint8: 'UTINYINT',
  uint16: 'USMALLINT',
  uint32: 'UINTEGER',
  uint64: 'UBIGINT',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  string: 'VARCHAR',
};

describe('what the publisher writes from the memory of DuckDB', () => {
  const scratchDir = mkdtempSync(join(tmpdir(), 'prescore-values-'));
  let duck: Duck;

  beforeAll(async () => {
    duck = await Duck.open({ memoryBytes: 256 * 2 ** 20, scratchDir, scratchBytes: 2 ** 30 });
  });

  afterAll(() => {
    duck.close();
    rmSync(scratchDir, { recursive: true, force: true });
  });

  /** Rows of one column of DuckDB in the bytes of the page format; null where they are null. */
  async function written(values: readonly PredictionValue[], type: ValueType, duckType: string) {
    const rows = values.map((value, i) => `(${i}, ${literal(value)})`).join(', ');
    const found: (Uint8Array | null)[] = [];
    for await (const batch of duck.stream(`select v::${duckType} from (values ${rows}) t(i, v) order by i`, {
      where: 'values',
      columns: [],
    })) {
      const source = valueSource({ name: 'v', type }, batch.column(0));
      for (let row = 0; row < batch.rows; row++) {
        if (source.isNull(row)) found.push(null);
        else {
          const bytes = new Uint8Array(source.size(row));
          expect(source.write(row, bytes, 0)).toBe(bytes.length);
          found.push(bytes);
        }
      }
    }
    return found;
  }

  it.each(SCALAR_TYPES)('%s, and lists of it, are the bytes that readers read', async (type) => {
    const listType: ValueType = `list<${type}>`;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(SCALARS[type]), { minLength: 1, maxLength: 60 }),
        fc.array(fc.option(listOf(type)), { minLength: 1, maxLength: 12 }),
        async (values, lists) => {
          const readable = (list: readonly PredictionValue[]) => list.filter((v) => !hasNul(v));
          for (const [rows, rowType, duckType] of [
            [readable(values), type, DUCK[type]],
            [lists.map((list) => (list === null ? null : readable(list))), listType, `${DUCK[type]}[]`],
          ] as const) {
            if (rows.length === 0) continue;
            const found = await written(rows, rowType, duckType);
            for (const [i, value] of rows.entries()) {
              const bytes = found[i]!;
              if (value === null) expect(bytes).toBeNull();
              else if (isNumberless(value))
                expect(readValue(new Cursor(bytes, 0, bytes.length), rowType)).toEqual(value);
              else expect([...bytes]).toEqual([...encodeValue(value, rowType)]);
            }
          }
        },
      ),
      { numRuns: 15 },
    );
  });
});

/** NaN has many bit patterns, which all read as NaN. */
function isNumberless(value: PredictionValue): boolean {
  return Array.isArray(value) ? value.some(isNumberless) : Number.isNaN(value);
}

/** A text with a NUL cannot be written as an SQL literal. */
function hasNul(value: PredictionValue): boolean {
  return typeof value === 'string' && value.includes('\0');
}

function literal(value: PredictionValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (typeof value === 'number' && !Number.isInteger(value)) return `'${value}'::DOUBLE`;
  return Object.is(value, -0) ? `'-0.0'::DOUBLE` : String(value);
}
