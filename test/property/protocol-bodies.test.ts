import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TensorType } from '../../src/base/contract/signature.ts';
import { isPrescoreError } from '../../src/base/errors/prescore-error.ts';
import { statusOf } from '../../src/online/http/http-status.ts';
import { readBinaryTensor, writeBinaryTensor } from '../../src/online/protocol/binary-tensors.ts';
import { checkInputs } from '../../src/online/protocol/check-tensors.ts';
import { datatypeOf, newElements, wireBytes } from '../../src/online/protocol/datatypes.ts';
import { readJsonTensor, writeJsonData } from '../../src/online/protocol/json-tensors.ts';
import { binaryBody, modelOf, read } from '../unit/online/protocol/infer-bodies.ts';

const TYPES = [
  ...(['float32', 'float64', 'float16', 'int8', 'int16', 'int32', 'int64'] as const),
  ...(['uint8', 'uint16', 'uint32', 'uint64', 'bool', 'string'] as const),
] satisfies TensorType[];

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));

/** A tensor of any type and shape with any bits that the type has. */
const tensor = fc
  .tuple(fc.constantFrom(...TYPES), fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 3 }))
  .chain(([type, shape]) => {
    const count = shape.reduce((product, axis) => product * axis, 1);
    const size = count * (wireBytes(type) ?? 0);
    const data =
      type === 'string'
        ? fc.array(
            text.filter((t) => t.isWellFormed()),
            { minLength: count, maxLength: count },
          )
        : fc.uint8Array({ minLength: size, maxLength: size, max: type === 'bool' ? 1 : 255 }).map((bytes) => {
            const elements = newElements(type, count);
            new Uint8Array(elements.buffer).set(bytes);
            return elements;
          });
    return data.map((elements) => ({ type, shape, data: elements }));
  });

const bits = (type: TensorType, data: Parameters<typeof writeBinaryTensor>[1]) =>
  writeBinaryTensor(type, data).toString('hex');

/** Whether a reader's fault is the client's: an answer of 4xx, not a crash. */
function statusOfFault(work: () => unknown): number | null {
  try {
    work();
    return null;
  } catch (error) {
    if (!isPrescoreError(error)) throw error;
    return statusOf(error.code);
  }
}

describe('tensors on the wire', () => {
  it('come back with the same bits from bytes', () => {
    fc.assert(
      fc.property(tensor, ({ type, shape, data }) => {
        const bytes = writeBinaryTensor(type, data);
        expect(bits(type, readBinaryTensor(type, shape, bytes, 'x'))).toBe(bytes.toString('hex'));
      }),
      { numRuns: 300 },
    );
  });

  it('come back with the same bits from JSON, but for which NaN it was', () => {
    fc.assert(
      fc.property(tensor, ({ type, shape, data }) => {
        if (type === 'float16') return;
        const plain =
          type === 'float32' || type === 'float64'
            ? (data as Float32Array).map((v) => (Number.isNaN(v) ? NaN : v))
            : data;
        const parsed: unknown = JSON.parse(
          writeJsonData(type, plain, 'x'),
          type.endsWith('int64') ? exactIntegers : undefined,
        );
        expect(bits(type, readJsonTensor(type, shape, parsed, 'x'))).toBe(bits(type, plain));
      }),
      { numRuns: 300 },
    );
  });
});

// Clients whose parsers keep integers whole, such as Python's, send them back as texts.
function exactIntegers(this: unknown, _key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
    ? context!.source
    : value;
}

describe('bodies that somebody bent', () => {
  const model = modelOf({ x: ['float32', [null, 3]], t: ['string', [null]], n: ['int64', [null]] });
  const floats = Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
  const texts = Buffer.from([1, 0, 0, 0, 97, 2, 0, 0, 0, 98, 99]);
  const inputs = [
    { name: 'x', datatype: 'FP32', shape: [2, 3], parameters: { binary_data_size: floats.length } },
    { name: 't', datatype: 'BYTES', shape: [2], parameters: { binary_data_size: texts.length } },
    { name: 'n', datatype: 'INT64', shape: [2], data: [1, 2] },
  ];
  const [whole, header] = binaryBody({ id: 'a', inputs }, floats, texts);
  const run = (body: Buffer, length: string | undefined) => checkInputs(model, read(body, length, model).inputs);

  it('are accepted as they were made', () => {
    expect(run(whole, header).rows).toBe(2);
  });

  it('are refused when they are cut anywhere, with any header', () => {
    const cuts = fc.tuple(
      fc.nat(whole.length - 1),
      fc.oneof(fc.constant(header), fc.nat(2 * whole.length).map(String)),
    );
    fc.assert(
      fc.property(cuts, ([end, length]) => {
        expect(statusOfFault(() => run(whole.subarray(0, end), length))).toBe(400);
      }),
      { numRuns: 500 },
    );
  });

  it('are read or refused, never more, when bytes are changed', () => {
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(changes, (list) => {
        const bent = Buffer.from(whole);
        for (const [at, byte] of list) bent[at] = byte;
        expect([null, 400, 413]).toContain(statusOfFault(() => run(bent, header)));
      }),
      { numRuns: 2000 },
    );
  });

  it('take no more memory than they bring, whatever shapes, sizes and lengths they name', () => {
    const number = fc.oneof(
      fc.constantFrom(0, 1, 3, 2 ** 20, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53 - 1, -1, 1.5, 1e300),
      fc.maxSafeNat(),
      fc.constantFrom(null, '5', [], true),
    );
    const bent = fc.record({
      datatype: fc.constantFrom(...TYPES.map(datatypeOf), 'BF16', ''),
      shape: fc.oneof(fc.array(number, { maxLength: 40 }), fc.constantFrom(null, 'x', {})),
      parameters: fc.oneof(fc.record({ binary_data_size: number }), fc.constantFrom({}, [], null)),
      data: fc.oneof(fc.constant(undefined), fc.array(fc.anything(), { maxLength: 4 })),
      tail: fc.uint8Array({ maxLength: 64 }),
      length: fc.oneof(fc.constant(null), number.map(String)),
    });
    const before = process.memoryUsage();
    let most = 0;
    fc.assert(
      fc.property(bent, ({ tail, length, ...input }) => {
        const request = JSON.stringify({ inputs: [{ name: 'x', ...input }] }, (_key, value: unknown) =>
          typeof value === 'bigint' ? String(value) : value,
        );
        const [body, own] = binaryBody(JSON.parse(request), tail);
        expect([null, 400, 413]).toContain(statusOfFault(() => run(body, length ?? own)));
        const { heapUsed, arrayBuffers } = process.memoryUsage();
        most = Math.max(most, heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers);
      }),
      { numRuns: 800 },
    );
    // A single one of the shapes named above would be a gigabyte or more.
    expect(most).toBeLessThan(256 * 2 ** 20);
  });
});
