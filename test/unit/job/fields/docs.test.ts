import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { driftedDocs, EXAMPLE_JOB, errorsPage, jobFilePage } from '../../../../scripts/gen-docs.ts';
import { ERROR_CODES } from '../../../../src/base/errors/error-codes.ts';
import type { Field, Shape } from '../../../../src/job/fields/field.ts';
import { JOB_SHAPE } from '../../../../src/job/fields/job-fields.ts';
import { jsonSchemaOf } from '../../../../src/job/fields/json-schema.ts';
import { parseJob } from '../../../../src/job/parse/parse-job.ts';
import { jobText, parse, resolveUri, SHA256 } from '../parse/sample-job.ts';
import { fitsSchema } from './schema-check.ts';

test('the generated documents are up to date (scripts/gen-docs.ts writes them)', () => {
  expect(driftedDocs()).toEqual([]);
});

test('the example is a job file', () => {
  const job = parseJob(EXAMPLE_JOB, {
    path: 'x',
    baseUri: '',
    resolveUri: (text) => resolveUri(text.replace('../', '')),
  });
  expect(job.name).toBe('flight-delay');
  expect(jobFilePage()).toContain(EXAMPLE_JOB);
});

test('every error code is documented', () => {
  for (const code of Object.keys(ERROR_CODES)) expect(errorsPage()).toContain(`\`${code}\``);
});

function fieldsOf(shape: Shape): readonly Field[] {
  if (shape.kind === 'list' || shape.kind === 'map') return fieldsOf(shape.of);
  if (shape.kind !== 'object') return [];
  return Object.values<Field>(shape.fields).flatMap((field) => [field, ...fieldsOf(field.type)]);
}

const schema = jsonSchemaOf(JOB_SHAPE, 'job');

test('every key has a sentence and an example', () => {
  expect(fieldsOf(JOB_SHAPE).length).toBeGreaterThan(40);
  for (const field of fieldsOf(JOB_SHAPE)) {
    expect(field.doc).toMatch(/\.$/);
    expect(parseYaml(`x: ${field.example}`)).toHaveProperty('x');
  }
});

describe('the JSON Schema agrees with the validator', () => {
  const good = [
    {},
    { id: 'a', passthrough: ['b'] },
    { features: { x: 'a', y: ['a', 'b'], z: { columns: ['a'], nulls: { fill: 0 } }, v: { value: [[1], [2]] } } },
    { outputs: { p: 't', q: { tensor: 't', argmax: true, labels: ['a', 'b'] } } },
    { partitions: { values: ['a'] }, output: { uri: 'out/{partition}' } },
    { partitions: { every: 'day', format: '%Y-%m-%d', start: '2013-01-01' }, output: { uri: 'out/{partition}' } },
    { stores: { main: { endpoint: 'http://h:1', region: 'r', pathStyle: true }, b: { buckets: ['abc'] } } },
    {
      execution: {
        scorers: 'auto',
        batchRows: 1,
        memory: 1048576,
        scratch: '1GiB',
        device: 'cuda:1',
        batchDeadline: '5m',
      },
    },
    { rejects: { limit: '1%' } },
    { schedule: { cron: '*/15 6-20 * * MON-FRI', timezone: 'America/New_York', overlap: 'replace', jitter: '30s' } },
    { schedule: { cron: '0 2 * * *', waitForInput: { for: '6h', marker: '_SUCCESS' } } },
    { notify: [{ url: 'https://hooks.example.org/a?b=c', on: 'failed' }] },
    {
      input: {
        uri: ['a', 'b'],
        schema: { a: 'decimal(3,1)[]' },
        pathColumns: { m: 'int8' },
        lossy: true,
        onBadFile: 'skip',
      },
    },
    { model: { uri: 'm.onnx', name: 'n', version: '1', sha256: SHA256 } },
  ];
  test.each(good.map((replaced) => [replaced]))('good: %j', (replaced) => {
    expect(parse(jobText(replaced)).name).toBe('flight-delay');
    expect(fitsSchema(schema, JSON.parse(jobText(replaced)))).toBe(true);
  });

  const bad = [
    { name: undefined },
    { name: 'A' },
    { prescore: '1' },
    { extra: 1 },
    { predictions: {} },
    { model: { uri: 'm', sha256: 'AB' } },
    { model: { version: '1' } },
    { model: { uri: 'm', version: 1 } },
    { input: { uri: [] } },
    { input: { uri: 'a', format: 'xlsx' } },
    { input: { uri: 'a', pathColumns: { m: 'blob' } } },
    { features: {} },
    { features: { x: {} } },
    { features: { x: { columns: ['a'], value: 1 } } },
    { features: { x: { value: 1, nulls: 'nan' } } },
    { features: { x: { columns: ['a'], nulls: 'zero' } } },
    { features: { x: 5 } },
    { outputs: { p: {} } },
    { outputs: { p: { tensor: 't', index: 1.5 } } },
    { id: ['a', 'a'] },
    { partitions: {} },
    { partitions: { values: ['a'], every: 'day' }, output: { uri: 'out/{partition}' } },
    { partitions: { every: 'day' }, output: { uri: 'out/{partition}' } },
    { output: { uri: 'out', rowGroupRows: 1 } },
    { output: { uri: 'out', gcGrace: 5 } },
    { execution: { batchRows: 0 } },
    { execution: { batchRows: '64' } },
    { execution: { memory: '1 potato' } },
    { execution: { device: 'tpu' } },
    { rejects: { limit: -1 } },
    { schedule: {} },
    { schedule: { cron: '* * * * * *' } },
    { schedule: { cron: '0 2 * * *', timezone: '+01:00' } },
    { schedule: { cron: '0 2 * * *', offset: 1 } },
    { schedule: { cron: '0 2 * * *', catchUp: 'some' } },
    { schedule: { cron: '0 2 * * *', waitForInput: { every: '5m' } } },
    { notify: { url: 'https://hooks.example.org' } },
    { notify: [{ url: 'ftp://hooks.example.org' }] },
    { notify: [{ url: 'https://h', on: [] }] },
    { notify: [{ url: 'https://h', secretEnv: 'a-b' }] },
    { rejects: { limit: '5' } },
    { stores: { Main: {} } },
    { stores: { main: { pathStyle: 'yes' } } },
  ];
  test.each(bad.map((replaced) => [replaced]))('bad: %j', (replaced) => {
    expect(() => parse(jobText(replaced))).toThrow();
    expect(fitsSchema(schema, JSON.parse(jobText(replaced)))).toBe(false);
  });
});
