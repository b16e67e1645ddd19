import { describe, expect, it } from 'vitest';
import type { Binding, BoundOutput } from '../../../../src/base/contract/binding.ts';
import type { Job } from '../../../../src/base/contract/job.ts';
import { type FeatureForm, featureRow, type RowScore } from '../../../../src/base/contract/job-scorer.ts';
import type { InferRequest, LiveModel, LiveTensor } from '../../../../src/base/contract/live-model.ts';
import { PrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import { openJobScorer } from '../../../../src/inference/job/job-scorer.ts';

/*
 * The rules of a live row. The model here is a double of our own seam: it answers with what it was fed.
 */
const TYPES = new Map([
  ['f', 'FLOAT'],
  ['n', 'BIGINT'],
  ['t', 'VARCHAR'],
  ['v', 'FLOAT[]'],
  ['flag', 'BOOLEAN'],
  ['d', 'DECIMAL(9,2)'],
  ['day', 'DATE'],
  ['at', 'TIMESTAMP'],
]);

const BINDING: Binding = {
  inputs: [
    { kind: 'columns', tensor: 'f', type: 'float32', tail: [1], columns: ['f'], nulls: 'nan' },
    { kind: 'columns', tensor: 'n', type: 'int64', tail: [], columns: ['n'], nulls: { fill: 7 } },
    { kind: 'columns', tensor: 't', type: 'string', tail: [], columns: ['t'], nulls: { fill: 'none' } },
    { kind: 'list', tensor: 'v', type: 'float32', column: 'v', width: 2, tail: [2], nulls: { fill: 0 } },
    { kind: 'columns', tensor: 'flag', type: 'bool', tail: [], columns: ['flag'], nulls: { fill: false } },
    { kind: 'columns', tensor: 'd', type: 'float64', tail: [], columns: ['d'], nulls: 'nan' },
    { kind: 'columns', tensor: 'day', type: 'int32', tail: [], columns: ['day'], nulls: { fill: 0 } },
    { kind: 'columns', tensor: 'at', type: 'int64', tail: [], columns: ['at'], nulls: { fill: 0 } },
    { kind: 'constant', tensor: 'k', type: 'int64', dims: [null, 1], value: 16000 },
  ],
  outputs: [
    output('f', 'float32', 'scalar', 'FLOAT'),
    output('n', 'int64', 'scalar', 'BIGINT'),
    output('t', 'string', 'scalar', 'VARCHAR'),
    output('v', 'float32', 'list', 'FLOAT[]'),
    output('flag', 'bool', 'scalar', 'BOOLEAN'),
    output('d', 'float64', 'scalar', 'DOUBLE'),
    output('day', 'int32', 'scalar', 'INTEGER'),
    output('at', 'int64', 'scalar', 'BIGINT'),
    { ...output('top', 'float32', 'argmax', 'VARCHAR'), tensor: 'v', labels: ['left', 'right'] },
    output('k', 'int64', 'scalar', 'BIGINT'),
  ],
  fixedBatch: null,
};

function output(
  tensor: string,
  tensorType: BoundOutput['tensorType'],
  kind: BoundOutput['kind'],
  type: string,
): BoundOutput {
  return { column: tensor, tensor, tensorType, kind, index: null, labels: null, type };
}

const job = { name: 'job', model: { name: 'echo', version: '3' }, predictions: null } as Job;

interface Asked {
  readonly requests: InferRequest[];
}

function echo(asked: Asked, changes: Partial<LiveModel> = {}): LiveModel {
  return {
    name: 'echo',
    version: '3',
    sha256: 'ab',
    signature: { inputs: [], outputs: [] },
    fixedBatch: null,
    maxRows: 100,
    async infer(request) {
      asked.requests.push(request);
      return { outputs: request.inputs, failedRows: [], queueMs: 2, computeMs: 3, batchRows: request.rows };
    },
    ...changes,
  };
}

type Features = Readonly<Record<string, unknown>>;

async function ask(
  rows: readonly Features[],
  form: FeatureForm = 'json',
  model = echo({ requests: [] }),
  binding = BINDING,
) {
  const scorer = openJobScorer({ job, binding, types: TYPES, model });
  return scorer.score({ rows: rows.map(featureRow), form, deadlineMs: 100, priority: 0, signal: null });
}

const GOOD = {
  f: 0.1,
  n: '9007199254740993',
  t: 'é',
  v: [1, 2],
  flag: true,
  d: '12.34',
  day: '1970-01-03',
  at: '1970-01-01T00:00:01Z',
};

describe('the live scorer of a job', () => {
  it('gives the values that a set would hold', async () => {
    const { rows, queueMs, computeMs, batchRows } = await ask([GOOD]);
    const values = {
      f: Math.fround(0.1),
      n: 9007199254740993n,
      t: 'é',
      v: [1, 2],
      flag: true,
      d: 12.34,
      day: 2,
      at: 1000000n,
      top: 'right',
      k: 16000n,
    };
    expect(rows).toEqual([{ values }]);
    expect({ queueMs, computeMs, batchRows }).toEqual({ queueMs: 2, computeMs: 3, batchRows: 1 });
  });

  it('takes null, a missing name and (but for texts) an empty hash field for null', async () => {
    const filled = { n: 7n, t: 'none', flag: false, day: 0, at: 0n };
    const binding = { ...BINDING, outputs: BINDING.outputs.filter((o) => o.column in filled) };
    const nulls = { ...Object.fromEntries([...TYPES.keys()].map((name) => [name, null])), v: [0, 1] };
    expect((await ask([nulls, { v: [0, 1] }], 'json', undefined, binding)).rows).toEqual([
      { values: filled },
      { values: filled },
    ]);
    const empty = { ...Object.fromEntries([...TYPES.keys()].map((name) => [name, ''])), v: '[0, 1]' };
    expect((await ask([empty], 'text', undefined, binding)).rows).toEqual([{ values: { ...filled, t: '' } }]);
  });

  it.each<[string, Features, RowScore]>([
    ['an unknown name', { x: 1 }, { rule: 'unknown_feature', column: 'x', message: 'the job has no such feature' }],
    [
      'a name of Object',
      { constructor: 1 },
      { rule: 'unknown_feature', column: 'constructor', message: 'the job has no such feature' },
    ],
    [
      'a text for a number',
      { f: '1' },
      { rule: 'bad_feature', column: 'f', message: 'expected a number that a FLOAT holds' },
    ],
    [
      'a number beyond float32',
      { f: 1e39 },
      { rule: 'bad_feature', column: 'f', message: 'expected a number that a FLOAT holds' },
    ],
    ['a number that JSON has rounded', { n: 2 ** 53 }, bad('n', /^expected a whole number .* as a text$/)],
    ['a number beyond int64', { n: '9223372036854775808' }, bad('n', /^expected a whole number/)],
    ['a number for a text', { t: 1 }, bad('t', /^expected a text$/)],
    ['half of a character', { t: 'a\ud800' }, { rule: 'bad_utf8', column: 't', message: 'a text is not valid UTF-8' }],
    ['a NUL in a text', { t: 'a\0' }, { rule: 'bad_utf8', column: 't', message: 'a text holds a NUL character' }],
    [
      'a text that is too long',
      { t: 'é'.repeat(32_769) },
      { rule: 'too_long', column: 't', message: 'text has more than 65536 bytes' },
    ],
    ['a short list', { v: [1] }, { rule: 'list_length', column: 'v', message: 'list has 1 elements instead of 2' }],
    ['no list', { v: 1 }, bad('v', /^expected a list of numbers$/)],
    ['a text in a list', { v: [1, 'x'] }, bad('v', /^an element: expected a number/)],
    ['a null list', { v: null }, { rule: 'null_list', column: 'v', message: 'list is null' }],
    ['a number for a flag', { flag: 1 }, bad('flag', /^expected true or false$/)],
    ['a decimal that is too large', { d: '12345678.9' }, bad('d', /^expected a number of at most 7 digits/)],
    ['an endless exponent', { d: '1e9999' }, bad('d', /^expected a number of at most 7 digits/)],
    ['a day that there is not', { day: '2013-02-30' }, bad('day', /^expected a date/)],
    ['a time without minutes', { at: '2013-02-03T10' }, bad('at', /^expected a time as/)],
    ['an object', { f: {} }, bad('f', /^expected a number/)],
  ])('refuses %s for that row alone', async (_, changes, expected) => {
    const asked: Asked = { requests: [] };
    const { rows } = await ask([GOOD, { ...GOOD, ...changes }, { ...GOOD, n: 5 }], 'json', echo(asked));
    expect(rows[1]).toEqual(expected);
    expect(rows.map((r) => 'values' in r && r.values['n'])).toEqual([9007199254740993n, false, 5n]);
    expect(asked.requests.map((r) => r.rows)).toEqual([2]);
  });

  it('does not ask the model when no row is left', async () => {
    const asked: Asked = { requests: [] };
    expect((await ask([{ x: 1 }], 'json', echo(asked))).rows[0]).toMatchObject({ rule: 'unknown_feature' });
    expect((await ask([], 'json', echo(asked))).rows).toEqual([]);
    expect(asked.requests).toEqual([]);
  });

  it('reads hashes by type', async () => {
    const hash = {
      f: ' -inf',
      n: '5.0',
      t: ' x ',
      v: '[nan, 1e2]',
      flag: 'True',
      d: '0.005',
      day: '3',
      at: '2013-01-01 00:00:00+01',
    };
    const binding = {
      ...BINDING,
      outputs: BINDING.outputs.filter((o) => ['n', 't', 'flag', 'd', 'day', 'at'].includes(o.column)),
    };
    const at = BigInt(Date.UTC(2012, 11, 31, 23)) * 1000n;
    expect((await ask([hash], 'text', undefined, binding)).rows).toEqual([
      { values: { n: 5n, t: ' x ', flag: true, d: 0.01, day: 3, at } },
    ]);
    expect((await ask([{ f: 'x' }, { flag: '2' }, { n: '5.5' }], 'text')).rows).toMatchObject(
      ['f', 'flag', 'n'].map((column) => ({ rule: 'bad_feature', column })),
    );
  });

  it('rejects outputs that are no number, and rows that the model fails on', async () => {
    const failing = echo(
      { requests: [] },
      {
        async infer(request) {
          return {
            outputs: request.inputs,
            failedRows: [{ row: 1, message: 'no' }],
            queueMs: 0,
            computeMs: 0,
            batchRows: 3,
          };
        },
      },
    );
    const { rows } = await ask([{ ...GOOD, f: null }, GOOD, GOOD], 'json', failing);
    expect(rows[0]).toEqual({ rule: 'bad_output', column: 'f', message: 'model returned NaN' });
    expect(rows[1]).toEqual({ rule: 'model_error', column: '', message: 'no' });
    expect(rows[2]).toHaveProperty('values');
  });

  it('asks in parts when the model takes fewer rows, in order', async () => {
    const asked: Asked = { requests: [] };
    const rows = Array.from({ length: 25 }, (_, i) => ({ ...GOOD, n: i, t: `t${i}` }));
    rows[3] = { ...GOOD, n: 3, t: 4 as unknown as string };
    const scores = (await ask(rows, 'json', echo(asked, { maxRows: 10 }))).rows;
    expect(asked.requests.map((r) => r.rows)).toEqual([10, 10, 4]);
    expect(scores.map((s) => ('values' in s ? s.values['n'] : null))).toEqual(
      rows.map((r, i) => (i === 3 ? null : BigInt(r.n))),
    );
    expect(scores.map((s) => ('values' in s ? s.values['t'] : null))).toEqual(
      rows.map((r, i) => (i === 3 ? null : r.t)),
    );
    const shapes = (tensors: ReadonlyMap<string, LiveTensor>): unknown => [...tensors].map(([n, t]) => [n, t.dims]);
    expect(shapes(asked.requests[2]!.inputs)).toContainEqual(['k', [4, 1]]);
  });

  it('gives the columns of the set when the job names them', () => {
    const predictions = { values: ['k', 'f', 'event_time'] } as unknown as NonNullable<Job['predictions']>;
    const scorer = openJobScorer({
      job: { ...job, predictions },
      binding: BINDING,
      types: TYPES,
      model: echo({ requests: [] }),
    });
    expect(scorer.values.map((v) => v.name)).toEqual(['f', 'k']);
    expect(scorer.features).toContainEqual({ name: 'at', type: 'TIMESTAMP' });
    expect(scorer.model).toEqual({ name: 'echo', version: '3', sha256: 'ab' });
  });

  it('wants to know the type of every feature', () => {
    const open = () => openJobScorer({ job, binding: BINDING, types: new Map(), model: echo({ requests: [] }) });
    expect(open).toThrow(PrescoreError);
  });
});

function bad(column: string, message: RegExp): RowScore {
  return { rule: 'bad_feature', column, message: expect.stringMatching(message) as unknown as string };
}
