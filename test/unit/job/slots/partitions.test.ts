import { describe, expect, test } from 'vitest';
import { isPrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import {
  addUnits,
  enumeratePartitions,
  findPartition,
  latestEnded,
  listedPartitions,
} from '../../../../src/job/slots/partitions.ts';
import { parseInstant } from '../../../../src/job/values/instant.ts';
import { formatTime, parseTime } from '../../../../src/job/values/time-format.ts';
import { jobText, parse } from '../parse/sample-job.ts';

const DAILY = { kind: 'every', every: 'day', format: '%Y-%m-%d', start: '2013-01-01' } as const;
const HOURLY = { kind: 'every', every: 'hour', format: '%Y/%m/%d/%H', start: '2013-01-01T06:00:00Z' } as const;
const MONTHLY = { kind: 'every', every: 'month', format: 'm%Y%m', start: '2013-01-01' } as const;
const at = (text: string): number => Date.parse(text);

describe('the latest that has ended', () => {
  test.each([
    [DAILY, '2013-01-22T02:00:00Z', '2013-01-21'],
    [DAILY, '2013-01-22T00:00:00Z', '2013-01-21'],
    [DAILY, '2013-01-21T23:59:59.999Z', '2013-01-20'],
    [DAILY, '2013-01-01T23:59:59Z', undefined],
    [DAILY, '2013-01-02T00:00:00Z', '2013-01-01'],
    [HOURLY, '2013-01-01T08:30:00Z', '2013/01/01/07'],
    [HOURLY, '2013-01-01T06:30:00Z', undefined],
    [MONTHLY, '2013-03-01T00:00:00Z', 'm201302'],
    [MONTHLY, '2014-01-15T00:00:00Z', 'm201312'],
  ])('%j at %s', (partitions, time, value) => {
    expect(latestEnded(partitions, at(time))?.value).toBe(value);
  });

  test('has its start as logical time', () => {
    expect(latestEnded(DAILY, at('2013-01-22T02:00:00Z'))?.start).toBe('2013-01-21T00:00:00.000Z');
  });
});

describe('a range', () => {
  const values = (...args: Parameters<typeof enumeratePartitions>): string[] =>
    [...enumeratePartitions(...args)].map((p) => p.value);

  test('holds whole partitions only', () => {
    expect(values(DAILY, at('2013-01-30T00:00:00Z'), at('2013-02-02T12:00:00Z'))).toEqual([
      '2013-01-30',
      '2013-01-31',
      '2013-02-01',
    ]);
    expect(values(DAILY, at('2013-01-30T00:00:01Z'), at('2013-02-01T00:00:00Z'))).toEqual(['2013-01-31']);
    expect(values(MONTHLY, at('2013-11-01T00:00:00Z'), at('2014-02-01T00:00:00Z'))).toEqual([
      'm201311',
      'm201312',
      'm201401',
    ]);
    expect(values(DAILY, at('2013-02-01T00:00:00Z'), at('2013-01-01T00:00:00Z'))).toEqual([]);
  });

  test('starts with the first', () => {
    expect(values(HOURLY, 0, at('2013-01-01T08:00:00Z'))).toEqual(['2013/01/01/06', '2013/01/01/07']);
  });

  test('has no gap at a leap day and none when clocks change', () => {
    expect(values(DAILY, at('2024-02-28T00:00:00Z'), at('2024-03-02T00:00:00Z'))).toEqual([
      '2024-02-28',
      '2024-02-29',
      '2024-03-01',
    ]);
    expect(values(HOURLY, at('2024-03-31T00:00:00Z'), at('2024-04-01T00:00:00Z'))).toHaveLength(24);
  });
});

describe('a partition by name', () => {
  const job = (partitions: unknown) => parse(jobText({ partitions, output: { uri: 'out/{partition}' } }));
  const codeOf = (run: () => unknown): string => {
    try {
      run();
      return 'none';
    } catch (error) {
      return isPrescoreError(error) ? `${error.code}: ${error.details.expected}` : String(error);
    }
  };

  test('is found', () => {
    expect(findPartition(job({ values: ['01', '02'] }), '02')).toEqual({ value: '02', start: null });
    const { every, format, start } = HOURLY;
    expect(findPartition(job({ every, format, start }), '2013/01/01/07').start).toBe('2013-01-01T07:00:00.000Z');
  });

  test('or refused, saying what is known', () => {
    const { every, format, start } = DAILY;
    expect(codeOf(() => findPartition(job({ values: ['01', '02'] }), '2'))).toBe('PARTITION_UNKNOWN: one of 01, 02');
    expect(codeOf(() => findPartition(job({ every, format, start }), '2013-02-30'))).toBe(
      'PARTITION_UNKNOWN: the start of a day as %Y-%m-%d',
    );
    expect(codeOf(() => findPartition(job({ every, format, start }), '2012-12-31'))).toBe(
      'PARTITION_UNKNOWN: 2013-01-01 or later',
    );
    expect(codeOf(() => findPartition(parse(jobText()), '01'))).toBe(
      'PARTITION_UNKNOWN: no partition: the job has none',
    );
  });

  test('listed ones come in the order of the file', () => {
    expect(listedPartitions({ kind: 'values', values: ['b', 'a'] }).map((p) => p.value)).toEqual(['b', 'a']);
    expect(listedPartitions(DAILY)).toEqual([]);
  });
});

test.each([
  ['2013-01-01', '2013-01-01T00:00:00.000Z'],
  ['2013-01-01T06:07', '2013-01-01T06:07:00.000Z'],
  ['2013-01-01 06:07:08Z', '2013-01-01T06:07:08.000Z'],
  ['2013-01-01T06:07:08.000Z', '2013-01-01T06:07:08.000Z'],
  ['2013-01-01T00:30:00+02:00', '2012-12-31T22:30:00.000Z'],
  ['2013-01-01T00:30:00-05:30', '2013-01-01T06:00:00.000Z'],
  ['2024-02-29', '2024-02-29T00:00:00.000Z'],
])('instant %s', (text, iso) => expect(new Date(parseInstant(text) ?? 0).toISOString()).toBe(iso));

test.each([
  '',
  'now',
  '2013-1-1',
  '2013-02-29',
  '2013-13-01',
  '2013-01-01T24:00:00Z',
  '2013-01-01T00:60',
  '2013-01-01T00:00:00.5Z',
  '2013-01-01T00:00:00+99:00',
  '0001-01-01',
  '20130101',
  ' 2013-01-01',
  '+012013-01-01',
  '2013-01-01T00:00:00z',
])('%j is no instant', (text) => expect(parseInstant(text)).toBeNull());

test('formats are read back, strictly', () => {
  const start = at('2013-04-05T06:00:00Z');
  for (const format of ['%Y-%m-%dT%H', 'y=%Y/%Y-%m/%d.%H', '%H%d%m%Y', 'é%Y%m%d%H😀']) {
    expect(parseTime(format, formatTime(format, start))).toBe(start);
  }
  for (const text of ['2013-4-5', '2013-04-05x', '2013-04', '2013-04-31', '2013-04-0a', ''])
    expect(parseTime('%Y-%m-%d', text)).toBeNull();
  expect(parseTime('%Y/%Y', '2013/2014')).toBeNull();
});

test('a month later is the first of the next month', () => {
  expect(new Date(addUnits('month', at('2013-12-01T00:00:00Z'), 1)).toISOString()).toBe('2014-01-01T00:00:00.000Z');
  expect(new Date(addUnits('month', at('2013-01-01T00:00:00Z'), -1)).toISOString()).toBe('2012-12-01T00:00:00.000Z');
});
