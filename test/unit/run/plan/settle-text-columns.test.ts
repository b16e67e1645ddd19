import { describe, expect, it } from 'vitest';
import type { ColumnInfo, FileDescription } from '../../../../src/base/contract/table.ts';
import { settleTextColumns } from '../../../../src/run/plan/settle-text-columns.ts';

type Guess = string | { readonly type: string; readonly hasLongIntegers: true };

/** A CSV file with one column `v`; an empty text: without a value. */
function csv(name: string, guess: Guess, column = 'v'): FileDescription {
  const { type, ...more } = typeof guess === 'string' ? { type: guess } : guess;
  const isEmpty = type === '';
  const v: ColumnInfo = {
    ...{ name: column, type: isEmpty ? 'VARCHAR' : type, nullable: true },
    text: { field: 0, isDeclared: false, ...more, ...(isEmpty ? { isEmpty: true } : {}) },
    ...(isEmpty ? { unsupported: 'empty' } : {}),
  };
  return {
    ...{ uri: name, etag: 'e', size: 1, format: 'csv', columns: [v], rowGroups: [], rows: null },
    text: { compression: 'none', csv: null },
  };
}

function settle(guesses: readonly Guess[], schema: Readonly<Record<string, string>> | null = null): string[] {
  const files = settleTextColumns(
    guesses.map((guess, i) => csv(`${i}.csv`, guess)),
    schema,
  );
  return files.map(({ columns }) => {
    const { type, conflict, unsupported } = columns[0]!;
    return `${type}${conflict === undefined ? '' : ` against ${conflict.type} of ${conflict.uri}`}${unsupported === undefined ? '' : ', none'}`;
  });
}

const LONG = { type: 'BIGINT', hasLongIntegers: true } as const;

describe('the types of a table of text files', () => {
  it.each<[string, readonly Guess[], readonly string[]]>([
    ['agree', ['BIGINT', 'BIGINT'], ['BIGINT', 'BIGINT']],
    ['are doubles where some are', ['BIGINT', 'DOUBLE', 'BIGINT'], ['DOUBLE', 'DOUBLE', 'DOUBLE']],
    [
      'are no doubles where these would change integers',
      [LONG, 'DOUBLE', LONG],
      ['BIGINT', 'DOUBLE against BIGINT of 0.csv', 'BIGINT'],
    ],
    [
      'are those of most files',
      ['VARCHAR', 'BIGINT', 'DOUBLE'],
      ['VARCHAR against DOUBLE of 2.csv', 'DOUBLE', 'DOUBLE'],
    ],
    ['are those of the first of as many', ['VARCHAR', 'BIGINT'], ['VARCHAR', 'BIGINT against VARCHAR of 0.csv']],
    [
      'are no dates beside times, nor numbers beside flags',
      ['DATE', 'TIMESTAMP'],
      ['DATE', 'TIMESTAMP against DATE of 0.csv'],
    ],
    ['are given to a file without a value', ['', 'DATE', ''], ['DATE', 'DATE', 'DATE']],
    ['are none where no file has a value', ['', ''], ['VARCHAR, none', 'VARCHAR, none']],
  ])('%s', (_, guesses, expected) => {
    expect(settle(guesses)).toEqual(expected);
  });

  it('are what the job declares', () => {
    expect(settle(['BIGINT', 'VARCHAR', ''], { v: 'INTEGER', other: 'DATE' })).toEqual([
      'INTEGER',
      'INTEGER',
      'INTEGER',
    ]);
    expect(settle(['BIGINT'], { v: 'FLOAT[]' })).toEqual(['FLOAT[], none']);
    const [file] = settleTextColumns([{ ...csv('a', 'BIGINT'), format: 'jsonl' }], { w: 'DOUBLE' });
    expect(file!.columns.map((c) => [c.name, c.type, c.text?.isDeclared])).toEqual([
      ['v', 'BIGINT', false],
      ['w', 'DOUBLE', true],
    ]);
  });

  it('leave files of other formats as they are', () => {
    const { text: _, ...parquet } = { ...csv('a', 'BIGINT'), format: 'parquet' as const };
    expect(settleTextColumns([parquet, csv('b', 'VARCHAR')], { v: 'DATE' })[0]).toBe(parquet);
  });
});
