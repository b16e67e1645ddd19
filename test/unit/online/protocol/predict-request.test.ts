import { describe, expect, it } from 'vitest';
import type { LiveModel } from '../../../../src/base/contract/live-model.ts';
import { checkInputs } from '../../../../src/online/protocol/check-tensors.ts';
import { writePredictAnswer } from '../../../../src/online/protocol/predict-answer.ts';
import { readPredictRequest } from '../../../../src/online/protocol/predict-request.ts';
import type { WireTensor } from '../../../../src/online/protocol/wire.ts';
import { modelOf } from './infer-bodies.ts';

const NAMED = modelOf({ text: ['string', [null, 1]], n: ['int64', [null]], pair: ['float32', [null, 2]] });

function read(body: unknown, model = NAMED) {
  const { form, inputs } = readPredictRequest(body, model);
  checkInputs(model, inputs);
  return {
    form,
    inputs: inputs.map(({ name, shape, data }) => ({
      name,
      shape: [...shape],
      data: Array.from(data as ArrayLike<unknown>),
    })),
  };
}

describe('a predict request', () => {
  it('has rows as objects, where a scalar may stand for an axis of length 1', () => {
    const instances = [
      { text: 'a', n: 1, pair: [0.5, null] },
      { pair: [3, 'Infinity'], n: '9223372036854775807', text: ['b'] },
    ];
    expect(read({ instances })).toEqual({
      form: 'rows',
      inputs: [
        { name: 'text', shape: [2, 1], data: ['a', 'b'] },
        { name: 'n', shape: [2], data: [1n, 2n ** 63n - 1n] },
        { name: 'pair', shape: [2, 2], data: [0.5, NaN, 3, Infinity] },
      ],
    });
  });

  it('has rows as values of the only input: scalars, vectors, matrices, texts as base64', () => {
    const one = (
      dims: readonly (number | null)[],
      instances: unknown,
      type: 'float32' | 'string' | 'float16' = 'float32',
    ) => read({ signature_name: 'serving_default', instances }, modelOf({ x: [type, dims] })).inputs[0];
    expect(one([null], [1, 2])).toMatchObject({ shape: [2], data: [1, 2] });
    expect(one([null, 1], [1, [2]])).toMatchObject({ shape: [2, 1], data: [1, 2] });
    expect(one([null, 2], [[1, 2]])).toMatchObject({ shape: [1, 2] });
    expect(
      one(
        [null, null, 2],
        [
          [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
        ],
      ),
    ).toMatchObject({ shape: [1, 3, 2], data: [1, 2, 3, 4, 5, 6] });
    expect(one([null], [{ b64: 'w6Q=' }, 'b'], 'string')).toMatchObject({ data: ['ä', 'b'] });
    expect(one([null], [1], 'float16')).toMatchObject({ data: [0x3c00] });
    expect(one([null, 3], [])).toMatchObject({ shape: [0, 3], data: [] });
  });

  it('has columns: the tensor of the only input, or tensors by name, also those without rows', () => {
    const single = modelOf({ x: ['float32', [null, 2]] });
    expect(
      read(
        {
          inputs: [
            [1, 2],
            [3, 4],
          ],
        },
        single,
      ),
    ).toMatchObject({ form: 'columns', inputs: [{ shape: [2, 2] }] });
    expect(read({ inputs: { x: [[1, 2]] } }, single).inputs).toMatchObject([{ shape: [1, 2] }]);
    const scaled = modelOf({ x: ['float32', [null]], scale: ['float32', []], weights: ['float32', [3]] });
    expect(read({ inputs: { x: [1, 2], scale: 5, weights: [1, 2, 3] } }, scaled).inputs).toMatchObject([
      { shape: [2] },
      { shape: [], data: [5] },
      { shape: [3] },
    ]);
  });

  it('may be shorter than a fixed batch', () => {
    const fixed = modelOf({ x: ['float32', [32, 2]] }, { y: ['float32', [32]] }, 32);
    expect(
      read(
        {
          instances: [
            [1, 2],
            [3, 4],
          ],
        },
        fixed,
      ).inputs,
    ).toMatchObject([{ shape: [2, 2] }]);
  });

  it.each([
    ['neither form', {}, 'instances (rows) or inputs (columns) must be there'],
    ['both forms', { instances: [], inputs: {} }, 'and not both'],
    ['another signature', { signature_name: 'other', instances: [] }, 'models have one signature'],
    ['no object', [], 'this must be an object; at body'],
    ['instances that are no list', { instances: {} }, 'this must be a list; at instances'],
    [
      'values for several inputs',
      { instances: [1] },
      'the model has several inputs; at instances; expected objects of text, n, pair',
    ],
    [
      'objects and values',
      { instances: [{ text: 'a', n: 1, pair: [1, 2] }, 5] },
      'all must be objects when one is; at instances[1]',
    ],
    ['a missing input', { instances: [{ text: 'a', n: 1 }] }, 'input pair is missing; at instances[0]'],
    [
      'an unknown input',
      { instances: [{ text: 'a', n: 1, pair: [1, 2], m: 1 }] },
      'the model has no input m; at instances[0]',
    ],
    [
      'a short row',
      {
        instances: [
          { text: 'a', n: 1, pair: [1, 2] },
          { text: 'a', n: 1, pair: [1] },
        ],
      },
      'another shape; at instances[1], input pair; expected [2]',
    ],
    [
      'a row too deep',
      { instances: [{ text: 'a', n: [[1]], pair: [1, 2] }] },
      'another shape; at instances[0], input n; expected a single value',
    ],
    ['a scalar for two', { instances: [{ text: 'a', n: 1, pair: 1 }] }, 'another shape; at instances[0], input pair'],
    [
      'another type',
      { instances: [{ text: 5, n: 1, pair: [1, 2] }] },
      'a value is no UTF-8 text; at input text, element 0',
    ],
    [
      'columns of different lengths',
      { inputs: { text: ['a'], n: [1, 2], pair: [[1, 2]] } },
      'inputs have different numbers of rows; at input n; expected 1 as input text; got 2',
    ],
    [
      'too many rows',
      { inputs: { text: new Array(101).fill('a'), n: new Array(101).fill(1), pair: new Array(101).fill([1, 2]) } },
      'too many rows',
    ],
  ])('is refused with %s', (_name, body, message) => {
    expect(() => read(body)).toThrow(message);
  });

  it('takes no memory for rows that only the first one fills', () => {
    const wide = modelOf({ x: ['float32', [null, null]] });
    const instances = [new Array(20_000).fill(0), ...new Array(60_000).fill(0)];
    const before = process.memoryUsage().arrayBuffers;
    expect(() => read({ instances }, wide)).toThrow('another shape; at instances[1]');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 2 ** 20);
  });
});

describe('a predict answer', () => {
  const answer = (outputs: readonly WireTensor[], form: 'rows' | 'columns', rows = 2) =>
    JSON.parse(
      writePredictAnswer(
        { model: {} as LiveModel, id: null, rows, outputs, queueMs: 0, computeMs: 0, batchRows: 0 },
        form,
      ),
    ) as unknown;
  const label: WireTensor = { name: 'label', type: 'int64', shape: [2], data: BigInt64Array.of(1n, 2n) };
  const score: WireTensor = {
    name: 'p',
    type: 'float32',
    shape: [2, 2],
    data: Float32Array.of(0.5, NaN, Infinity, -0),
  };

  it('has a value a row of one output, objects of several', () => {
    expect(answer([label], 'rows')).toEqual({ predictions: [1, 2] });
    expect(answer([label, score], 'rows')).toEqual({
      predictions: [
        { label: 1, p: [0.5, null] },
        { label: 2, p: ['Infinity', -0] },
      ],
    });
    const cube: WireTensor = { name: 'c', type: 'bool', shape: [2, 1, 2], data: Uint8Array.of(1, 0, 0, 1) };
    expect(answer([cube], 'rows')).toEqual({ predictions: [[[true, false]], [[false, true]]] });
    const half: WireTensor = { name: 'h', type: 'float16', shape: [2], data: Uint16Array.of(0x3c00, 0x7e00) };
    expect(answer([half], 'rows')).toEqual({ predictions: [1, null] });
    expect(answer([{ ...label, shape: [0], data: new BigInt64Array(0) }], 'rows', 0)).toEqual({ predictions: [] });
  });

  it('has tensors as columns', () => {
    expect(answer([score], 'columns')).toEqual({
      outputs: [
        [0.5, null],
        ['Infinity', -0],
      ],
    });
    expect(answer([label, score], 'columns')).toMatchObject({ outputs: { label: [1, 2] } });
    const one: WireTensor = { name: 's', type: 'string', shape: [], data: ['a "b"'] };
    expect(answer([one], 'columns')).toEqual({ outputs: 'a "b"' });
  });

  it('refuses rows of an output that has none', () => {
    const total: WireTensor = { name: 't', type: 'float32', shape: [1], data: Float32Array.of(1) };
    expect(() => answer([total], 'rows')).toThrow('an output has no value for each row; at output t');
  });
});
