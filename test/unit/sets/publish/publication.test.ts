import { expect, test } from 'vitest';
import type { JobPredictions } from '../../../../src/base/contract/job.ts';
import type { Manifest } from '../../../../src/base/contract/records.ts';
import { describePublication } from '../../../../src/sets/publish/publication.ts';

const predictions = { key: ['id'], values: null, scope: 'all', onDuplicateKey: 'last', mode: 'replace' } as object;
const manifest = (...names: readonly string[]): Manifest => {
  const columns = names.map((name, i) => ({
    name,
    type: i === 0 ? 'BIGINT' : 'FLOAT',
    role: i === 0 ? 'id' : 'prediction',
  }));
  return {
    columns,
    outputUri: '/out',
    rows: 1,
    n: 1,
    runId: 'r',
    order: { logicalTime: null, createdAt: '', runId: 'r' },
  } as object as Manifest;
};

test('a committed output with two columns of one name, case aside, is not published', () => {
  const describeIt =
    (...names: string[]) =>
    () =>
      describePublication('job', predictions as JobPredictions, {}, [manifest(...names)]);
  expect(describeIt('id', 'Y', 'y')).toThrow(expect.objectContaining({ code: 'SET_COLUMN' }));
  expect(describeIt('id', 'y', 'z')).not.toThrow(expect.objectContaining({ code: 'SET_COLUMN' }));
});
