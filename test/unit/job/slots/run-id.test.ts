import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isPrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import { partitionFolder, partitionOfFolder } from '../../../../src/job/slots/partition-folder.ts';
import { formatRunId, formatSlotId, hashPartition, parseRunId } from '../../../../src/job/slots/run-id.ts';

const SLOT = { job: 'flight-delay', partition: '02', logicalTime: '2013-01-02T00:00:00.000Z' };

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'none';
  } catch (error) {
    return isPrescoreError(error) ? error.code : String(error);
  }
};

test('is job, partition digest, time and attempt', () => {
  const hash = createHash('sha256').update('02').digest('hex').slice(0, 8);
  expect(formatRunId(SLOT, 3)).toBe(`flight-delay.${hash}.20130102T000000Z.3`);
  expect(formatSlotId({ ...SLOT, partition: null, logicalTime: null })).toBe('flight-delay.e3b0c442.none');
});

test('comes apart again, also with dots in the job', () => {
  for (const job of ['a', 'a.b', 'x.00000000.none.1', 'a'.repeat(64)]) {
    const id = formatRunId({ ...SLOT, job }, 12);
    expect(parseRunId(id)).toEqual({ job, partitionHash: hashPartition('02'), time: '20130102T000000Z', attempt: 12 });
  }
  expect(parseRunId('a.e3b0c442.none.1').time).toBeNull();
});

describe('C76 what is no run id', () => {
  const good = 'flight-delay.e3b0c442.20130102T000000Z.1';
  test.each([
    '',
    '5',
    'a:b.e3b0c442.none.1',
    'a/b.e3b0c442.none.1',
    '../x.e3b0c442.none.1',
    '😀.e3b0c442.none.1',
    'A.e3b0c442.none.1',
    `${'a'.repeat(300)}.e3b0c442.none.1`,
    `${'a'.repeat(65)}.e3b0c442.none.1`,
    'a.E3B0C442.none.1',
    'a.e3b0c44.none.1',
    'a.e3b0c442.none.0',
    'a.e3b0c442.none.01',
    'a.e3b0c442.none.1000000',
    'a.e3b0c442.None.1',
    'a.e3b0c442.20130230T000000Z.1',
    'a.e3b0c442.none.1\n',
    ' a.e3b0c442.none.1',
    `${good}/`,
    `${good}.`,
  ])('%j', (text) => expect(codeOf(() => parseRunId(text))).toBe('USAGE'));

  test('is not made either', () => {
    expect(codeOf(() => formatRunId({ ...SLOT, job: 'a:b' }, 1))).toBe('USAGE');
    expect(codeOf(() => formatRunId({ ...SLOT, logicalTime: '2013-01-02T00:00:00.5Z' }, 1))).toBe('USAGE');
    for (const attempt of [0, -1, 1.5, 1e6, Number.NaN]) expect(codeOf(() => formatRunId(SLOT, attempt))).toBe('USAGE');
  });
});

test.each([
  [null, '_'],
  ['_', '%5F'],
  ['_x', '%5Fx'],
  ['.', '%2E'],
  ['..', '%2E%2E'],
  ['...', '...'],
  ['01', '01'],
  ['2013/01/02', '2013%2F01%2F02'],
  ['a b:c', 'a%20b%3Ac'],
  ['é', '%C3%A9'],
])('the folder of partition %j is %s', (partition, folder) => {
  expect(partitionFolder(partition)).toBe(folder);
  expect(partitionOfFolder(folder)).toBe(partition);
});

test.each(['', '%', '.', '..', '_x', 'a b', '%2f', 'a/b'])('%j is no folder of a partition', (name) => {
  expect(partitionOfFolder(name)).toBeUndefined();
});
