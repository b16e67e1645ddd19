import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ColumnInfo, FileDescription } from '../../src/base/contract/table.ts';
import { joinFeature, widen } from '../../src/run/plan/column-types.ts';
import { JoinedTypes } from '../../src/run/plan/unify-columns.ts';

const SCALARS = [
  ...['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'FLOAT', 'DOUBLE'],
  ...['DECIMAL(5,2)', 'DECIMAL(20,10)', 'DECIMAL(30,2)', 'DECIMAL(38,0)', 'VARCHAR', 'DATE', 'BOOLEAN'],
  ...['TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP', 'TIMESTAMP_NS', 'TIMESTAMP WITH TIME ZONE'],
];
const type = fc.constantFrom(...SCALARS, ...SCALARS.map((t) => `${t}[]`));

function file(name: string, column: Partial<ColumnInfo>): FileDescription {
  const columns = [{ name: 'v', type: 'INTEGER', nullable: true, ...column }];
  return { uri: name, etag: 'e', size: 1, format: 'parquet', columns, rowGroups: [], rows: 1 };
}

/** What is known of the column after all files, or that they do not go together. */
function added(files: readonly FileDescription[], join: (types: readonly string[]) => string | null): string | null {
  const known = new JoinedTypes(join, false);
  try {
    for (const each of files) known.add(each, ['v']);
    return known.typeOf('v');
  } catch {
    return 'refused';
  }
}

describe('the type of a column over many files', () => {
  it.each([
    ['kept', widen],
    ['a feature', joinFeature],
  ])('%s: is the same in every order of the files', (_, join) => {
    const one = fc.record({ type, onlyNulls: fc.constantFrom(undefined, undefined, undefined, 'values' as const) });
    const drawn = fc.array(one, { minLength: 2, maxLength: 5 });
    const shuffled = drawn.chain((columns) =>
      fc.tuple(fc.constant(columns), fc.shuffledSubarray(columns, { minLength: columns.length })),
    );
    fc.assert(
      fc.property(shuffled, ([columns, others]) => {
        const files = (list: typeof columns) =>
          list.map(({ onlyNulls, ...rest }, i) =>
            file(`${i}`, onlyNulls === undefined ? rest : { ...rest, onlyNulls }),
          );
        expect(added(files(columns), join)).toBe(added(files(others), join));
      }),
      { numRuns: 3000 },
    );
  });

  it('holds every type that it is made of: joined with any of them it stays itself', () => {
    fc.assert(
      fc.property(fc.array(type, { minLength: 1, maxLength: 4 }), (types) => {
        const joined = widen(types);
        if (joined === null) return;
        for (const each of types) expect(widen([each, joined])).toBe(joined);
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    [['INTEGER', 'UINTEGER'], 'BIGINT'],
    [['INTEGER', 'UINTEGER', 'DOUBLE'], 'DOUBLE'],
    [['UTINYINT', 'TINYINT'], 'SMALLINT'],
    [['BIGINT', 'DOUBLE'], null],
    [['TIMESTAMP_NS', 'TIMESTAMP'], 'TIMESTAMP_NS'],
    [['INTEGER[]', 'UINTEGER[]', 'DOUBLE[]'], 'DOUBLE[]'],
  ])('%j: %s', (types, joined) => {
    expect(widen(types)).toBe(joined);
  });
});
