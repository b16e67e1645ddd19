import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../../src/base/errors/error-codes.ts';
import { failureOf } from '../../../harness/failure-of.ts';
import { type TextQuery, TextTables } from '../../../harness/text-tables.ts';

const tables = new TextTables();
afterAll(() => tables.close());

async function refuses(text: string | Uint8Array, code: ErrorCode, says: RegExp, query: TextQuery = {}): Promise<void> {
  const error = await failureOf(tables.describe(text, query));
  expect(error.code).toBe(code);
  expect(error.message).toMatch(says);
}

describe('what a text file is', () => {
  it.each<[string, string, 'csv' | 'jsonl']>([
    ['t.csv', 'a,b\n1,2\n', 'csv'],
    ['t.tsv', 'a\tb\n1\t2\n', 'csv'],
    ['t.jsonl', '{"a":1}\n', 'jsonl'],
    ['t.ndjson', '{"a":1}\n', 'jsonl'],
    ['t.json', '{"a":1}', 'jsonl'],
    ['t.csv', '{"a":1}\n{"a":2}\n', 'jsonl'],
    ['t.csv', '{a},[b]\n1,2\n', 'csv'],
    ['t.csv', '[a],[b]\n1,2\n', 'csv'],
    ['part-0', '{"a":1}\n', 'jsonl'],
    ['part-0', 'a,b\n1,2\n', 'csv'],
    ['t.csv', '\ufeff{"a":1}\n', 'jsonl'],
  ])('%s of %j is %s', async (name, text, format) => {
    expect((await tables.describe(text, { name })).format).toBe(format);
  });

  it('is what the job says', async () => {
    expect((await tables.describe('{"a":1}\n2\n', { name: 't.jsonl', format: 'csv' })).format).toBe('csv');
    await refuses('a,b\n1,2\n', 'INPUT_FORMAT', /line 1: the line is no JSON object/, { format: 'jsonl' });
  });

  it.each<[string, string | Uint8Array, ErrorCode, RegExp]>([
    ['t.csv', '', 'INPUT_EMPTY_FILE', /zero bytes/],
    ['t.csv', '\ufeff', 'INPUT_EMPTY_FILE', /no text/],
    ['t.csv', '\n\n', 'INPUT_FORMAT', /no line with the names/],
    ['t.csv', 'PAR1....', 'INPUT_FORMAT', /the file is Parquet/],
    ['t.csv', 'ARROW1..', 'INPUT_FORMAT', /the file is Arrow/],
    ['t.csv', 'a,b,a\n1,2,3\n', 'INPUT_DUPLICATE_COLUMN', /two columns are named "a"/],
    [
      't.csv',
      '1,2.5,2013-01-01\n1,2,3\n',
      'INPUT_FORMAT',
      /the first line holds values rather than names.*names: \[…\]/,
    ],
    [
      't.csv',
      'a,b\n1,2,3\n4,5,6\n',
      'INPUT_FORMAT',
      /no record has as many fields as the first line has names; .*expected 2; got 3/,
    ],
    ['t.csv', 'a,"b\n1,2\n', 'INPUT_FORMAT', /the first line is malformed/],
    ['t.csv', 'a,b\r1,2\r', 'INPUT_UNSUPPORTED', /carriage return alone.*tr '\\r' '\\n' < t\.csv/],
    ['t.json', '[\n {"a":1},\n {"a":2}\n]\n', 'INPUT_FORMAT', /one JSON list.*jq -c '\.\[\]' t\.json > t\.jsonl/],
    ['t.json', '[{"a":1},{"a":2}]', 'INPUT_FORMAT', /one JSON list/],
    ['data', '[{"a":1}]\n', 'INPUT_FORMAT', /one JSON list/],
    [
      't.json',
      '{\n "a": 1,\n "b": {\n  "c": 2 }\n}\n{\n "a": 2\n}\n',
      'INPUT_FORMAT',
      /over several lines.*jq -c \. t\.json > t\.jsonl/,
    ],
    ['t.jsonl', 'x\ny\n', 'INPUT_FORMAT', /line 1: the line is no JSON object/],
  ])('%s of %j is refused: %s', async (name, text, code, says) => {
    await refuses(text, code, says, { name });
  });

  it('names twice, or none, are for the job to give', async () => {
    const csv = { names: ['x', 'y', 'z'], header: true };
    expect((await tables.describe('a,b,a\n1,2,3\n', { csv })).columns.map((c) => c.name)).toEqual(['x', 'y', 'z']);
    await refuses('A,B\n1,2\n', 'INPUT_FORMAT', /the first line has the names.*header: true/, {
      csv: { names: ['a', 'b'] },
    });
    const years = await tables.describe('2019,2020\n1,2\n', { csv: { header: true } });
    expect(years.columns.map((c) => c.name)).toEqual(['2019', '2020']);
    // pandas writes an index without a name so.
    const index = await tables.describe(',a,b\n0,1,2\n', {});
    expect(index.columns.map((c) => [c.name, c.text?.field])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('lines that are malformed do not hide what the others are', async () => {
    const csv = await tables.describe('a,b\nbroken\n1,2.5\n"x"y,1\n2,3\n');
    expect(csv.columns.map((c) => c.type)).toEqual(['BIGINT', 'DOUBLE']);
    const jsonl = await tables.describe('{"a":\n{"a":1}\nbroken\n{"b":"x"}\n', { name: 't.jsonl' });
    expect(jsonl.columns.map((c) => `${c.name} ${c.type}`)).toEqual(['a BIGINT', 'b VARCHAR']);
  });

  it('more columns than can be are refused', async () => {
    const names = Array.from({ length: 20_001 }, (_, i) => `c${i}`);
    await refuses(`${names.join(',')}\n`, 'INPUT_UNSUPPORTED', /20001 fields/);
    const line = `{${names.map((n) => `"${n}":1`).join(',')}}\n`;
    await refuses(line, 'INPUT_UNSUPPORTED', /more than 20000 different names/, { name: 't.jsonl' });
  });
});

describe('encodings', () => {
  const latin1 = Buffer.from('a,b\n1,caf\u00e9\n2,na\u00efve\n', 'latin1');

  it.each<[string, Uint8Array, RegExp]>([
    [
      'latin1',
      latin1,
      /line 2 is not UTF-8; .*expected UTF-8\. Convert it .*iconv -f WINDOWS-1252 -t UTF-8 table\.csv > utf8-table\.csv/,
    ],
    [
      'UTF-16 with a mark',
      Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'),
      /the file is UTF-16; .*iconv -f UTF-16 -t UTF-8/,
    ],
    ['UTF-16 without a mark', Buffer.from('a,b\n1,2\n3,4\n', 'utf16le'), /the file is UTF-16LE/],
    ['UTF-16 of the other order', Buffer.from('\ufeffa,b\n1,2\n3,4\n', 'utf16le').swap16(), /the file is UTF-16;/],
  ])('%s is refused with the command that converts it', async (_, bytes, says) => {
    await refuses(bytes, 'INPUT_UNSUPPORTED', says);
  });

  it('a single bad text among good ones is left to its row', async () => {
    const bytes = Buffer.concat([Buffer.from('a,b\n1,\u00e9\n'), Buffer.from([0x32, 0x2c, 0xe9, 0x0a])]);
    expect((await tables.read(bytes)).faults).toEqual(['3: bad_utf8 b: a text is not valid UTF-8']);
  });

  it('a character across the end of the sample is whole', async () => {
    for (let shift = 0; shift < 5; shift++) {
      const text = `a,b\n${'x'.repeat(shift)},1\n${'😀,1\n'.repeat(200_000)}`;
      expect((await tables.describe(text)).columns.map((c) => c.type)).toEqual(['VARCHAR', 'BIGINT']);
    }
  });
});

describe('what comes later in a file', () => {
  const lines = (count: number, line: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => line(i)).join('\n');
  const late = (i: number, first: string, then: string): string => (i < 150_000 ? first : then);

  it.each([
    ['as it is', (text: string) => Buffer.from(text)],
    ['packed', (text: string) => gzipSync(text)],
  ])('counts for CSV as long as it makes no text of what the first lines have, %s', async (_, pack) => {
    const text = lines(
      300_000,
      (i) =>
        `${i},${late(i, '0', '0.5')},${late(i, '', 'x')},${late(i, '7', 'y')},${late(i, '2013-01-01', '2013-01-01 10:00:00')}`,
    );
    const { columns } = await tables.describe(pack(`a,b,c,d,e\n${text}\n`));
    expect(columns.map((c) => c.type)).toEqual(['BIGINT', 'DOUBLE', 'VARCHAR', 'BIGINT', 'TIMESTAMP']);
  });

  it('counts for JSONL as long as the column can be read with it', async () => {
    const text = lines(
      200_000,
      (i) =>
        `{"a":${i},"b":${late(i, '0', '0.5')},"c":${late(i, 'null', '"x"')},"d":${late(i, '7', '"y"')}${late(i, '', ',"e":true')}}`,
    );
    const { columns } = await tables.describe(`${text}\n`, { name: 't.jsonl' });
    expect(columns.map((c) => `${c.name} ${c.type} ${c.unsupported}`)).toEqual([
      'a BIGINT undefined',
      'b DOUBLE undefined',
      'c VARCHAR undefined',
      'd BIGINT undefined',
      'e BOOLEAN undefined',
    ]);
  });

  it('counts for nothing where it does not look like records', async () => {
    const long = `"${'1.5\n'.repeat(200_000)}"`;
    const { columns } = await tables.describe(`a,b\n${'1,2\n'.repeat(300_000)}${`3,${long}\n`.repeat(10)}`);
    expect(columns.map((c) => c.type)).toEqual(['BIGINT', 'BIGINT']);
  });
});
