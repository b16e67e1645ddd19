import { afterAll, describe, expect, it } from 'vitest';
import { TextTables } from '../../../harness/text-tables.ts';

const tables = new TextTables();
afterAll(() => tables.close());

/** The type that is guessed of a column with these texts. */
async function guess(values: readonly string[], csv = {}): Promise<string> {
  const { columns } = await tables.describe(`id,v\n${values.map((v, i) => `${i},${v}`).join('\n')}\n`, { csv });
  const column = columns.find((c) => c.name === 'v')!;
  return column.unsupported === undefined ? column.type : `none: ${column.unsupported}`;
}

/** What a column of a type makes of a text: its value, or the fault. */
async function read(type: string, text: string, csv = {}): Promise<unknown> {
  const result = await tables.read(`id,v\n1,${text}\n`, { schema: { v: type }, columns: ['v'], csv });
  return result.faults[0]?.replace(/^2: bad_value v: /, '') ?? result.rows[0]?.['v'];
}

describe('types that are guessed of the first lines', () => {
  it.each<[string, readonly string[], string]>([
    ['integers', ['0', '-5', '42', ''], 'BIGINT'],
    ['the greatest and the least of 64 bits', ['9223372036854775807', '-9223372036854775808'], 'BIGINT'],
    ['an integer beyond 64 bits', ['1', '9223372036854775808'], 'VARCHAR'],
    ['a zero in front', ['1', '007'], 'VARCHAR'],
    ['a plus', ['1', '+49'], 'VARCHAR'],
    ['fractions and exponents', ['0.5', '.5', '5.', '-1e-3', '7'], 'DOUBLE'],
    ['a zero in front of a fraction', ['1.5', '00.5'], 'VARCHAR'],
    ['a negative zero', ['-0', '1'], 'DOUBLE'],
    ['NaN and infinities beside numbers', ['nan', 'Inf', '-infinity', '1'], 'DOUBLE'],
    ['a number beyond a double', ['1e400', '1.5'], 'VARCHAR'],
    ['integers that a double would change, beside fractions', ['9007199254740993', '1.5'], 'VARCHAR'],
    ['long integers that a double holds, beside fractions', ['9007199254740992', '1.5'], 'DOUBLE'],
    ['underscores, hexadecimal, a comma', ['1_000', '0x1F'], 'VARCHAR'],
    ['flags in any case', ['true', 'False', 'TRUE'], 'BOOLEAN'],
    ['zeros and ones', ['0', '1'], 'BIGINT'],
    ['flags beside others', ['true', 'yes'], 'VARCHAR'],
    ['dates', ['2013-01-31', '2012-02-29'], 'DATE'],
    ['a day that does not exist', ['2013-01-31', '2013-02-29'], 'VARCHAR'],
    ['dates of another form', ['31.01.2013', '01.02.2013'], 'VARCHAR'],
    ['times', ['2013-01-31 23:59:59', '2013-01-31T10:00', '2013-01-31'], 'TIMESTAMP'],
    ['times with a zone', ['2013-01-31T23:59:59Z', '2013-01-31 10:00:00+01:00'], 'TIMESTAMP WITH TIME ZONE'],
    ['times with a zone and without', ['2013-01-31T23:59:59Z', '2013-01-31T23:59:59'], 'VARCHAR'],
    ['nanoseconds', ['2013-01-31 23:59:59.123456789'], 'VARCHAR'],
    ['nanoseconds that are zeros', ['2013-01-31 23:59:59.123456000'], 'TIMESTAMP'],
    ['times of day', ['10:30:00'], 'VARCHAR'],
    ['words', ['a', 'b', '5'], 'VARCHAR'],
    ['null words alone', ['NA', 'NULL'], 'VARCHAR'],
    ['blanks around a number', [' 5', '6 '], 'BIGINT'],
    ['a space that is no blank', ['5\u00a0'], 'VARCHAR'],
  ])('%s', async (_, values, type) => {
    expect(await guess(values)).toBe(type);
  });

  it('null words beside values are asked about', async () => {
    expect(await guess(['1', 'NA', '2.5'])).toMatch(
      /^none: line 3 has "NA" beside values of another type; say input.csv.nulls: \["NA"\]/,
    );
    expect(await guess(['2013-01-31', '\\N', '-'])).toMatch(/input\.csv\.nulls: \["\\\\N", "-"\]/);
    expect(await guess(['1', 'NA'], { nulls: ['NA'] })).toBe('BIGINT');
  });

  it('a column without a value is asked about, unless its type is said', async () => {
    expect(await guess(['', ''])).toMatch(/^none: the first lines have no value in it/);
  });

  it('decimal commas and formats hold where they are said', async () => {
    const semicolons = { delimiter: ';', decimal: ',' } as const;
    const { columns } = await tables.describe('a;b;c\n1,5;1.5;2\n', { csv: semicolons });
    expect(columns.map((c) => c.type)).toEqual(['DOUBLE', 'VARCHAR', 'BIGINT']);
    expect(await guess(['31.01.2013', '1.2.2013'], { dateFormat: '%d.%m.%Y' })).toBe('DATE');
    expect(await guess(['2013-01-31'], { dateFormat: '%d.%m.%Y' })).not.toBe('DATE');
    expect(await guess(['01/31/2013 23:59'], { timestampFormat: '%m/%d/%Y %H:%M' })).toBe('TIMESTAMP');
  });

  it('a later line of another kind is a fault with its line and column', async () => {
    const many = Array.from({ length: 200_000 }, (_, i) => `${i},${i},${i}.5`);
    const text = ['a,b,c', ...many, '7,007,x', '8,8.5,9', '9,,'].join('\n');
    const { types, faults, rows } = await tables.read(text);
    expect(types).toEqual({ a: 'BIGINT', b: 'BIGINT', c: 'DOUBLE' });
    expect(faults).toHaveLength(2);
    expect(faults[0]).toMatch(/^200002: bad_value b: expected a whole number .* as the first lines are/);
    expect(faults[1]).toMatch(/^200003: bad_value b: /);
    expect(rows.at(-2)).toEqual({ a: 8n, b: null, c: 9 });
  });
});

describe('texts under a type that is said', () => {
  it.each<[string, string, unknown]>([
    ['TINYINT', '127', 127],
    ['TINYINT', '128', 'expected a whole number from -128 to 127'],
    ['TINYINT', '-128', -128],
    ['UTINYINT', '255', 255],
    ['UTINYINT', '-1', 'expected a whole number from 0 to 255'],
    ['SMALLINT', '+007', 7],
    ['INTEGER', '2147483648', 'expected a whole number from -2147483648 to 2147483647'],
    ['UINTEGER', '4294967295', 4294967295],
    ['INTEGER', '1.0', 'expected a whole number from -2147483648 to 2147483647'],
    ['BIGINT', '-9223372036854775808', -(2n ** 63n)],
    ['BIGINT', '9223372036854775807', 2n ** 63n - 1n],
    ['BIGINT', '-1', -1n],
    ['BIGINT', '-4294967296', -(2n ** 32n)],
    ['BIGINT', '00000000000000000000000000012', 12n],
    ['BIGINT', '1e3', 'expected a whole number from -9223372036854775808 to 9223372036854775807'],
    ['BIGINT', '1_000', 'expected a whole number from -9223372036854775808 to 9223372036854775807'],
    ['UBIGINT', '18446744073709551615', 2n ** 64n - 1n],
    ['UBIGINT', '18446744073709551616', 'expected a whole number from 0 to 18446744073709551615'],
    ['UBIGINT', '-1', 'expected a whole number from 0 to 18446744073709551615'],
    ['UBIGINT', '-0', 0n],
    ['DOUBLE', '+007.50', 7.5],
    ['DOUBLE', '-0', -0],
    ['DOUBLE', 'NaN', Number.NaN],
    ['DOUBLE', '-inf', Number.NEGATIVE_INFINITY],
    ['DOUBLE', '1e400', 'expected a number that a double holds'],
    ['DOUBLE', '1e-400', 0],
    ['DOUBLE', '9007199254740993', 9007199254740992],
    ['DOUBLE', '2.2250738585072011e-308', 2.225073858507201e-308],
    ['DOUBLE', '0.1e1000000000000000000000', 'expected a number that a double holds'],
    ['DOUBLE', '.', 'expected a number that a double holds'],
    ['DOUBLE', '1e', 'expected a number that a double holds'],
    ['DOUBLE', '1 2', 'expected a number that a double holds'],
    ['DOUBLE', '"1,5"', 'expected a number that a double holds'],
    ['FLOAT', '0.1', Math.fround(0.1)],
    ['FLOAT', '16777217', 16777216],
    ['FLOAT', '3.4028235e38', Math.fround(3.4028235e38)],
    ['FLOAT', '3.4028236e38', 'expected a number that a float holds'],
    ['DECIMAL(4,2)', '12.34', '12.34'],
    ['DECIMAL(4,2)', '-99.990', '-99.99'],
    ['DECIMAL(4,2)', '12.345', 'expected a number of 2 digits, and 2 behind the point'],
    ['DECIMAL(4,2)', '100', 'expected a number of 2 digits, and 2 behind the point'],
    ['DECIMAL(9,0)', '1e8', '100000000'],
    ['DECIMAL(18,6)', '123456789012.000001', '123456789012.000001'],
    ['DECIMAL(38,10)', '-1234567890123456789012345678.0123456789', '-1234567890123456789012345678.0123456789'],
    ['DECIMAL(38,0)', `1${'0'.repeat(38)}`, 'expected a number of 38 digits, and 0 behind the point'],
    ['BOOLEAN', 'Yes', true],
    ['BOOLEAN', '0', false],
    ['BOOLEAN', 'on', 'expected true or false'],
    ['DATE', '0001-01-01', '0001-01-01'],
    ['DATE', '9999-12-31', '9999-12-31'],
    ['DATE', '1900-02-29', 'expected a date as 2013-01-31'],
    ['DATE', '2013-1-31', 'expected a date as 2013-01-31'],
    ['DATE', '2013-01-31 00:00:00', 'expected a date as 2013-01-31'],
    ['TIMESTAMP', '2013-01-31', '2013-01-31 00:00:00'],
    ['TIMESTAMP', '1969-12-31T23:59:59.999999', '1969-12-31 23:59:59.999999'],
    ['TIMESTAMP', '0001-01-01 00:00:00.000001', '0001-01-01 00:00:00.000001'],
    ['TIMESTAMP', '2013-01-31 24:00:00', 'expected a time without a zone as 2013-01-31T23:59:59.999999'],
    ['TIMESTAMP', '2013-01-31 10:00:00Z', 'expected a time without a zone as 2013-01-31T23:59:59.999999'],
    ['TIMESTAMP', '2013-01-31 10:00:00.1234567', 'expected a time without a zone as 2013-01-31T23:59:59.999999'],
    ['TIMESTAMP WITH TIME ZONE', '2013-01-31T00:30:00+01:00', '2013-01-30 23:30:00+00'],
    ['TIMESTAMP WITH TIME ZONE', '1970-01-01T00:00:00-0130', '1970-01-01 01:30:00+00'],
    ['TIMESTAMP WITH TIME ZONE', '2013-01-31 10:00', 'expected a time with a zone as 2013-01-31T23:59:59.999999Z'],
    ['VARCHAR', '007', '007'],
    ['VARCHAR', ' x ', ' x '],
    ['BIGINT', '""', null],
    ['DOUBLE', '"2.5"', 2.5],
    ['BIGINT', '" 12 "', 12n],
  ])('%s of %s', async (type, text, expected) => {
    expect(await read(type, text)).toEqual(expected);
  });

  it('with a comma, and by formats', async () => {
    const csv = { delimiter: ';', decimal: ',' } as const;
    const of = async (type: string, text: string) =>
      (await tables.read(`id;v\n1;${text}\n`, { schema: { v: type }, columns: ['v'], csv })).rows[0]!['v'];
    expect(await of('DOUBLE', '-1,25e2')).toBe(-125);
    expect(await of('DOUBLE', '0,12345678901234567890')).toBe(Number('0.12345678901234567890'));
    expect(await of('DECIMAL(10,2)', '5,10')).toBe('5.10');
    expect(await of('DOUBLE', '1.5')).toBe(null);
    expect(await read('DATE', '1.2.2013', { dateFormat: '%d.%m.%Y' })).toBe('2013-02-01');
    expect(await read('DATE', '31.02.2013', { dateFormat: '%d.%m.%Y' })).toBe('expected a date as %d.%m.%Y');
    const timestampFormat = '%m/%d/%Y [%H:%M:%S.%f]';
    expect(await read('TIMESTAMP', '01/31/2013 [23:59:58.5]', { timestampFormat })).toBe('2013-01-31 23:59:58.5');
    expect(await read('TIMESTAMP', '01/31/2013 x23:59:58.5]', { timestampFormat })).toMatch(/^expected a time/);
  });

  it('lists and binary are refused by name', async () => {
    const { columns } = await tables.describe('id,v\n1,2\n', { schema: { v: 'FLOAT[]', id: 'BLOB' } });
    expect(columns.map((c) => c.unsupported)).toEqual([
      'text files have no BLOB; write Parquet or Arrow',
      'text files have no FLOAT[]; write Parquet or Arrow',
    ]);
  });
});
