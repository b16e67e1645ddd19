import { describe, expect, it } from 'vitest';
import { elementBytes, elementView } from '../../../../src/model/elements/elements.ts';
import { PrivateFeeds, readsShared } from '../../../../src/model/onnx/private-feeds.ts';

const TYPES = [
  'float32',
  'float64',
  'float16',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'bool',
  'uint32',
  'uint64',
] as const;

describe('feeds in shared memory', () => {
  it.each(TYPES)('of %s are copied element by element, from the middle of a slab', (type) => {
    const slab = new SharedArrayBuffer(64 + 8 * elementBytes(type));
    const bytes = new Uint8Array(slab);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 37) % 256;
    const rows = elementView(type, slab, 64, 8).subarray(2, 7);
    const copy = new PrivateFeeds().copyOf('x', rows);
    // Equal in type and in every element.
    expect(copy).toEqual(rows);
    expect(ArrayBuffer.isView(copy) && copy.buffer instanceof ArrayBuffer).toBe(true);
    expect(copy).toHaveLength(5);
  });

  it('lie in one buffer a tensor, which grows to the largest batch and is used again for smaller ones', () => {
    const feeds = new PrivateFeeds();
    const slab = new Float32Array(new SharedArrayBuffer(400)).map((_, i) => i);
    const shared = new Float32Array(new SharedArrayBuffer(400));
    shared.set(slab);
    const at = (tensor: string, from: number, to: number) =>
      feeds.copyOf(tensor, shared.subarray(from, to)) as Float32Array;
    const large = at('x', 0, 100);
    const small = at('x', 40, 50);
    expect([...small]).toEqual([40, 41, 42, 43, 44, 45, 46, 47, 48, 49]);
    expect(small.buffer).toBe(large.buffer);
    expect(at('y', 0, 100).buffer).not.toBe(large.buffer);
    expect([...at('x', 90, 100)]).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
  });

  it('are copied and nothing else: texts and private memory are handed on as they are', () => {
    const feeds = new PrivateFeeds();
    for (const data of [['a', 'b'], new Float32Array(3), Buffer.from('abc')])
      expect(feeds.copyOf('x', data)).toBe(data);
  });
});

describe('whether a runtime reads shared memory', () => {
  it('is so when what comes back is what lies there', async () => {
    expect(await readsShared(async (_, x) => (x.buffer instanceof SharedArrayBuffer ? x : []))).toBe(true);
  });

  it('is not so when other bytes come back, or none', async () => {
    expect(await readsShared(async (_, x) => new Uint8Array(x.length))).toBe(false);
    expect(await readsShared(async () => [])).toBe(false);
  });
});
