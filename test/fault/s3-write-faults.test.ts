import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { LocalPart, ObjectStore } from '../../src/base/contract/object-store.ts';
import type { Fault, S3Operation } from '../harness/fault-proxy.ts';
import { type FaultyStore, openFaultyStore, QUICK } from '../harness/fault-store.ts';
import { openUploads } from '../harness/s3-test-store.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const failed: Fault = { kind: 'status', status: 500, code: 'InternalError' };
const conflict: Fault = { kind: 'status', status: 409, code: 'ConditionalRequestConflict' };

describe('writes to a faulty store', () => {
  let place: FaultyStore;
  let store: ObjectStore;
  let scratch: string;

  beforeAll(async () => {
    place = await openFaultyStore('write-faults');
    store = place.faulty;
    scratch = await mkdtemp(join(tmpdir(), 'prescore-scratch-'));
  });
  afterAll(async () => {
    await place.close();
    await rm(scratch, { recursive: true, force: true });
  });
  beforeEach(() => {
    place.proxy.script();
    place.retries.length = 0;
  });

  async function localPart(size: number): Promise<LocalPart> {
    const bytes = randomBytes(size);
    const path = join(scratch, randomBytes(8).toString('hex'));
    await writeFile(path, bytes);
    return { path, size, sha256: createHash('sha256').update(bytes).digest('hex'), runId: 'run.1' };
  }
  const contentOf = async (key: string): Promise<string> =>
    Buffer.from((await place.direct.get(key))!.bytes).toString();

  const common: readonly (readonly [string, Fault])[] = [
    ['500', failed],
    ['503 SlowDown', { kind: 'status', status: 503, code: 'SlowDown' }],
    ['429', { kind: 'status', status: 429, code: 'TooManyRequests' }],
    ['409', conflict],
    ['a reset before it is done', { kind: 'reset' }],
    ['a reset after it is done', { kind: 'reset-after' }],
    ['a stall', { kind: 'stall' }],
  ];

  it.each(common)('put: survives %s', async (name, fault) => {
    place.proxy.script({ operation: 'PutObject', calls: fault.kind === 'stall' ? [1] : [1, 2], fault });
    await store.put(`put/${name}`, text(name));
    expect(place.proxy.count('PutObject')).toBe(fault.kind === 'stall' ? 2 : 3);
    expect(await contentOf(`put/${name}`)).toBe(name);
  });

  it.each(common)('putIfAbsent: is the winner in spite of %s', async (name, fault) => {
    place.proxy.script({ operation: 'PutObject', calls: [1], fault });
    expect(await store.putIfAbsent(`new/${name}`, text(name))).toEqual({ created: true });
    expect(place.proxy.count('PutObject')).toBe(2);
    // Only a lost answer has to be looked up.
    expect(place.proxy.count('HeadObject')).toBe(fault.kind === 'reset-after' ? 1 : 0);
    expect(await contentOf(`new/${name}`)).toBe(name);
  });

  it.each(common)('putIfAbsent: is not the winner of an older object after %s', async (name, fault) => {
    // The same bytes, so that only the writer differs.
    await place.direct.putIfAbsent(`old/${name}`, text(name));
    place.proxy.script({ operation: 'PutObject', calls: [1], fault });
    expect(await store.putIfAbsent(`old/${name}`, text(name))).toEqual({ created: false });
  });

  it.each(common)('delete: survives %s', async (name, fault) => {
    await place.direct.put(`delete/${name}`, text(name));
    place.proxy.script({ operation: 'DeleteObject', calls: [1], fault });
    await store.delete(`delete/${name}`);
    expect(await place.direct.head(`delete/${name}`)).toBeNull();
  });

  it.each(common)('stage and abort: survive %s on every step', async (name, fault) => {
    const local = await localPart(17 * 2 ** 20);
    // The server needs a while for 8 MiB, on a busy machine so long that a part is sent once more.
    const patient = place.open({ ...QUICK, idleMs: 1_800, deadlineMs: 30_000, attemptMs: 15_000 });
    const steps: readonly S3Operation[] = ['CreateUpload', 'UploadPart', 'AbortUpload'];
    place.proxy.script(...steps.map((operation) => ({ operation, calls: [1], fault })));
    const staged = await patient.stage(`stage/${name}`, local);
    expect(place.proxy.count('UploadPart')).toBeGreaterThanOrEqual(4);
    expect(await place.direct.completeStaged(`stage/${name}`, staged)).toBe('completed');
    expect((await place.direct.head(`stage/${name}`))?.size).toBe(local.size);
    await patient.abortStaged(`stage/${name}`, staged);
  });

  it.each([...common, ['200 with an error in its body', { kind: 'error-body', code: 'InternalError' }] as const])(
    'complete: survives %s',
    async (name, fault) => {
      const key = `complete/${name}`;
      const staged = await store.stage(key, await localPart(1_000));
      place.proxy.script({ operation: 'CompleteUpload', calls: [1, 2], fault });
      expect(await store.completeStaged(key, staged)).toBe('completed');
      // A completion that was done finds itself at a later try.
      expect(place.proxy.count('CompleteUpload')).toBe(3);
      expect((await place.direct.head(key))?.size).toBe(1_000);
    },
  );

  it('complete: tells a lost upload from a done one', async () => {
    const staged = await store.stage('lost', await localPart(1_000));
    const lost: Fault = { kind: 'status', status: 404, code: 'NoSuchUpload' };
    place.proxy.script({ operation: 'CompleteUpload', fault: lost });
    expect(await store.completeStaged('lost', staged)).toBe('gone');
    expect(await place.direct.completeStaged('lost', staged)).toBe('completed');
    expect(await store.completeStaged('lost', staged)).toBe('completed');
  });

  it('complete: works where conditions are refused', async () => {
    const staged = await store.stage('refused', await localPart(1_000));
    place.proxy.script({
      operation: 'CompleteUpload',
      calls: [1],
      fault: { kind: 'status', status: 501, code: 'NotImplemented' },
    });
    expect(await store.completeStaged('refused', staged)).toBe('completed');
    const [, second] = place.proxy.seen.filter((s) => s.operation === 'CompleteUpload');
    expect(second?.headers['if-none-match']).toBeUndefined();
  });

  it('stage: leaves no upload open when it fails for good', async () => {
    const before = (await openUploads(inject('s3'), place.bucket)).length;
    place.proxy.script({
      operation: 'UploadPart',
      calls: [2],
      fault: { kind: 'status', status: 403, code: 'AccessDenied' },
    });
    await expect(store.stage('failing', await localPart(17 * 2 ** 20))).rejects.toMatchObject({ code: 'STORE_DENIED' });
    expect(await openUploads(inject('s3'), place.bucket)).toHaveLength(before);
  });

  describe('without checksum headers', () => {
    it('every method works', async () => {
      const [key, body] = ['plain/object', text('body')];
      place.proxy.refusesChecksums = true;
      await store.put(key, body);
      expect((await store.putIfAbsent(key, body)).created).toBe(false);
      expect((await store.get(key))?.bytes.length).toBe(4);
      const staged = await store.stage('plain/part', await localPart(10));
      expect(await store.completeStaged('plain/part', staged)).toBe('completed');
      expect(await Array.fromAsync(store.list('plain/'))).toHaveLength(2);
      await store.delete(key);
      place.proxy.refusesChecksums = false;
      expect(place.proxy.seen.some((s) => s.headers['x-amz-sdk-checksum-algorithm'] !== undefined)).toBe(false);
    });
  });

  describe('without conditions', () => {
    it('the probe tells, puts look first, and completing replaces nothing', async () => {
      const weak = place.open({ baseDelayMs: 5, deadlineMs: 5_000 });
      place.proxy.script({ operation: 'any', fault: { kind: 'ignore-conditions' } });
      expect(await weak.probe('weak')).toEqual({ conditionalPut: false, conditionalComplete: false });
      expect(await weak.putIfAbsent('weak/a', text('1'))).toEqual({ created: true });
      expect(await weak.putIfAbsent('weak/a', text('2'))).toEqual({ created: false });
      expect(await contentOf('weak/a')).toBe('1');
      const first = await weak.stage('weak/part', await localPart(10));
      const second = await weak.stage('weak/part', await localPart(10));
      expect(await weak.completeStaged('weak/part', first)).toBe('completed');
      expect(await weak.completeStaged('weak/part', first)).toBe('completed');
      await expect(weak.completeStaged('weak/part', second)).rejects.toMatchObject({ code: 'NONDETERMINISTIC' });
    });
  });
});
