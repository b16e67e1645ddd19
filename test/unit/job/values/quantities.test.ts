import { describe, expect, test } from 'vitest';
import { parseDuration, parsePercent, parseSize, sayDuration, saySize } from '../../../../src/job/values/quantities.ts';
import { issueOf, jobText, parse } from '../parse/sample-job.ts';

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['60s', 60_000],
    ['10m', 600_000],
    ['72h', 259_200_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', '60', '1.5h', '-1s', '1 s', '1S', '1w', 's', '1s ', '1e3s', '٣s'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  test('a number without a unit, and one out of range', () => {
    expect(issueOf(jobText({ execution: { batchDeadline: 60 } })).what).toBe('is not a duration; write the unit');
    expect(issueOf(jobText({ execution: { batchDeadline: '0s' } })).what).toBe('is out of range');
    expect(issueOf(jobText({ execution: { batchDeadline: '25h' } })).what).toBe('is out of range');
  });
});

describe('sizes', () => {
  test.each([
    ['1GiB', 2 ** 30],
    ['512MiB', 2 ** 29],
    ['64MB', 64e6],
    ['1.5 GiB', 1.5 * 2 ** 30],
    ['7B', 7],
    ['0.5KiB', 512],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(['', '1gib', '1 G', '1.5B', '-1MiB', '999999999TiB', '1,5GiB', '0x1MiB'])('%j is none', (text) => {
    expect(parseSize(text)).toBeNull();
  });

  test('a plain number is bytes', () => {
    expect(parse(jobText({ execution: { memory: 2 ** 30 } })).execution.memoryBytes).toBe(2 ** 30);
    expect(issueOf(jobText({ execution: { memory: 1 } })).what).toBe('is out of range');
    expect(issueOf(jobText({ execution: { memory: 2 ** 30 + 0.5 } })).what).toContain('is not a size');
  });
});

describe('rejects.limit', () => {
  test.each([
    [0, { rows: 0 }],
    [1000, { rows: 1000 }],
    ['0.1%', { percent: 0.1 }],
    ['100%', { percent: 100 }],
    ['0%', { percent: 0 }],
  ])('%j', (limit, expected) => expect(parse(jobText({ rejects: { limit } })).rejects.limit).toEqual(expected));

  test.each([-1, 1.5, '10', '101%', '-1%', 'NaN%', '1 %', true])('%j is refused', (limit) => {
    expect(issueOf(jobText({ rejects: { limit } })).path).toBe('rejects.limit');
  });

  test('percent texts', () => expect([parsePercent('99.999%'), parsePercent('1e1%')]).toEqual([99.999, null]));
});

test('figures are said in the largest unit that is exact', () => {
  expect([0, 1, 1500, 60_000, 86_400_000].map(sayDuration)).toEqual(['0s', '1ms', '1500ms', '1m', '1d']);
  expect([0, 1, 1024, 1536, 2 ** 30].map(saySize)).toEqual(['0B', '1B', '1KiB', '1536B', '1GiB']);
});
