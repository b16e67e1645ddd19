import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { draftText } from '../../../../src/job/draft/draft-text.ts';

it('a draft is YAML whatever names and remarks hold', () => {
  const names = [
    'plain',
    'with space',
    'a: b',
    '# hash',
    "it's",
    '"',
    'new\nline',
    'true',
    '12',
    '-',
    '[x]',
    'ü',
    'x'.repeat(300),
  ];
  const text = draftText(
    ['made by a test\nprescore: 2'],
    [
      { key: 'list', value: { items: names.map((name) => [name, name] as const) }, remark: names.join(' ') },
      {
        key: 'short',
        value: {
          items: [
            ['a', ''],
            ['b', ''],
          ],
        },
        remark: 'guess: these',
      },
      {
        key: 'map',
        value: [
          { key: 'a: b', value: { x: 'y z', n: 1 } },
          { key: 'columns', value: ['q'], isQuestion: true, remark: 'question: ok?' },
        ],
      },
    ],
  );
  expect(parse(text)).toEqual({
    list: names,
    short: ['a', 'b'],
    map: { 'a: b': { x: 'y z', n: 1 }, 'columns?': ['q'] },
  });
  expect(text).toContain('short: [ a, b ] # guess: these\n');
  expect(text).toContain('  columns?: [ q ] # question: ok?\n');
});

it('a question is one line unless its list is long or something is said of an item', () => {
  const line = (items: readonly (readonly [string, string])[]) =>
    draftText([], [{ key: 'columns', value: { items }, isQuestion: true, remark: 'question: which?' }]);
  expect(
    line([
      ['a', ''],
      ['b', ''],
    ]),
  ).toBe('columns?: [ a, b ] # question: which?\n');
  expect(
    line([
      ['a', ''],
      ['y', 'guess: the target'],
    ]),
  ).toBe('columns?: # question: which?\n  - a\n  - y # guess: the target\n');
  expect(line(Array.from({ length: 30 }, (_, i) => [`column_${i}`, ''] as const)).split('\n')).toHaveLength(32);
});
