import { describe, expect, test } from 'vitest';
import { issueOf, issuesOf, jobText, parse, refusal, SHA256 } from './sample-job.ts';

const FULL = `prescore: 1
name: flight-delay
stores:
  main: { endpoint: "http://127.0.0.1:9000", region: us-east-1, pathStyle: true }
  cold: { buckets: [archive] }
state: s3://lake/state/
model: { uri: s3://models/delay_lgbm.onnx, version: "2013.1", sha256: ${SHA256} }
input:
  uri: ["in/month={partition}/*.parquet", "s3://lake/extra/{partition}.arrow"]
  format: auto
  schema: { month: float, price: "decimal(18, 3)", tags: "string[]" }
  pathColumns: { month: int8 }
  onBadFile: skip
  lossy: true
partitions: { values: ["01", "02"] }
features:
  one: month
  many: [month, day]
  full: { columns: [carrier], nulls: { fill: "none" } }
  rate: { value: 16000 }
  grid: { value: [[1, 2.5], [3, 4]] }
outputs:
  zebra: label
  apple: { tensor: probabilities, index: 1 }
  top: { tensor: probabilities, argmax: true, labels: [early, late] }
id: flight_id
passthrough: [event_time]
output: { uri: "out/month={partition}/", compression: snappy, rowGroupRows: 4096, lineage: true, gcGrace: 10m }
execution:
  { scorers: 2, intraOpThreads: 4, batchRows: 512, chunkRows: 10000, memory: 1.5GiB, scratch: 64MB, device: "cuda:1", cuda: { tf32: true }, batchDeadline: 500ms }
rejects: { limit: "0.1%" }
`;

describe('a full job file', () => {
  const job = parse(FULL);

  test('is compiled: units resolved, short forms unfolded, types as DuckDB writes them', () => {
    expect({ ...job, stores: null, outputs: null, features: null }).toEqual({
      name: 'flight-delay',
      stores: null,
      state: 's3://lake/state',
      model: { uri: 's3://models/delay_lgbm.onnx', name: 'delay_lgbm', version: '2013.1', sha256: SHA256 },
      input: {
        uris: ['file:///base/in/month={partition}/*.parquet', 's3://lake/extra/{partition}.arrow'],
        format: 'auto',
        schema: { month: 'FLOAT', price: 'DECIMAL(18,3)', tags: 'VARCHAR[]' },
        pathColumns: { month: 'TINYINT' },
        onBadFile: 'skip',
        lossy: true,
      },
      partitions: { kind: 'values', values: ['01', '02'] },
      features: null,
      outputs: null,
      id: ['flight_id'],
      passthrough: ['event_time'],
      output: {
        uri: 'file:///base/out/month={partition}',
        compression: 'snappy',
        rowGroupRows: 4096,
        lineage: true,
        gcGraceMs: 600_000,
      },
      predictions: null,
      execution: {
        scorers: 2,
        intraOpThreads: 4,
        trees: 'auto',
        batchRows: 512,
        chunkRows: 10_000,
        memoryBytes: 1.5 * 2 ** 30,
        scratchBytes: 64_000_000,
        device: 'cuda:1',
        cuda: { tf32: true },
        batchDeadlineMs: 500,
      },
      rejects: { limit: { percent: 0.1 } },
      schedule: null,
      notify: [],
    });
  });

  test('keeps features and outputs, in the order of the file', () => {
    expect(Object.entries(job.features ?? {})).toEqual([
      ['one', { kind: 'columns', columns: ['month'], nulls: null }],
      ['many', { kind: 'columns', columns: ['month', 'day'], nulls: null }],
      ['full', { kind: 'columns', columns: ['carrier'], nulls: { fill: 'none' } }],
      ['rate', { kind: 'value', value: 16_000 }],
      [
        'grid',
        {
          kind: 'value',
          value: [
            [1, 2.5],
            [3, 4],
          ],
        },
      ],
    ]);
    expect(Object.entries(job.outputs ?? {})).toEqual([
      ['zebra', { tensor: 'label', index: null, argmax: false, labels: null }],
      ['apple', { tensor: 'probabilities', index: 1, argmax: false, labels: null }],
      ['top', { tensor: 'probabilities', index: null, argmax: true, labels: ['early', 'late'] }],
    ]);
  });

  test('fills stores in and leaves what is unknown to null', () => {
    expect(job.stores).toEqual({
      main: { endpoint: 'http://127.0.0.1:9000', region: 'us-east-1', pathStyle: true, buckets: [] },
      cold: { endpoint: null, region: null, pathStyle: false, buckets: ['archive'] },
    });
  });

  test('is frozen to the last list', () => {
    const pending: unknown[] = [job];
    for (const value of pending) {
      if (typeof value !== 'object' || value === null) continue;
      expect(Object.isFrozen(value)).toBe(true);
      pending.push(...Object.values(value));
    }
    expect(pending.length).toBeGreaterThan(80);
  });

  test('survives JSON, as plans are kept in', () => {
    expect(JSON.parse(JSON.stringify(job))).toEqual(job);
  });
});

test('the smallest job file gets every default', () => {
  expect(parse(jobText({ model: { uri: 'a/b/model.v2.onnx' } }))).toEqual({
    name: 'flight-delay',
    stores: {},
    state: 'file:///base/out/_prescore',
    model: { uri: 'file:///base/a/b/model.v2.onnx', name: 'model.v2', version: null, sha256: null },
    input: {
      uris: ['file:///base/in/*.parquet'],
      format: 'auto',
      schema: null,
      pathColumns: {},
      onBadFile: 'fail',
      lossy: false,
    },
    partitions: null,
    features: null,
    outputs: null,
    id: [],
    passthrough: [],
    output: { uri: 'file:///base/out', compression: 'zstd', rowGroupRows: 122_880, lineage: false, gcGraceMs: 0 },
    predictions: null,
    execution: {
      scorers: 'auto',
      intraOpThreads: 1,
      trees: 'auto',
      batchRows: 'auto',
      chunkRows: 'auto',
      memoryBytes: 'auto',
      scratchBytes: 10 * 2 ** 30,
      device: 'cpu',
      cuda: { tf32: false },
      batchDeadlineMs: 60_000,
    },
    rejects: { limit: { rows: 0 } },
    schedule: null,
    notify: [],
  });
});

describe('the report', () => {
  const text = [
    'prescore: 1',
    'name: Flight Delay',
    'modle: { uri: m.onnx }',
    'input:',
    '  uri: in/*.parquet',
    '  format: xlsx',
    'output: { uri: out, rowGroupRows: "4096" }',
  ].join('\n');

  test('tells all problems at once, each with its place, what was expected and what is there', () => {
    const error = refusal(text);
    expect(error.code).toBe('SPEC_INVALID');
    expect(error.exitCode).toBe(2);
    expect(error.details.detail?.split('\n')).toEqual([
      expect.stringMatching(/^job\.yaml:2:7: name: .*; expected a name of .*; got the text "Flight Delay"$/),
      expect.stringMatching(/^job\.yaml:3:1: modle: is not a known key; .*; did you mean "model"\?$/),
      'job.yaml:6:11: input.format: is not one of the known words; expected auto | parquet | arrow | csv | jsonl; got the text "xlsx"',
      expect.stringMatching(
        /^job\.yaml:7:35: output\.rowGroupRows: is a text, not a number; write it without quotes; /,
      ),
    ]);
  });

  test('holds the same as objects', () => {
    expect(issuesOf(text)[1]).toMatchObject({
      code: 'SPEC_INVALID',
      path: 'modle',
      line: 3,
      column: 1,
      suggestion: 'model',
    });
  });

  test('says the first problem and the number of the others on its one line', () => {
    expect(refusal(text).message).toMatch(
      /^SPEC_INVALID: name: does not have the right form \(and 3 more problems\); at job\.yaml:2:7; /,
    );
    expect(refusal(text).message).not.toContain('\n');
  });

  test('runs the rules across keys although a value is wrong', () => {
    const issues = issuesOf(jobText({ execution: { memory: '1 GB 2' }, id: ['a'], passthrough: ['A'] }));
    expect(issues.map((issue) => issue.path)).toEqual(expect.arrayContaining(['execution.memory', 'passthrough[0]']));
  });

  test('does not repeat the noise of a broken part', () => {
    const text = jobText({ partitions: { values: [1] }, output: { uri: 'out/{partition}' } });
    expect(issueOf(text).path).toBe('partitions.values[0]');
  });

  test('escapes what could forge lines or turn text around', () => {
    const error = refusal(jobText({ 'a\nb\u202e': 1, execution: { device: 'x\ny\u202e' } }));
    expect(error.details.detail?.split('\n')).toHaveLength(2);
    expect(error.details.detail).not.toContain('\u202e');
  });
});
