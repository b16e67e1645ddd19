import { afterAll, describe, expect, it } from 'vitest';
import { TextTables } from '../../../harness/text-tables.ts';

const tables = new TextTables();
afterAll(() => tables.close());

const name = 'table.jsonl';
const read = (text: string | Uint8Array, query = {}) => tables.read(text, { name, ...query });

/** What a column of a type makes of a JSON value: its value, or the fault. */
async function value(type: string, json: string): Promise<unknown> {
  const { faults, rows } = await read(`{"v":${json}}\n`, { schema: { v: type } });
  return faults[0]?.replace(/^1: bad_value v: /, '') ?? rows[0]?.['v'];
}

describe('lines of JSON', () => {
  it('are rows: names in any order, a missing one and null are null, blank lines are none', async () => {
    const text = '{"a":1,"b":"x"}\r\n\n  { "b" : null , "a":2.0e0 }  \n{"a":-0.5}\n{}\n{"c":{"d":1},"a":3}';
    const { rows, lines, types } = await read(text);
    expect(types).toEqual({ a: 'DOUBLE', b: 'VARCHAR' });
    expect(rows).toEqual([
      { a: 1, b: 'x' },
      { a: 2, b: null },
      { a: -0.5, b: null },
      { a: null, b: null },
      { a: 3, b: null },
    ]);
    expect(lines).toEqual([1, 3, 4, 5, 6]);
  });

  it('integers of 64 bits are what they are', async () => {
    const { rows } = await read('{"a":9007199254740993,"b":-9223372036854775808}\n{"a":1,"b":9223372036854775807}\n');
    expect(rows).toEqual([
      { a: 9007199254740993n, b: -(2n ** 63n) },
      { a: 1n, b: 2n ** 63n - 1n },
    ]);
  });

  it('names and texts with escapes are what JSON.parse makes of them', async () => {
    const texts = ['"', '\\', '/', '\b\f\n\r\t', 'é', '€', '😀', 'a\u0000b', '\u007f', ''];
    const escaped = texts.map((t) =>
      JSON.stringify(t).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
    );
    const lines = [
      ...texts.map((t) => `{"k\\u00e9y":${JSON.stringify(t)}}`),
      ...escaped.map((t) => `{"kéy":${t}}`),
      '{"kéy":"\\/"}',
    ];
    const { rows } = await read(lines.join('\n'));
    expect(rows.map((r) => r['kéy'])).toEqual([...texts, ...texts, '/']);
  });

  it.each<[string, string]>([
    ['{"a":1', 'the JSON object does not end'],
    ['{"a":1}}', 'something follows the JSON object'],
    ['{"a":1} {"a":2}', 'something follows the JSON object'],
    ['[1]', 'the line is no JSON object'],
    ['5', 'the line is no JSON object'],
    ['{"a":NaN}', 'the line is not JSON'],
    ['{"a":01}', 'the line is not JSON'],
    ['{"a":+1}', 'the line is not JSON'],
    ['{"a":.5}', 'the line is not JSON'],
    ['{"a":5.}', 'the line is not JSON'],
    ['{"a":1e}', 'the line is not JSON'],
    ['{"a":-}', 'the line is not JSON'],
    ['{"a":tru}', 'the line is not JSON'],
    ["{'a':1}", 'the line is not JSON'],
    ['{a:1}', 'the line is not JSON'],
    ['{"a":1,}', 'the line is not JSON'],
    ['{,"a":1}', 'the line is not JSON'],
    ['{"a" 1}', 'the line is not JSON'],
    ['{"a":"x\ty"}', 'the line is not JSON'],
    ['{"a":"\\x"}', 'the line is not JSON'],
    ['{"a":"\\u12g4"}', 'the line is not JSON'],
    ['{"a":"x', 'the JSON object does not end'],
    ['{"b":{"c":[1,}}}', 'the line is not JSON'],
    ['{"b":[1,2,"a":1}', 'the JSON object does not end'],
    ['{"b":{"c":nul}}', 'the line is not JSON'],
  ])('%s is a fault: %s', async (line, message) => {
    const { faults, rows } = await read(`{"a":1}\n${line}\n{"a":3}\n`, { columns: ['a'] });
    expect(faults).toEqual([`2: malformed : ${message}`]);
    expect(rows.map((r) => r['a'])).toEqual([1n, null, 3n]);
  });

  it('a wanted name that stands twice is a fault; one that nobody wants is none', async () => {
    const { faults } = await read('{"a":1,"b":2}\n{"a":1,"a":1,"b":3}\n{"a":1,"\\u0061":2}\n{"a":1,"b":1,"b":2}\n', {
      columns: ['a'],
    });
    expect(faults).toEqual([
      '2: malformed a: the name stands twice in the object',
      '3: malformed a: the name stands twice in the object',
    ]);
  });

  it('half of a surrogate pair and bytes that are not UTF-8 are faults of their column', async () => {
    const lines = [
      '{"a":"é","b":1}',
      '{"a":"\\ud800","b":2}',
      '{"a":"\\udc00\\ud800","b":3}',
      '{"a":"\\ud83d\\ude00","b":4}',
      '{"a":"X","b":5}',
    ];
    const bytes = Buffer.from(lines.join('\n'));
    bytes[bytes.lastIndexOf('X')] = 0xe9;
    const { faults, rows } = await read(bytes);
    expect(faults.map((f) => f.slice(0, 13))).toEqual(['2: bad_utf8 a', '3: bad_utf8 a', '5: bad_utf8 a']);
    expect(rows.map((r) => r['a'])).toEqual(['é', null, null, '😀', null]);
  });

  it('longer than the limit are faults, and what follows is read', async () => {
    const { faults, lines } = await read(`{"a":1}\n{"a":2,"b":"${'x'.repeat(17 * 2 ** 20)}"}\n{"a":3}\n`, {
      columns: ['a'],
    });
    expect(faults).toEqual(['2: malformed : a line is longer than 16 MiB']);
    expect(lines).toEqual([1, 2, 3]);
  });

  it('a later value of another kind is a fault', async () => {
    const many = Array.from({ length: 60_000 }, (_, i) => `{"a":${i},"b":"${i}"}`);
    const { faults } = await read(
      [...many, '{"a":1.5,"b":"x"}', '{"a":"7","b":"x"}', '{"a":7,"b":7}', '{"a":{},"b":"x"}'].join('\n'),
    );
    expect(faults.map((f) => f.slice(0, 18))).toEqual([
      '60001: bad_value a',
      '60002: bad_value a',
      '60003: bad_value b',
      '60004: bad_value a',
    ]);
  });
});

describe('the types of JSON values', () => {
  it.each<[string, string]>([
    ['["a"]', 'it holds lists of something else than numbers, or than flags'],
    ['[[1]]', 'it holds lists of something else than numbers, or than flags'],
    ['[1, true]', 'it holds lists of something else than numbers, or than flags'],
    ['[1]}\n{"v":1', 'it holds lists and numbers'],
    ['[null]', 'the first lines have no value in it; say its type in input.schema'],
    ['{"x":1}', 'it holds objects'],
    ['null', 'the first lines have no value in it; say its type in input.schema'],
    ['18446744073709551616', 'it holds numbers beyond 64 bits; say its type in input.schema'],
    ['1}\n{"v":"x"', 'it holds numbers and texts'],
    ['true}\n{"v":0', 'it holds true or false and numbers'],
    [
      '9007199254740993}\n{"v":0.5',
      'it holds fractions, and integers that a double would change; say its type in input.schema',
    ],
  ])('%s is not guessed: %s', async (json, unsupported) => {
    const { columns } = await tables.describe(`{"v":${json}}\n`, { name });
    expect(columns).toMatchObject([{ name: 'v', unsupported }]);
  });

  it.each<[string, string, unknown]>([
    ['BIGINT', '"123"', 123n],
    ['BIGINT', '1.0', 'expected a whole number from -9223372036854775808 to 9223372036854775807'],
    ['INTEGER', '"123"', 'expected a whole number from -2147483648 to 2147483647'],
    ['UBIGINT', '18446744073709551615', 2n ** 64n - 1n],
    ['DOUBLE', '18446744073709551616', 2 ** 64],
    ['DOUBLE', '"1.5"', 'expected a number that a double holds'],
    ['DOUBLE', '1e999', 'expected a number that a double holds'],
    ['DECIMAL(38,2)', '12345678901234567890.25', '12345678901234567890.25'],
    ['DECIMAL(38,2)', '"0.5"', '0.50'],
    ['BOOLEAN', 'true', true],
    ['BOOLEAN', '1', 'expected true or false'],
    ['BOOLEAN', '"true"', 'expected true or false'],
    ['DATE', '"2013-01-31"', '2013-01-31'],
    ['DATE', '15736', 'expected a date as 2013-01-31'],
    ['TIMESTAMP WITH TIME ZONE', '"2013-01-31T00:00:00Z"', '2013-01-31 00:00:00+00'],
    [
      'BIGINT[]',
      '"1"',
      'expected a list, each element a whole number from -9223372036854775808 to 9223372036854775807',
    ],
    [
      'BIGINT[]',
      '[1, 0.5]',
      'expected a list, each element a whole number from -9223372036854775808 to 9223372036854775807',
    ],
    ['TINYINT[]', '[127, 128]', 'expected a list, each element a whole number from -128 to 127'],
    [
      'BIGINT[]',
      '[[1]]',
      'expected a list, each element a whole number from -9223372036854775808 to 9223372036854775807',
    ],
    ['VARCHAR', '5', 'expected a text'],
    ['VARCHAR', 'null', null],
    ['VARCHAR', '""', ''],
  ])('%s of %s', async (type, json, expected) => {
    expect(await value(type, json)).toEqual(expected);
  });

  it('lists are read element by element, of every row their own', async () => {
    const lists = [
      '[1, 9007199254740993 ,null]',
      '[]',
      'null',
      '[ -0 ]',
      `[${Array.from({ length: 3000 }, (_, i) => i)}]`,
      '["x"]',
      '[5]',
    ];
    const text = lists.map((list) => `{"v":${list}}`).join('\n');
    const { rows, faults } = await read(text, { schema: { v: 'BIGINT[]' } });
    expect(rows.map(({ v }) => v)).toEqual([
      [1n, 9007199254740993n, null],
      [],
      null,
      [0n],
      Array.from({ length: 3000 }, (_, i) => BigInt(i)),
      null,
      [5n],
    ]);
    expect(faults.map((fault) => fault.slice(0, 15))).toEqual(['6: bad_value v:']);
    const floats = await read('{"v":[0.1,1]}\n{"v":[2]}\n', { schema: { v: 'FLOAT[]' } });
    expect(floats.rows).toEqual([{ v: '[0.1, 1.0]' }, { v: '[2.0]' }]);
    const guessed = await tables.describe('{"v":[1,2]}\n{"v":[0.5]}\n{"v":[]}\n', { name });
    expect(guessed.columns).toMatchObject([{ name: 'v', type: 'DOUBLE[]' }]);
    const flags = await tables.describe('{"v":[true, false, null]}\n', { name });
    expect(flags.columns).toMatchObject([{ name: 'v', type: 'BOOLEAN[]' }]);
  });

  it('lists of many batches keep their places', async () => {
    const text = Array.from({ length: 5000 }, (_, i) => `{"v":[${Array.from({ length: i % 5 }, (_, k) => i + k)}]}`);
    const { rows } = await read(text.join('\n'), { schema: { v: 'INTEGER[]' } });
    expect(rows.map(({ v }) => v)).toEqual(text.map((_, i) => Array.from({ length: i % 5 }, (_, k) => i + k)));
  });

  it('a name whose type is said may be in no line at all', async () => {
    const { rows } = await read('{"a":1}\n', { schema: { b: 'DOUBLE' } });
    expect(rows).toEqual([{ a: 1n, b: null }]);
  });
});
