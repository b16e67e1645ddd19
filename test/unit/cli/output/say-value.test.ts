import { expect, test } from 'vitest';
import { sayValue, shortFloat } from '../../../../src/cli/output/say-value.ts';

test('floats have the fewest digits that give the same value in the type of their column', () => {
  expect(sayValue(Math.fround(0.1), 'FLOAT')).toBe('0.1');
  expect(sayValue(Math.fround(0.1), 'DOUBLE')).toBe('0.10000000149011612');
  expect(sayValue(16777216, 'FLOAT')).toBe('16777216');
  const values = [
    1e-45,
    3.4028234663852886e38,
    1 / 3,
    -2.5e-7,
    123456.789,
    0,
    -0,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
  ];
  for (let i = 0; i < 1000; i++) values.push((Math.random() - 0.5) * 10 ** (Math.random() * 60 - 30));
  for (const value of values.map(Math.fround)) expect(Math.fround(Number(shortFloat(value)))).toBe(value);
});

test('long lists are shown by their first values and their length', () => {
  const list = Array.from({ length: 256 }, (_, i) => Math.fround(i / 10));
  expect(sayValue(list, 'FLOAT[]')).toBe('[0, 0.1, 0.2, 0.3, … 256 values]');
  expect(sayValue(list.slice(0, 3), 'FLOAT[3]')).toBe('[0, 0.1, 0.2]');
  expect(sayValue(['a', null], 'VARCHAR[]')).toBe('[a, null]');
  expect([sayValue(null, 'FLOAT'), sayValue(5n, 'BIGINT'), sayValue('x', 'VARCHAR')]).toEqual(['null', '5', 'x']);
});

test('a text with control characters keeps its line, and zero its sign', () => {
  expect(sayValue('a\nb', 'VARCHAR')).toBe('"a\\nb"');
  expect([sayValue(-0, 'FLOAT'), sayValue(-0, 'DOUBLE'), sayValue(0, 'FLOAT')]).toEqual(['-0', '-0', '0']);
});
