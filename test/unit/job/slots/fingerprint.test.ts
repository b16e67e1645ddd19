import { describe, expect, test } from 'vitest';
import { canonicalJson, digestOf } from '../../../../src/job/slots/canonical-json.ts';
import { differingFields, fingerprintsOf, resultFingerprint } from '../../../../src/job/slots/fingerprint.ts';
import { jobText, parse, SHA256 } from '../parse/sample-job.ts';

const VERSIONS = { prescore: '1', duckdb: '2', onnxruntime: '3' };
const BASE = { features: { x: ['a', 'b'] }, outputs: { p: 't', q: 't' }, id: ['k'] };
const prints = (replaced: Readonly<Record<string, unknown>> = {}, more: object = {}) =>
  fingerprintsOf({
    job: parse(jobText({ ...BASE, ...replaced })),
    modelSha256: SHA256,
    batchRows: 4096,
    versions: VERSIONS,
    ...more,
  });
const before = prints();

describe('the result fingerprint', () => {
  test.each([
    ['model', {}, { modelSha256: 'cd'.repeat(32) }],
    ['input', { input: { uri: 'other/*.parquet' } }, {}],
    ['input', { input: { uri: 'in/*.parquet', onBadFile: 'skip' } }, {}],
    ['features', { features: { x: ['b', 'a'] } }, {}],
    ['features', { features: { x: { columns: ['a', 'b'], nulls: { fill: 0 } } } }, {}],
    ['outputs', { outputs: { p: 't', q: { tensor: 't', index: 1 } } }, {}],
    ['outputs', { outputs: { q: 't', p: 't' } }, {}],
    ['id', { id: [] }, {}],
    ['passthrough', { passthrough: ['z'] }, {}],
    ['output.uri', { output: { uri: 'elsewhere' }, state: 'out/_prescore' }, {}],
  ])('changes with %s: %j', (field, replaced, more) => {
    const after = prints(replaced, more);
    expect(after.result).not.toBe(before.result);
    expect(after.resume).not.toBe(before.resume);
    expect(differingFields(before, after)).toEqual([field]);
  });

  test('changes with lineage, whose columns name the model', () => {
    const lineage = { output: { uri: 'out', lineage: true } };
    expect(differingFields(before, prints(lineage))).toEqual(['model', 'output.lineage']);
    const renamed = { ...lineage, model: { uri: 'model.onnx', version: '2' } };
    expect(differingFields(prints(lineage), prints(renamed))).toEqual(['model']);
    expect(prints({ model: { uri: 'model.onnx', version: '2' } }).result).toBe(before.result);
  });
});

test.each([
  ['output.compression', { output: { uri: 'out', compression: 'snappy' } }, {}],
  ['output.rowGroupRows', { output: { uri: 'out', rowGroupRows: 4096 } }, {}],
  ['execution.device', { execution: { device: 'cuda' } }, {}],
  ['execution.cuda.tf32', { execution: { cuda: { tf32: true } } }, {}],
  ['execution.intraOpThreads', { execution: { intraOpThreads: 2 } }, {}],
  ['execution.trees', { execution: { trees: 'onnxruntime' } }, {}],
  ['execution.batchRows', {}, { batchRows: 512 }],
  ['execution.exact', {}, { policy: 'pad8' }],
  ['versions.duckdb', {}, { versions: { ...VERSIONS, duckdb: '9' } }],
])('%s changes the resume fingerprint only', (field, replaced, more) => {
  const after = prints(replaced, more);
  expect(after.result).toBe(before.result);
  expect(after.resume).not.toBe(before.resume);
  expect(differingFields(before, after)).toEqual([field]);
});

test.each([
  { rejects: { limit: 5 } },
  { execution: { scorers: 3, memory: '4GiB', scratch: '20GiB', batchDeadline: '5m', chunkRows: 100 } },
  { execution: { exact: 'require' } },
  { output: { uri: 'out/', gcGrace: '1h' } },
  { stores: { main: { region: 'us-east-1' } } },
  { features: { x: { columns: ['a', 'b'] } } },
  { schedule: { cron: '0 2 * * *', timezone: 'Europe/Berlin', catchUp: 'all' } },
  { notify: [{ url: 'https://hooks.example.org/a', secretEnv: 'S', on: ['failed'] }] },
])('%j changes neither: a run may go on under it', (replaced) => {
  expect(prints(replaced)).toEqual(before);
});

test('a job that came back from a plan has the same fingerprints', () => {
  const job = parse(jobText(BASE));
  expect(resultFingerprint(JSON.parse(JSON.stringify(job)), SHA256)).toBe(before.result);
});

test('canonical JSON sorts keys, keeps lists, and tells null from absent', () => {
  expect(canonicalJson({ b: [2, 1], a: { d: null, c: undefined, é: 'x"' } })).toBe(
    '{"a":{"d":null,"é":"x\\""},"b":[2,1]}',
  );
  expect(digestOf({ a: 1, b: 2 })).toBe(digestOf({ b: 2, a: 1 }));
});
