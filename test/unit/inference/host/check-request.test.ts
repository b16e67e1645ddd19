import { describe, expect, it } from 'vitest';
import type { InferRequest, LiveTensor } from '../../../../src/base/contract/live-model.ts';
import type { Dim, Signature, TensorType } from '../../../../src/base/contract/signature.ts';
import { checkRequest } from '../../../../src/inference/host/check-request.ts';
import { findBatchAxis } from '../../../../src/model/elements/batch-axis.ts';

type Side = readonly (readonly [name: string, type: TensorType | null, dims: readonly Dim[]])[];

function signature(inputs: Side, outputs: Side = [['y', 'float32', [null, 1]]]): Signature {
  const side = (tensors: Side) =>
    tensors.map(([name, type, dims]) => ({ name, type, declared: type ?? 'sequence', dims }));
  return { inputs: side(inputs), outputs: side(outputs) };
}

const axisOf = (inputs: Side, outputs?: Side) => findBatchAxis(signature(inputs, outputs), 'here');

describe('the batch axis', () => {
  it('is the open first axis; fixed ones beside it are the same for all rows', () => {
    const axis = axisOf([
      ['x', 'float32', [null, 3]],
      ['w', 'float32', [6]],
      ['s', 'float32', []],
    ]);
    expect(axis).toEqual({ fixedBatch: null, batched: new Set(['x']), fetches: ['y'], onRequest: [] });
  });

  it('is the fixed first axis where none is open; of several, the one of the outputs', () => {
    expect(
      axisOf([
        ['x', 'float32', [32, 3]],
        ['z', 'int64', [32]],
      ]).fixedBatch,
    ).toBe(32);
    const two = axisOf(
      [
        ['x', 'float32', [8, 3]],
        ['w', 'float32', [6]],
      ],
      [['y', 'float32', [8]]],
    );
    expect([two.fixedBatch, [...two.batched]]).toEqual([8, ['x']]);
  });

  it('fetches what is a tensor', () => {
    const outputs: Side = [
      ['y', 'float32', [null]],
      ['parts', null, []],
    ];
    expect(axisOf([['x', 'float32', [null]]], outputs).fetches).toEqual(['y']);
  });

  it.each<[string, Side, string]>([
    ['a sequence', [['x', null, []]], 'MODEL_INVALID'],
    ['an open later axis behind a fixed one', [['x', 'float32', [3, null]]], 'MODEL_BATCH_AXIS'],
    ['no rows at all', [['x', 'float32', []]], 'MODEL_BATCH_AXIS'],
    ['no input', [], 'MODEL_BATCH_AXIS'],
    ['a batch of no rows', [['x', 'float32', [0, 3]]], 'MODEL_BATCH_AXIS'],
    ['a batch of too many rows', [['x', 'float32', [65_537, 3]]], 'MODEL_BATCH_AXIS'],
    [
      'two lengths',
      [
        ['x', 'float32', [2]],
        ['z', 'float32', [3]],
      ],
      'MODEL_BATCH_AXIS',
    ],
  ])('refuses %s', (_, inputs, code) => {
    expect(() => axisOf(inputs)).toThrow(new RegExp(`^${code}: `));
  });
});

const MIXED = signature(
  [
    ['x', 'float32', [null, 3]],
    ['open', 'int64', [null, null]],
    ['t', 'string', [null]],
    ['w', 'float32', [2]],
  ],
  [
    ['y', 'float32', [null, 1]],
    ['z', 'int64', [null]],
  ],
);

function request(
  rows: number,
  changes: Readonly<Record<string, LiveTensor | null>> = {},
  more: Partial<InferRequest> = {},
) {
  const inputs = new Map<string, LiveTensor>([
    ['x', { type: 'float32', dims: [rows, 3], data: new Float32Array(rows * 3) }],
    ['open', { type: 'int64', dims: [rows, 2], data: new BigInt64Array(rows * 2) }],
    ['t', { type: 'string', dims: [rows], data: new Array<string>(rows).fill('a') }],
    ['w', { type: 'float32', dims: [2], data: new Float32Array(2) }],
  ]);
  for (const [name, tensor] of Object.entries(changes)) {
    if (tensor === null) inputs.delete(name);
    else inputs.set(name, tensor);
  }
  const whole = { inputs, outputs: null, rows, deadlineMs: 1, priority: 0, signal: null, ...more };
  return checkRequest(whole, MIXED, findBatchAxis(MIXED, 'here'), 10);
}

describe('a request', () => {
  it('that fits has its bytes; the limit in rows holds at the limit and one above', () => {
    expect(request(2)).toMatchObject({ bytes: 2 * 12 + 2 * 16 + 2 * 17 + 8, fetches: null });
    expect(request(10).bytes).toBeGreaterThan(0);
    expect(() => request(11)).toThrow(/^LIVE_REQUEST: .*at rows; expected 0 to 10; got 11/);
    expect(() => request(1, {}, { rows: 1.5 })).toThrow(/^LIVE_REQUEST: /);
    expect(() => request(0)).not.toThrow();
  });

  it('shares a batch with others of the same open axes, constants and outputs, whatever its rows', () => {
    const { key } = request(2);
    expect(request(5).key).toBe(key);
    expect(request(1, { open: { type: 'int64', dims: [1, 4], data: new BigInt64Array(4) } }).key).not.toBe(key);
    expect(request(1, { w: { type: 'float32', dims: [2], data: new Float32Array([0, 1]) } }).key).not.toBe(key);
    expect(request(1, {}, { outputs: ['z'] }).key).not.toBe(key);
    expect(request(1, {}, { outputs: ['z', 'z'] })).toEqual({ ...request(1, {}, { outputs: ['z'] }), fetches: ['z'] });
  });

  it('may have its bytes in any view', () => {
    expect(() => request(2, { x: { type: 'float32', dims: [2, 3], data: Buffer.alloc(24) } })).not.toThrow();
  });

  const x = (dims: readonly number[], data: LiveTensor['data'], type: TensorType = 'float32'): LiveTensor => ({
    type,
    dims,
    data,
  });
  it.each<[string, Readonly<Record<string, LiveTensor | null>>, RegExp]>([
    ['misses an input', { x: null }, /an input is missing; at x; expected float32 \[rows, 3\]; got nothing/],
    ['has an unknown one', { q: x([2], new Float32Array(2)) }, /no such input; at q; expected x, open, t, w; got q/],
    ['has another type', { x: x([2, 3], new Float64Array(6), 'float64') }, /another type; at x; .*got float64/],
    [
      'has another rank',
      { x: x([6], new Float32Array(6)) },
      /another shape; at x; expected float32 \[2, 3\]; got \[6\]/,
    ],
    ['has other rows', { x: x([3, 3], new Float32Array(9)) }, /another shape; at x/],
    ['has another width', { x: x([2, 4], new Float32Array(8)) }, /another shape; at x/],
    [
      'has too few values',
      { x: x([2, 3], new Float32Array(5)) },
      /too few or too many values; at x; expected 24 bytes; got 20/,
    ],
    ['has texts for numbers', { x: x([2, 3], ['1', '2', '3', '4', '5', '6']) }, /at x; expected 24 bytes; got texts/],
    ['has numbers for texts', { t: x([2], new Uint8Array(2), 'string') }, /at t; expected 2 texts; got numbers/],
    ['has too few texts', { t: x([2], ['a'], 'string') }, /at t; expected 2 texts; got 1/],
    ['has a NUL in a text', { t: x([2], ['a', 'b\0c'], 'string') }, /NUL character; at t/],
    ['has half a character', { t: x([2], ['a', '\ud800'], 'string') }, /not valid Unicode; at t/],
    ['has half an axis', { open: x([2, 1.5], new BigInt64Array(3), 'int64') }, /another shape; at open/],
    ['has a negative axis', { open: x([2, -1], new BigInt64Array(0), 'int64') }, /another shape; at open/],
  ])('that %s is refused', (_, changes, says) => {
    expect(() => request(2, changes)).toThrow(/^LIVE_REQUEST: /);
    expect(() => request(2, changes)).toThrow(says);
  });

  it('for no output or an unknown one is refused', () => {
    expect(() => request(1, {}, { outputs: ['q'] })).toThrow(/no such output tensor; at q; expected y, z/);
    expect(() => request(1, {}, { outputs: [] })).toThrow(/no output is asked for/);
  });
});
