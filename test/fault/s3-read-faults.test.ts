import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../harness/fault-proxy.ts';
import { type FaultyStore, openFaultyStore, QUICK } from '../harness/fault-store.ts';

const SIZE = 1_000_000;
const BYTES = randomBytes(SIZE);
const OFFSET = 1_000;
const LENGTH = SIZE - 2_000;

describe('reads from a faulty store', () => {
  let place: FaultyStore;
  let etag: string;

  beforeAll(async () => {
    place = await openFaultyStore('read-faults');
    await place.direct.put('object', BYTES);
    etag = (await place.direct.head('object'))!.etag;
  });
  afterAll(() => place.close());
  beforeEach(() => {
    place.proxy.script();
    place.retries.length = 0;
  });

  async function readAll(store = place.faulty): Promise<boolean> {
    const into = new Uint8Array(LENGTH);
    await store.readRange('object', { offset: OFFSET, length: LENGTH }, etag, into);
    return Buffer.compare(into, BYTES.subarray(OFFSET, OFFSET + LENGTH)) === 0;
  }
  const rangesAsked = (): (string | undefined)[] =>
    place.proxy.seen.filter((s) => s.operation === 'GetObject').map((s) => s.headers.range);
  const from = (start: number): string => `bytes=${start}-${OFFSET + LENGTH - 1}`;

  const start = from(OFFSET);
  const resumed = from(OFFSET + 300_000);
  const cases: readonly (readonly [string, Fault, readonly string[]])[] = [
    ['500', { kind: 'status', status: 500, code: 'InternalError' }, [start, start]],
    ['503 SlowDown', { kind: 'status', status: 503, code: 'SlowDown' }, [start, start]],
    ['429', { kind: 'status', status: 429, code: 'TooManyRequests' }, [start, start]],
    ['a reset before the answer', { kind: 'reset' }, [start, start]],
    ['a stall before the answer', { kind: 'stall' }, [start, start]],
    ['a reset within the body', { kind: 'reset-body', after: 300_000 }, [start, resumed]],
    ['a stall within the body', { kind: 'stall-body', after: 300_000 }, [start, resumed]],
    ['a body that ends early without a length', { kind: 'truncate', after: 300_000 }, [start, resumed]],
    ['a length that is too small', { kind: 'wrong-length', add: -1_000 }, [start, from(OFFSET + LENGTH - 1_000)]],
    ['a length that is too large', { kind: 'wrong-length', add: 1_000 }, [start]],
    ['another range than asked for', { kind: 'wrong-range' }, [start, start]],
  ];

  it.each(cases)('survive %s', async (_name, fault, asked) => {
    place.proxy.script({ operation: 'GetObject', calls: [1], fault });
    const started = performance.now();
    expect(await readAll()).toBe(true);
    expect(rangesAsked()).toEqual(asked);
    expect(place.retries).toHaveLength(asked.length - 1);
    expect(performance.now() - started).toBeLessThan(3_000);
    const pins = place.proxy.seen.filter((s) => s.operation === 'GetObject').map((s) => s.headers['if-match']);
    expect(new Set(pins)).toEqual(new Set([etag]));
  });

  it('wait as long as the store asks for', async () => {
    const fault: Fault = { kind: 'status', status: 503, code: 'SlowDown', headers: { 'retry-after': '1' } };
    place.proxy.script({ operation: 'GetObject', calls: [1], fault });
    expect(await readAll()).toBe(true);
    const [first, second] = place.proxy.seen;
    expect(second!.atMs - first!.atMs).toBeGreaterThanOrEqual(990);
  });

  it('are resumed again and again while they gain bytes', async () => {
    place.proxy.script({
      operation: 'GetObject',
      calls: [1, 2, 3, 4, 5, 6, 7, 8, 9],
      fault: { kind: 'reset-body', after: 100_000 },
    });
    expect(await readAll()).toBe(true);
    expect([...new Set(rangesAsked())]).toEqual(Array.from({ length: 10 }, (_, i) => from(OFFSET + i * 100_000)));
  });

  it('that are slow are cut at the limit of one attempt and resumed', async () => {
    const store = place.open({ ...QUICK, attemptMs: 400 });
    place.proxy.script({ operation: 'GetObject', fault: { kind: 'slow', bytes: 20_000, everyMs: 20 } });
    expect(await readAll(store)).toBe(true);
    expect(place.proxy.count('GetObject')).toBeGreaterThan(1);
    expect(place.proxy.count('GetObject')).toBeLessThan(8);
  });

  it('that only trickle end at the deadline', async () => {
    const store = place.open({ ...QUICK, attemptMs: 400, deadlineMs: 1_000 });
    place.proxy.script({ operation: 'GetObject', fault: { kind: 'slow', bytes: 1, everyMs: 25 } });
    const started = performance.now();
    await expect(readAll(store)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  it('tell a store that refuses its own ETag from an object that changed', async () => {
    const fault: Fault = { kind: 'status', status: 412, code: 'PreconditionFailed' };
    place.proxy.script({ operation: 'GetObject', fault });
    await expect(readAll()).rejects.toMatchObject({
      code: 'STORE_CONFIG',
      message: expect.stringContaining('by the ETag that it gives for it'),
    });
    // On a busy machine an attempt may run out of time before it has its answer; the refusal itself is not tried again.
    expect(place.retries.filter(({ reason }) => /412|Precondition/i.test(reason))).toEqual([]);
    // One more: a late attempt of the test before.
    expect(place.proxy.count('GetObject')).toBeLessThanOrEqual(2 + place.retries.length);
  });

  it('notice a new version between two attempts', async () => {
    await place.direct.put('moving', BYTES);
    const before = (await place.direct.head('moving'))!.etag;
    const store = place.open({
      ...QUICK,
      onRetry: () => void place.direct.put('moving', randomBytes(SIZE)),
      baseDelayMs: 0,
      idleMs: 1_000,
    });
    place.proxy.script({ operation: 'GetObject', calls: [1, 2, 3], fault: { kind: 'reset-body', after: 1_000 } });
    const read = store.readRange('moving', { offset: 0, length: SIZE }, before, new Uint8Array(SIZE));
    // The put may land after any of the resets, but never are two versions mixed.
    await expect(
      read.then(async () => expect((await place.direct.head('moving'))!.etag).toBe(before)),
    ).rejects.toMatchObject({
      code: 'INPUT_CHANGED',
    });
  });

  it('of whole objects are retried whole', async () => {
    for (const fault of [
      { kind: 'truncate', after: 10 },
      { kind: 'reset-body', after: 10 },
      { kind: 'stall-body', after: 10 },
    ] as const) {
      place.proxy.script({ operation: 'GetObject', calls: [1], fault });
      const { bytes } = (await place.faulty.get('object'))!;
      expect(Buffer.compare(bytes, BYTES)).toBe(0);
      expect(place.proxy.count('GetObject')).toBe(2);
    }
    // A whole body without a length is checked against the size that HEAD tells.
    place.proxy.script({ operation: 'GetObject', calls: [1], fault: { kind: 'truncate', after: SIZE } });
    expect((await place.faulty.get('object'))?.bytes.length).toBe(SIZE);
    expect(place.proxy.count('GetObject')).toBe(1);
  });

  it('of listings are retried page by page', async () => {
    await Promise.all(Array.from({ length: 5 }, (_, i) => place.direct.put(`list/${i}`, new Uint8Array(1))));
    for (const fault of [
      { kind: 'status', status: 500, code: 'InternalError' },
      { kind: 'reset-body', after: 50 },
      { kind: 'stall' },
    ] as const) {
      place.proxy.script({ operation: 'ListObjects', calls: [1, 2], fault });
      expect(await Array.fromAsync(place.faulty.list('list/'))).toHaveLength(5);
      expect(place.proxy.count('ListObjects')).toBe(3);
    }
  });

  it('keep their bytes right under a mix of faults on every second request', async () => {
    const odd = Array.from({ length: 100 }, (_, i) => 2 * i + 1);
    const faults = cases
      .map(([, fault]) => fault)
      .filter((fault) => fault.kind !== 'stall' && fault.kind !== 'stall-body');
    const digest = createHash('sha256').update(BYTES).digest('hex');
    place.proxy.script(
      ...faults.map((fault, i) => ({
        operation: 'GetObject' as const,
        calls: odd.filter((n) => n % faults.length === i),
        fault,
      })),
    );
    const into = new Uint8Array(SIZE);
    const step = 90_000;
    const offsets = Array.from({ length: Math.ceil(SIZE / step) }, (_, i) => i * step);
    await Promise.all(
      offsets.map((offset) =>
        place.faulty.readRange('object', { offset, length: Math.min(step, SIZE - offset) }, etag, into, offset),
      ),
    );
    expect(createHash('sha256').update(into).digest('hex')).toBe(digest);
    expect(place.retries.length).toBeGreaterThan(3);
  });

  it('end at once when the store is closed', async () => {
    const store = place.open({ ...QUICK, idleMs: 10_000, attemptMs: 10_000, deadlineMs: 20_000 });
    place.proxy.script({ operation: 'GetObject', fault: { kind: 'stall' } });
    const read = readAll(store);
    setTimeout(() => void store.close(), 100);
    const started = performance.now();
    await expect(read).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
