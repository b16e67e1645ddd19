import { expect, test } from 'vitest';
import { parseLineage } from '../../../src/job/parse/parse-lineage.ts';

const read = (text: string) => parseLineage(text, { path: 'l.yaml', baseUri: '/', resolveUri: (uri) => uri });
const nothing = { trainedAt: null, dataset: null, params: {}, metrics: {}, code: null, source: null, parent: null };

test('a lineage says what it says, and null of the rest', () => {
  expect(read('{}')).toEqual(nothing);
  expect(read('params: { depth: 6, kind: gbdt, on: true }\nmetrics: { auc: 0.91, rows: 12 }\nparent: delay/7')).toEqual(
    {
      ...nothing,
      params: { depth: '6', kind: 'gbdt', on: 'true' },
      metrics: { auc: 0.91, rows: 12 },
      parent: 'delay/7',
    },
  );
  const dataset = { uri: 's3://lake/x', sha256: null, rows: 81_000, name: null, digest: null };
  expect(read('dataset: { uri: s3://lake/x, rows: 81000 }\ntrainedAt: 2026-11-29')).toEqual({
    ...nothing,
    dataset,
    trainedAt: '2026-11-29',
  });
});

test.each([
  ['metrics: { auc: good }', 'metrics.auc: is no number'],
  ['trainedAt: yesterday', 'trainedAt: is no time'],
  ['parent: delay', 'parent: is no version'],
  ['owner: ada', 'owner'],
  ['prescore: 1', 'this is a job file'],
])('%s is refused', (text, says) => {
  expect(() => read(text)).toThrow(says);
});
