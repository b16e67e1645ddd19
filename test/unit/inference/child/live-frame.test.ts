import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TensorType } from '../../../../src/base/contract/signature.ts';
import { encodeFrame, type Frame, FrameReader, type FrameTensor } from '../../../../src/inference/child/live-frame.ts';
import { elementView } from '../../../../src/model/elements/elements.ts';

const NUMBERS = ['float32', 'float64', 'float16', 'int8', 'int64', 'uint16', 'uint64', 'bool'] as const;

/** A tensor of some pieces, with names and texts of any kind. */
const tensor = fc.oneof(
  fc
    .record({
      type: fc.constantFrom<TensorType>(...NUMBERS),
      lengths: fc.array(fc.nat(9), { maxLength: 3 }),
      seed: fc.nat(255),
    })
    .map(({ type, lengths, seed }) => {
      const pieces = lengths.map((n) => {
        const bytes = new Uint8Array(n * 8).map((_, i) => i * 7 + seed);
        return elementView(type, bytes.buffer, 0, n);
      });
      return { type, pieces };
    }),
  fc
    .array(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 3 }), { maxLength: 3 })
    .map((pieces) => ({ type: 'string' as const, pieces })),
);

describe('frames', () => {
  it('come out as they went in, whatever the pieces of the pipe', () => {
    const message = fc.record({
      head: fc.record({ text: fc.string(), n: fc.nat() }),
      tensors: fc.array(tensor, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1 }),
        (sent, cuts) => {
          const frames = sent.map(({ head, tensors }) =>
            encodeFrame(
              head,
              tensors.map(({ type, pieces }, i): FrameTensor => {
                const length = pieces.reduce((sum, piece) => sum + (piece as readonly string[]).length, 0);
                return { name: `é${i}`, type, dims: [length], pieces };
              }),
            ),
          );
          const all = Buffer.concat(frames);
          const got: Frame<unknown>[] = [];
          const reader = new FrameReader<unknown>((frame) => got.push(frame));
          for (let at = 0, i = 0; at < all.length; i++) {
            const end = at + cuts[i % cuts.length]!;
            reader.push(all.subarray(at, end));
            at = end;
          }
          expect(got.map((frame) => frame.head)).toEqual(sent.map(({ head }) => head));
          for (const [i, { tensors }] of sent.entries()) {
            const values = [...got[i]!.tensors].map(([name, { type, data }]) => [
              name,
              type,
              [...(data as Iterable<unknown>)],
            ]);
            expect(values).toEqual(
              tensors.map(({ type, pieces }, j) => [
                `é${j}`,
                type,
                pieces.flatMap((piece) => [...(piece as Iterable<unknown>)]),
              ]),
            );
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('of a length that cannot be is an error, not memory', () => {
    const reader = new FrameReader<unknown>(() => undefined);
    expect(() => reader.push(new Uint8Array(8).fill(255))).toThrow(/^INTERNAL: a frame of \d+ bytes/);
  });
});
