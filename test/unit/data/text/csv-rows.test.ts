import { afterAll, describe, expect, it } from 'vitest';
import { TextTables } from '../../../harness/text-tables.ts';

const tables = new TextTables();
afterAll(() => tables.close());

describe('records of CSV', () => {
  it('are rows with the line that they begin in, whatever ends a line', async () => {
    for (const end of ['\n', '\r\n']) {
      const read = await tables.read(['id,note', '1,a', '', '2,"b', 'c"', '3,d'].join(end));
      expect(read.rows).toEqual([
        { id: 1n, note: 'a' },
        { id: 2n, note: `b${end}c` },
        { id: 3n, note: 'd' },
      ]);
      expect(read.lines).toEqual([2, 4, 6]);
      expect(read.faults).toEqual([]);
    }
  });

  it('tell an empty text from null, and read doubled quotes, delimiters and quotes in the middle', async () => {
    const read = await tables.read('a,b,c\n1,,""\n2,"x ""y"", z",5" pipe\n3," "," "\n');
    expect(read.rows).toEqual([
      { a: 1n, b: null, c: '' },
      { a: 2n, b: 'x "y", z', c: '5" pipe' },
      { a: 3n, b: ' ', c: ' ' },
    ]);
  });

  it('with a byte order mark, without a last line end, of a header alone', async () => {
    expect((await tables.read('\ufeffa,b\n1,x')).rows).toEqual([{ a: 1n, b: 'x' }]);
    expect((await tables.read('a,b\n', { schema: { a: 'BIGINT', b: 'VARCHAR' } })).rows).toEqual([]);
    expect((await tables.read('a,b', { schema: { a: 'BIGINT', b: 'VARCHAR' } })).rows).toEqual([]);
  });

  it('that are malformed are faults with their line, and the others are read', async () => {
    const text = 'a,b\n1,x\n2\n3,y,z\n4,"q" r\n5,u\rv\n6,w\n';
    const read = await tables.read(text);
    expect(read.rows.map((r) => r['a'])).toEqual([1n, null, null, null, null, 6n]);
    expect(read.faults).toEqual([
      '3: malformed : 1 field instead of 2',
      '4: malformed : 3 fields instead of 2',
      '5: malformed : something follows a closing quote that is neither a delimiter nor the end of the line',
      '6: malformed : a carriage return stands outside of quotes and is not the end of the line',
    ]);
  });

  it('that are malformed over several lines have a fault for each of them, and nothing inside comes out as a row', async () => {
    const read = await tables.read('a,b\n1,x\n2,"one\n7,7\n8,8" tail\n3,y\n');
    expect(read.rows.map((r) => r['a'])).toEqual([1n, null, null, null, 3n]);
    expect(read.faults.map((f) => f.split(':')[0])).toEqual(['3', '4', '5']);
    expect(read.faults[1]).toContain('part of the record that begins in line 3');
  });

  it('behind a quote that is never closed are faults, line by line, to the end', async () => {
    for (const end of ['', '\n']) {
      const read = await tables.read(`a,b\n1,x\n2,"open\n3,y\n4,z${end}`);
      expect(read.lines).toEqual([2, 3, 4, 5]);
      expect(read.faults).toHaveLength(3);
      expect(read.faults[0]).toContain('a quote is not closed before the end of the file');
    }
  });

  it('that are longer than the limit are faults, and what follows is read', async () => {
    const long = 'x'.repeat(17 * 2 ** 20);
    const lines = `1,a\n2,${long}\n3,b\n4,"${long}\n""${long}"\n5,c\n`;
    const read = await tables.read(`a,b\n${lines}`, { schema: { a: 'BIGINT', b: 'VARCHAR' } });
    expect(read.rows.map((r) => r['a'])).toEqual([1n, null, 3n, null, null, 5n]);
    expect(read.lines).toEqual([2, 3, 4, 5, 6, 7]);
    expect(read.faults[0]).toContain('a record is longer than 16 MiB');
  });

  it('longer than what is read at a time, in every position to its end', async () => {
    const pad = 'p'.repeat(2 ** 20 - 20);
    for (let shift = 0; shift < 24; shift++) {
      const read = await tables.read(`a,b\n1,${pad}${'x'.repeat(shift)}\n2,"q""\r\n"\r\n3,é\n`, {
        schema: { a: 'BIGINT', b: 'VARCHAR' },
      });
      expect(read.faults).toEqual([]);
      expect(read.rows.slice(1)).toEqual([
        { a: 2n, b: 'q"\r\n' },
        { a: 3n, b: 'é' },
      ]);
      expect(read.lines).toEqual([2, 3, 5]);
    }
  });

  it('of one field: a blank line is a null; else it is none', async () => {
    const one = await tables.read('a\n1\n\n3\n');
    expect(one.rows).toEqual([{ a: 1n }, { a: null }, { a: 3n }]);
    expect((await tables.read('\n\na,b\n\n1,2\n\n')).rows).toEqual([{ a: 1n, b: 2n }]);
  });

  it('with a text that is not UTF-8 are faults of their own column', async () => {
    const bytes = Buffer.concat([Buffer.from('a,b,c\n1,é,x\n2,'), Buffer.from([0xe9]), Buffer.from(',y\n3,z,w\n')]);
    const read = await tables.read(bytes);
    expect(read.faults).toEqual(['3: bad_utf8 b: a text is not valid UTF-8']);
    expect(read.rows.map((r) => r['b'])).toEqual(['é', null, 'z']);
    expect((await tables.read(bytes, { columns: ['a', 'c'] })).faults).toEqual([]);
  });

  it('that are the header again are faults, where files were put one behind the other', async () => {
    const read = await tables.read('a,b\r\nx,y\r\na,b\r\nz,w\na,b');
    expect(read.rows.map((r) => r['a'])).toEqual(['x', null, 'z', null]);
    expect(read.faults).toEqual([
      '3: malformed : the header stands here again',
      '5: malformed : the header stands here again',
    ]);
    expect((await tables.read('a\nb\na\n')).rows.map((r) => r['a'])).toEqual(['b', 'a']);
  });

  it('give as many rows as are asked for', async () => {
    const text = `a\n${Array.from({ length: 5000 }, (_, i) => i).join('\n')}\n`;
    expect((await tables.read(text, { rows: 3 })).rows).toEqual([{ a: 0n }, { a: 1n }, { a: 2n }]);
    expect((await tables.read(text, { rows: 3000 })).rows).toHaveLength(3000);
  });
});

describe('the characters of CSV', () => {
  it.each([[','], [';'], ['\t'], ['|']])('the delimiter %j is found', async (delimiter) => {
    const lines = ['a,b,c', '1,x y,2', '3,"z,;|",4'].map((line) => line.replace(/,(?![;|])/g, delimiter));
    const read = await tables.read(lines.join('\n'));
    expect(read.rows[0]).toEqual({ a: 1n, b: 'x y', c: 2n });
    expect(read.described.text?.csv?.delimiter).toBe(delimiter);
  });

  it('can be others, or none', async () => {
    const quoted = await tables.read("a:b\n1:'x:y'\n2:'it''s'\n", { csv: { delimiter: ':', quote: "'" } });
    expect(quoted.rows.map((r) => r['b'])).toEqual(['x:y', "it's"]);
    const plain = await tables.read('a,b\n1,"x"\n', { csv: { quote: 'none' } });
    expect(plain.rows).toEqual([{ a: 1n, b: '"x"' }]);
  });

  it('can be escaped, in quotes and out of them', async () => {
    const text = 'a,b\n1,"x \\"y\\" \\\\ é"\n2,x\\,y\n3,\\N\n4,"\\N"\n5,a\\\nb\n';
    const read = await tables.read(text, { csv: { escape: '\\', nulls: ['\\N'] } });
    expect(read.rows.map((r) => r['b'])).toEqual(['x "y" \\ é', 'x,y', null, 'N', 'a\nb']);
    expect(read.lines).toEqual([2, 3, 4, 5, 6]);
  });

  it('say which texts are null, where they are not quoted', async () => {
    const read = await tables.read('a,b\nNA,NA\n1,"NA"\nnull,x\n', { csv: { nulls: ['NA', 'null'] } });
    expect(read.rows).toEqual([
      { a: null, b: null },
      { a: 1n, b: 'NA' },
      { a: null, b: 'x' },
    ]);
  });

  it('names can be given, with a header that is passed over and without one', async () => {
    const csv = { names: ['x', 'y'] };
    expect((await tables.read('1,2\n3,4\n', { csv })).rows).toEqual([
      { x: 1n, y: 2n },
      { x: 3n, y: 4n },
    ]);
    expect((await tables.read('a,b\n3,4\n', { csv: { ...csv, header: true } })).rows).toEqual([{ x: 3n, y: 4n }]);
  });
});
