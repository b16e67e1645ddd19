import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ValueType } from '../../../../src/base/contract/prediction-set.ts';
import { encodeValue, readValue, readValues } from '../../../../src/sets/prediction-set/value-codec.ts';
import { valueTypeOf } from '../../../../src/sets/prediction-set/value-types.ts';
import { Cursor } from '../../../../src/sets/prediction-set/varint.ts';
import { listOf, SCALAR_TYPES, SCALARS } from './arbitrary-values.ts';

const read = (bytes: Uint8Array, type: ValueType) => {
  const cursor = new Cursor(bytes, 0, bytes.length);
  return { value: readValue(cursor, type), isAtEnd: cursor.at === cursor.end };
};

describe('values of pages', () => {
  it.each(SCALAR_TYPES)('%s and lists of it are read back', (type) => {
    fc.assert(
      fc.property(SCALARS[type], listOf(type), (value, list) => {
        expect(read(encodeValue(value, type), type)).toEqual({ value, isAtEnd: true });
        const listType: ValueType = `list<${type}>`;
        expect(read(encodeValue(list, listType), listType)).toEqual({ value: list, isAtEnd: true });
      }),
    );
  });

  it('a value that is cut anywhere is none', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SCALAR_TYPES), fc.nat(), (type, seed) => {
        const list = fc.sample(listOf(type), { numRuns: 1, seed })[0]!;
        const bytes = encodeValue(list, `list<${type}>`);
        for (let end = 0; end < bytes.length; end++)
          expect(read(bytes.subarray(0, end), `list<${type}>`).value).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });

  it('bytes of any kind are a value or none, and never an error', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom(...SCALAR_TYPES),
        fc.boolean(),
        (bytes, type, isList) => {
          const columns = [{ name: 'a', type: isList ? (`list<${type}>` as const) : type }];
          for (const hasNulls of [true, false]) readValues(new Cursor(bytes, 0, bytes.length), columns, hasNulls);
        },
      ),
      { numRuns: 2000 },
    );
    const huge = Uint8Array.from([254, 255, 255, 255, 15]);
    expect(read(huge, 'list<bool>').value).toBeUndefined();
  });

  it('a text that is not UTF-8 is none; one that begins with a byte order mark keeps it', () => {
    expect(read(Uint8Array.from([2, 0xc3, 0x28]), 'string').value).toBeUndefined();
    expect(read(encodeValue('\ufeffa', 'string'), 'string').value).toBe('\ufeffa');
  });

  it('bytes behind the last value make the row bad', () => {
    const columns = [{ name: 'a', type: 'int8' }] as const;
    expect(readValues(new Cursor(Uint8Array.from([5, 0]), 0, 2), columns, false)).toBeNull();
    expect({ ...readValues(new Cursor(Uint8Array.from([1]), 0, 1), columns, true) }).toEqual({ a: null });
  });

  it('types that a set cannot hold are known', () => {
    const types = [
      'FLOAT',
      'FLOAT[3]',
      'VARCHAR[]',
      'UBIGINT',
      'DATE',
      'DECIMAL(9,2)',
      'FLOAT[][]',
      'STRUCT(a INTEGER)',
      'BLOB',
    ];
    const known = ['float32', 'list<float32>', 'list<string>', 'uint64', null, null, null, null, null];
    expect(types.map(valueTypeOf)).toEqual(known);
  });
});
