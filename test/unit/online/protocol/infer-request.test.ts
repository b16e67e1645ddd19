import { describe, expect, it } from 'vitest';
import type { TensorType } from '../../../../src/base/contract/signature.ts';
import { binaryBody, binaryInput, modelOf, read } from './infer-bodies.ts';

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const framed = (...texts: (string | Uint8Array)[]) =>
  Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text as string);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
const json = (input: unknown, more = {}) => JSON.stringify({ inputs: [input], ...more });

describe('an infer request as JSON', () => {
  const input = { name: 'x', datatype: 'FP32', shape: [2, 3] };

  it('takes data flat and nested, and ids, parameters and outputs', () => {
    const flat = read(json({ ...input, data: [1, 2, 3, 4, 5, 6] }));
    const nested = read(
      json({
        ...input,
        data: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      }),
    );
    expect(flat.inputs[0]!.data).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(nested.inputs).toEqual(flat.inputs);
    expect(flat).toMatchObject({ id: null, outputs: null, parameters: { priority: 0, timeoutMicros: null } });
    const outputs = [{ name: 'a' }, { name: 'b', parameters: { binary_data: false } }];
    const parameters = { priority: 3, timeout: 1500, binary_data_output: true, other: 'x' };
    const full = read(json({ ...input, data: [1, 2, 3, 4, 5, 6] }, { id: '42', parameters, outputs }));
    expect(full).toMatchObject({ id: '42', outputs: ['a', 'b'], parameters: { priority: 3, timeoutMicros: 1500 } });
    expect(['a', 'b', 'c'].map(full.isBinary)).toEqual([true, false, true]);
  });

  it('has null for NaN, texts for infinities, and texts for integers beyond a double', () => {
    const data = '[null, "Infinity", "-Infinity", "NaN", -0, 1e-45]';
    const { inputs } = read(`{"inputs":[{"name":"x","datatype":"FP32","shape":[2,3],"data":${data}}]}`);
    expect([...(inputs[0]!.data as Float32Array)]).toEqual([NaN, Infinity, -Infinity, NaN, -0, Math.fround(1e-45)]);
    const wide = read(json({ name: 'x', datatype: 'INT64', shape: [2], data: ['-9223372036854775808', 7] }));
    expect(wide.inputs[0]!.data).toEqual(BigInt64Array.of(-(2n ** 63n), 7n));
    const unsigned = read(json({ name: 'x', datatype: 'UINT64', shape: [1], data: ['18446744073709551615'] }));
    expect(unsigned.inputs[0]!.data).toEqual(BigUint64Array.of(2n ** 64n - 1n));
  });

  it.each([
    ['no inputs', '{}', 'this must be a list; at inputs'],
    ['inputs that are no list', '{"inputs":{}}', 'this must be a list; at inputs'],
    ['an input without a name', json({ ...input, name: 1 }), 'this must be a text; at inputs[0].name'],
    ['a datatype that there is not', json({ ...input, datatype: 'BF16' }), 'no such datatype; at input x'],
    ['a shape that is no list', json({ ...input, shape: 3 }), 'this must be a list; at input x, shape'],
    [
      'an axis below zero',
      json({ ...input, shape: [-1, 3] }),
      'this must be a whole number that is not negative; at input x, shape[0]',
    ],
    [
      'an axis that is no number',
      json({ ...input, shape: [null] }),
      'this must be a whole number that is not negative; at input x, shape[0]',
    ],
    [
      'an axis with a fraction',
      json({ ...input, shape: [1.5] }),
      'this must be a whole number that is not negative; at input x, shape[0]',
    ],
    ['no data', json(input), 'there is no data; at input x'],
    ['too few values', json({ ...input, data: [1] }), 'shape and data differ; at input x; expected 6 elements; got 1'],
    [
      'a ragged list',
      json({
        ...input,
        data: [
          [1, 2, 3],
          [4, 5],
        ],
      }),
      'shape and data differ on axis 1',
    ],
    [
      'a list too deep',
      json({
        ...input,
        data: [
          [1, 2, 3],
          [4, 5, [6]],
        ],
      }),
      'a value is no number; at input x, element 5',
    ],
    ['lists and values side by side', json({ ...input, data: [[1, 2, 3], 4] }), 'not nested as deep as its shape'],
    [
      'a text among numbers',
      json({ ...input, data: [1, 2, 3, 4, 5, 'x'] }),
      'a value is no number; at input x, element 5',
    ],
    [
      'a float32 that would be infinite',
      json({ ...input, data: [1e39, 0, 0, 0, 0, 0] }),
      'a number is too large; at input x, element 0',
    ],
    ['halves', json({ ...input, datatype: 'FP16', data: [1, 2, 3, 4, 5, 6] }), 'FP16 has no form in JSON'],
    [
      'a fraction for an integer',
      json({ name: 'x', datatype: 'INT8', shape: [1], data: [0.5] }),
      'no integer of this type',
    ],
    [
      'an integer out of range',
      json({ name: 'x', datatype: 'UINT8', shape: [1], data: [256] }),
      'no integer of this type',
    ],
    [
      'an integer that a double rounds',
      '{"inputs":[{"name":"x","datatype":"INT64","shape":[1],"data":[9007199254740993]}]}',
      'send it as a text',
    ],
    [
      'an integer text out of range',
      json({ name: 'x', datatype: 'INT64', shape: [1], data: ['9223372036854775808'] }),
      'no integer of this type',
    ],
    ['a number for a bool', json({ name: 'x', datatype: 'BOOL', shape: [1], data: [2] }), 'a value is no bool'],
    [
      'a lone surrogate',
      '{"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"data":["\\ud800"]}]}',
      'a value is no UTF-8 text',
    ],
    [
      'a shape beyond memory',
      json({ ...input, shape: [2 ** 40, 2 ** 40], data: [1] }),
      'the shape is too large; at input x',
    ],
    ['a shape that a short list cannot fill', json({ ...input, shape: [2 ** 30], data: [1] }), 'shape and data differ'],
    [
      'a nested shape that a short list cannot fill',
      json({ ...input, shape: [1, 2 ** 30], data: [[1]] }),
      'differ on axis 1',
    ],
    ['a sequence', json({ ...input, data: [] }, { parameters: { sequence_id: 5 } }), 'state between requests'],
    ['shared memory', json({ ...input, parameters: { shared_memory_region: 'a' } }), 'shared memory is not served'],
    [
      'an output twice',
      json({ ...input, data: [1, 2, 3, 4, 5, 6] }, { outputs: [{ name: 'a' }, { name: 'a' }] }),
      'asked for twice',
    ],
    ['an id that is no text', json({ ...input, data: [1, 2, 3, 4, 5, 6] }, { id: 5 }), 'this must be a text; at id'],
    [
      'a negative timeout',
      json({ ...input, data: [] }, { parameters: { timeout: -1 } }),
      'this must be a whole number that is not negative; at parameters.timeout',
    ],
    ['NaN, which is no JSON', '{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[NaN]}]}', 'not valid JSON'],
    ['bytes after the JSON', `${json({ ...input, data: [1, 2, 3, 4, 5, 6] })}xx`, 'not valid JSON'],
  ])('refuses %s', (_name, body, message) => {
    expect(() => read(body)).toThrow(message);
  });
});

describe('binary tensors', () => {
  it('are taken from the tail in the order of the inputs, beside inputs of JSON', () => {
    const inputs = [
      { name: 'x', datatype: 'FP32', shape: [1, 3], parameters: { binary_data_size: 12 } },
      { name: 'n', datatype: 'INT64', shape: [1], data: [5] },
      { name: 'text', datatype: 'BYTES', shape: [2], parameters: { binary_data_size: 11 } },
      { name: 'flag', datatype: 'BOOL', shape: [2], parameters: { binary_data_size: 2 } },
      { name: 'half', datatype: 'FP16', shape: [1], parameters: { binary_data_size: 2 } },
    ];
    const tails = [floats(1, NaN, -0), framed('ä', ''), Uint8Array.of(1, 0), Uint8Array.of(0, 0x3c)];
    const tail = framed('ä', 'b').length;
    expect(tail).toBe(11);
    tails[1] = framed('ä', 'b');
    const { inputs: found } = read(...binaryBody({ inputs }, ...tails));
    expect(found.map(({ type }) => type)).toEqual(['float32', 'int64', 'string', 'bool', 'float16']);
    expect(Object.is((found[0]!.data as Float32Array)[2], -0)).toBe(true);
    expect(found.slice(1).map(({ data }) => data)).toEqual([
      BigInt64Array.of(5n),
      ['ä', 'b'],
      Uint8Array.of(1, 0),
      Uint16Array.of(0x3c00),
    ]);
  });

  it('do not share memory with the body', () => {
    const [body, header] = binaryInput('FP32', [1, 3], floats(1, 2, 3));
    const { inputs } = read(body, header);
    body.fill(0);
    expect(inputs[0]!.data).toEqual(Float32Array.of(1, 2, 3));
  });

  const twelve = floats(1, 2, 3);
  it.each([
    ['fewer bytes than the shape needs', binaryInput('FP32', [2, 3], twelve), 'shape and binary data differ'],
    ['more bytes than the shape needs', binaryInput('FP32', [1, 2], twelve), 'shape and binary data differ'],
    ['a size beyond the body', binaryInput('FP32', [1, 4], twelve, 16), 'binary_data_size is larger than what follows'],
    ['a size beyond any body', binaryInput('FP32', [2 ** 40], twelve, 2 ** 42), 'larger than what follows'],
    ['a negative size', binaryInput('FP32', [1, 3], twelve, -12), 'this must be a whole number'],
    ['bytes left over', binaryInput('FP32', [1, 2], twelve, 8), 'bytes are left over'],
    ['a bool of 2', binaryInput('BOOL', [2], Uint8Array.of(1, 2)), 'other bytes than 0 and 1'],
    ['a text cut short', binaryInput('BYTES', [1], framed('abc').subarray(0, 6)), 'ends within an element'],
    [
      'a length cut short',
      binaryInput('BYTES', [2], Buffer.concat([framed('abc'), Buffer.alloc(3)])),
      'ends within an element',
    ],
    [
      'a text of four gigabytes',
      binaryInput('BYTES', [1], Uint8Array.of(255, 255, 255, 255, 0)),
      'ends within an element',
    ],
    ['more texts than bytes', binaryInput('BYTES', [2 ** 31], framed('abc')), 'shape and binary data differ'],
    ['texts after the last', binaryInput('BYTES', [1], framed('a', 'b')), 'goes on after the last element'],
    ['a text that is no UTF-8', binaryInput('BYTES', [1], framed(Uint8Array.of(0xc3))), 'a text is not UTF-8'],
  ])('refuse %s', (_name, [body, header], message) => {
    expect(() => read(body, header)).toThrow(message);
  });

  it.each(['', '-1', '1e2', '0x10', ' 5', '99999999999', '4294967296', 'abc', '61'])(
    'refuse the header %j',
    (header) => {
      const body = Buffer.from(JSON.stringify({ inputs: [] }).padEnd(60));
      expect(() => read(body, header)).toThrow('Inference-Header-Content-Length does not fit');
    },
  );

  it('take U+FFFD itself as the text that it is', () => {
    const [body, header] = binaryInput('BYTES', [1], framed('a\ufffd'));
    expect(read(body, header).inputs[0]!.data).toEqual(['a\ufffd']);
  });
});

describe('a raw body', () => {
  const raw = (bytes: Uint8Array, type: TensorType, dims: readonly (number | null)[], fixed: number | null = null) =>
    read(Buffer.from(bytes), '0', modelOf({ x: [type, dims] }, { y: ['float32', [null]] }, fixed));

  it('is one row of the only input, its one open axis found by its length', () => {
    expect(raw(floats(1, 2, 3), 'float32', [null, 3]).inputs[0]).toMatchObject({ shape: [1, 3] });
    expect(raw(floats(1, 2, 3, 4), 'float32', [null, 2, null]).inputs[0]).toMatchObject({ shape: [1, 2, 2] });
    expect(raw(floats(1, 2), 'float32', [32, 2], 32).inputs[0]).toMatchObject({ shape: [1, 2] });
    const text = raw(Buffer.from('whole body'), 'string', [null]);
    expect(text.inputs[0]).toMatchObject({ shape: [1], data: ['whole body'] });
    expect(text.isBinary('y')).toBe(true);
  });

  it.each([
    ['another length', () => raw(floats(1, 2), 'float32', [null, 3]), 'the raw body does not fit'],
    ['part of an element', () => raw(Uint8Array.of(1, 2, 3), 'float32', [null, null]), 'the raw body does not fit'],
    ['two open axes', () => raw(floats(1), 'float32', [null, null, null]), 'one open axis at most'],
    ['several texts', () => raw(Buffer.from('ab'), 'string', [null, 2]), 'the raw body does not fit'],
    [
      'two inputs',
      () => read('ab', '0', modelOf({ a: ['int8', [null]], b: ['int8', [null]] })),
      'a model with one input',
    ],
  ])('is refused for %s', (_name, work, message) => {
    expect(work).toThrow(message);
  });
});
