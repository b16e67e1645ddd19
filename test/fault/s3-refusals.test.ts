import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { ObjectStore, StagedPart } from '../../src/base/contract/object-store.ts';
import { toErrorJson } from '../../src/base/errors/prescore-error.ts';
import { failureOf } from '../harness/failure-of.ts';
import type { Fault } from '../harness/fault-proxy.ts';
import { type FaultyStore, openFaultyStore, QUICK } from '../harness/fault-store.ts';
import { freePorts } from '../harness/free-ports.ts';
import { startS3 } from '../harness/s3-server.ts';
import { adminClient, makeBucket, openBucket, openStores, useCredentials } from '../harness/s3-test-store.ts';

describe('refusals of a store', () => {
  let place: FaultyStore;
  beforeAll(async () => {
    place = await openFaultyStore('refusals');
  });
  afterAll(() => place.close());
  beforeEach(() => place.proxy.script());

  const status = (code: number, name: string, headers?: Readonly<Record<string, string>>): Fault => ({
    kind: 'status',
    status: code,
    code: name,
    ...(headers === undefined ? {} : { headers }),
  });
  const region = { 'x-amz-bucket-region': 'eu-central-1' };
  const cases: readonly (readonly [string, Fault, string, number, RegExp])[] = [
    ['403', status(403, 'AccessDenied'), 'STORE_DENIED', 1, /rights on the prefix/],
    ['a wrong key', status(403, 'InvalidAccessKeyId'), 'STORE_DENIED', 1, /AWS_ACCESS_KEY_ID/],
    ['an expired token', status(400, 'ExpiredToken'), 'STORE_DENIED', 1, /fresh credentials/],
    ['a 307 to another region', status(307, 'TemporaryRedirect', region), 'STORE_CONFIG', 1, /eu-central-1/],
    ['a 301 to another region', status(301, 'PermanentRedirect', region), 'STORE_CONFIG', 1, /eu-central-1/],
    ['a signature for another region', status(400, 'AuthorizationHeaderMalformed'), 'STORE_CONFIG', 1, /region/],
    ['a clock that is off', status(403, 'RequestTimeTooSkewed'), 'STORE_CONFIG', 3, /NTP/],
    ['a missing bucket', status(404, 'NoSuchBucket'), 'STORE_CONFIG', 1, /Create the bucket/],
    ['501', status(501, 'NotImplemented'), 'STORE_CONFIG', 1, /doctor/],
    ['a full store', status(507, 'InsufficientStorage'), 'STORE_NO_SPACE', 1, /Free space/],
    ['something unheard of', status(418, 'Teapot'), 'STORE_CONFIG', 1, /stores:/],
  ];

  it.each(cases)('%s', async (_name, fault, code, requests, advice) => {
    place.proxy.script({ operation: 'PutObject', fault });
    const error = await failureOf(place.faulty.put('key', new Uint8Array(1)));
    expect(error.code).toBe(code);
    expect(error.message).toContain(`s3://${place.bucket}/key`);
    expect(error.fix).toMatch(advice);
    expect(place.proxy.count('PutObject')).toBe(requests);
  });

  it('a page that is no S3 store passes for no answer', async () => {
    place.proxy.script({ operation: 'any', fault: { kind: 'page' } });
    const { faulty } = place;
    const put = faulty.put('a', new Uint8Array(1));
    const works = [faulty.head('a'), faulty.get('a'), put, Array.fromAsync(faulty.list('')), faulty.probe('')];
    for (const error of await Promise.all(works.map(failureOf))) {
      expect(error.code).toBe('STORE_CONFIG');
      expect(error.fix).toContain('console');
    }
  });

  it('a bucket that does not exist is not an absent key', async () => {
    const { store, stores } = openBucket(inject('s3'), 'no-such-bucket-here', QUICK);
    const works = [store.head('a'), store.get('a'), store.put('a', new Uint8Array(1)), Array.fromAsync(store.list(''))];
    for (const error of await Promise.all(works.map(failureOf))) expect(error.code).toBe('STORE_CONFIG');
    await stores.close();
  });

  it('real refusals of keys, without the keys in any form of the error', async () => {
    const address = inject('s3');
    for (const wrong of [{ secretAccessKey: 'wrong-secret-value' }, { accessKeyId: 'AKIAWRONGWRONGWRONG1' }]) {
      const { store, stores } = openBucket({ ...address, ...wrong }, place.bucket, QUICK);
      const error = await failureOf(store.get('a'));
      expect(error.code).toBe('STORE_DENIED');
      const shown = [error.message, inspect(error, { depth: 10 }), JSON.stringify(toErrorJson(error, true))].join();
      for (const secret of [
        address.accessKeyId,
        address.secretAccessKey,
        'wrong-secret-value',
        'AKIAWRONGWRONGWRONG1',
      ]) {
        expect(shown).not.toContain(secret);
      }
      await stores.close();
    }
    useCredentials(address);
  });

  it('no credentials at all', async () => {
    const stores = openStores(inject('s3'), QUICK);
    const kept = { ...process.env };
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
    Object.assign(process.env, {
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_SHARED_CREDENTIALS_FILE: '/none',
      AWS_CONFIG_FILE: '/none',
    });
    const error = await failureOf(stores.at(`s3://${place.bucket}/a`).store.get('a'));
    Object.assign(process.env, kept);
    expect(error.code).toBe('STORE_DENIED');
    expect(error.fix).toContain('AWS_ACCESS_KEY_ID');
    await stores.close();
  });

  it('the proxy would have answered 501 to checksum headers', async () => {
    place.proxy.refusesChecksums = true;
    const client = adminClient({ ...inject('s3'), endpoint: place.proxy.endpoint });
    const put = client.send(new PutObjectCommand({ Bucket: place.bucket, Key: 'a', Body: 'a' }));
    await expect(put).rejects.toMatchObject({ name: 'NotImplemented' });
    place.proxy.refusesChecksums = false;
    client.destroy();
  });
});

describe('a store that is dead', () => {
  const DEADLINE = 800;
  const limits = { ...QUICK, attemptMs: 300, deadlineMs: DEADLINE };
  const staged: StagedPart = { kind: 's3', uploadId: 'u', etags: ['"e"'], size: 1, sha256: '00' };
  const path = join(tmpdir(), `prescore-dead-${process.pid}`);

  const everything = (store: ObjectStore): readonly Promise<unknown>[] => [
    store.head('k'),
    store.get('k'),
    Array.fromAsync(store.list('k')),
    store.readRange('k', { offset: 0, length: 100_000_000 }, '"e"', new Uint8Array(100_000_000)),
    store.put('k', new Uint8Array(1)),
    store.putIfAbsent('k', new Uint8Array(1)),
    store.delete('k'),
    store.stage('k', { path, size: 1, sha256: '00', runId: 'r' }),
    store.completeStaged('k', staged),
    store.abortStaged('k', staged),
    store.dropStaged('k', 'r'),
    store.hasStaged('k', 'r'),
    store.probe('k'),
  ];

  afterAll(() => rm(path, { force: true }));

  async function expectDead(store: ObjectStore, limitMs: number): Promise<void> {
    await writeFile(path, 'x');
    const started = performance.now();
    for (const error of await Promise.all(everything(store).map(failureOf))) {
      expect(error.code).toBe('STORE_UNAVAILABLE');
      expect(error.retryable).toBe(true);
    }
    expect(performance.now() - started).toBeLessThan(limitMs);
  }

  it('and refuses connections', async () => {
    const [port] = await freePorts(1);
    const { store, stores } = openBucket(
      { ...inject('s3'), endpoint: `http://127.0.0.1:${port}` },
      'any-bucket',
      limits,
    );
    // Cleaning up after a failed probe or upload has a deadline of its own.
    await expectDead(store, 2 * DEADLINE + 1_500);
    await stores.close();
  });

  it.each([{ kind: 'stall' }, { kind: 'reset' }, { kind: 'status', status: 503, code: 'SlowDown' }] as const)(
    'and answers with $kind',
    async (fault) => {
      const place = await openFaultyStore('dead');
      place.proxy.script({ operation: 'any', fault });
      await expectDead(place.open(limits), 2 * DEADLINE + 1_500);
      await place.close();
    },
  );

  it('for a while, and comes back', async () => {
    const server = await startS3();
    const bucket = await makeBucket(server, 'reborn');
    const { store, stores } = openBucket(server, bucket, { ...QUICK, deadlineMs: 20_000, maxDelayMs: 200 });
    await store.put('before', new Uint8Array(10));
    await server.kill();
    const work = Promise.all([store.put('during', new Uint8Array(20)), store.get('before')]);
    await server.restart();
    const [, before] = await work;
    expect(before?.bytes.length).toBe(10);
    expect((await store.head('during'))?.size).toBe(20);
    await stores.close();
    await server.stop();
    useCredentials(inject('s3'));
  });
});
