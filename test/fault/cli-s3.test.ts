import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { FaultProxy } from '../harness/fault-proxy.ts';
import { freePorts } from '../harness/free-ports.ts';
import { modelFolder, pinnedModel } from '../harness/model-files.ts';
import { expectRefusal, type Refusal } from '../harness/refusal.ts';
import { adminClient, makeBucket } from '../harness/s3-test-store.ts';
import { tempFolder, writeJob } from '../harness/temp-job.ts';

/*
 * F116: what can be wrong with a store, tried on a real S3 server by the command line as a process of its own.
 */
describe('F116 S3', () => {
  const address = inject('s3');
  const client = adminClient(address);
  let bucket = '';
  let models = '';

  beforeAll(async () => {
    models = await modelFolder();
    bucket = await makeBucket(address, 'cli');
    for (const name of ['types.parquet', 'sum.onnx']) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: readFileSync(join(models, name)) }));
    }
  });
  afterAll(() => client.destroy());

  const KEYS = {
    AWS_ACCESS_KEY_ID: address.accessKeyId,
    AWS_SECRET_ACCESS_KEY: address.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/none',
    AWS_SHARED_CREDENTIALS_FILE: '/none',
  };

  /** A job whose model, input and output are in buckets, all in one unless a case says so. */
  function s3Job(out: string, changes: { bucket?: string; endpoint?: string } = {}): string {
    const from = changes.bucket ?? bucket;
    const endpoint = changes.endpoint ?? address.endpoint;
    return writeJob(tempFolder(), {
      stores: { main: { endpoint, region: address.region, pathStyle: true } },
      model: { ...pinnedModel(join(models, 'sum.onnx')), uri: `s3://${from}/sum.onnx` },
      input: { uri: `s3://${from}/types.parquet` },
      features: { x: ['c0', 'c1', 'c2'] },
      id: ['id'],
      output: { uri: `s3://${bucket}/${out}` },
      execution: { scorers: 1 },
    });
  }

  async function keysUnder(prefix: string): Promise<string[]> {
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}/` }));
    return (Contents ?? []).map((object) => object.Key ?? '').filter((key) => !key.includes('/lease.'));
  }

  async function refuses(
    out: string,
    refusal: Refusal,
    job: string,
    env: Readonly<Record<string, string>>,
  ): Promise<void> {
    const result = await expectRefusal(['run', job], refusal, { env });
    for (const secret of [address.secretAccessKey, 'wrong-secret']) expect(result.stderr).not.toContain(secret);
    expect(await keysUnder(out)).toEqual([]);
  }

  const denied = (says: RegExp): Refusal => ({ exit: 6, code: 'STORE_DENIED', says });
  const config = (says: RegExp): Refusal => ({ exit: 6, code: 'STORE_CONFIG', says });

  it('no credentials', async () => {
    const none = { ...KEYS, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
    await refuses('none', denied(/AWS_ACCESS_KEY_ID/), s3Job('none'), none);
  });

  it('a wrong secret, and a key that nobody has', async () => {
    await refuses('secret', denied(/SignatureDoesNotMatch.*AWS_SECRET_ACCESS_KEY/), s3Job('secret'), {
      ...KEYS,
      AWS_SECRET_ACCESS_KEY: 'wrong-secret',
    });
    await refuses('key', denied(/AWS_ACCESS_KEY_ID/), s3Job('key'), { ...KEYS, AWS_ACCESS_KEY_ID: 'AKIANOBODY' });
  });

  it('a bucket that does not exist', async () => {
    await refuses(
      'bucket',
      config(/no-such-bucket.*Create the bucket/),
      s3Job('bucket', { bucket: 'no-such-bucket' }),
      KEYS,
    );
  });

  it('an output that may only be read', async () => {
    const proxy = await FaultProxy.start(address.endpoint);
    const fault = { kind: 'status', status: 403, code: 'AccessDenied' } as const;
    proxy.script({ operation: 'PutObject', fault }, { operation: 'CreateUpload', fault });
    const job = s3Job('readonly', { endpoint: proxy.endpoint });
    await refuses('readonly', denied(/readonly\/.*rights on the prefix/), job, KEYS);
    await proxy.close();
  });

  it('NODE_TLS_REJECT_UNAUTHORIZED=0 is refused, by run and by doctor', async () => {
    const env = { ...KEYS, NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    await refuses('tls', config(/switches off all TLS checks.*NODE_EXTRA_CA_CERTS/), s3Job('tls'), env);
    const doctor = await prescore(['doctor'], { env });
    expect(doctor.stdout).toMatch(/^fail +TLS /m);
    expect(doctor.code).toBe(6);
  });

  it('an endpoint that is no S3 store', async () => {
    const proxy = await FaultProxy.start(address.endpoint);
    proxy.script({ operation: 'any', fault: { kind: 'page' } });
    await refuses('page', config(/console/), s3Job('page', { endpoint: proxy.endpoint }), KEYS);
    await proxy.close();
  });

  it("HTTP_PROXY in the environment is not used for an endpoint of one's own; all in S3 works", async () => {
    const [port] = await freePorts(1);
    const dead = `http://127.0.0.1:${port}`;
    const env = { ...KEYS, HTTP_PROXY: dead, HTTPS_PROXY: dead, http_proxy: dead, https_proxy: dead, ALL_PROXY: dead };
    const { code, stderr, events } = await prescore(['run', s3Job('proxied'), '--json'], { env });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(events.at(-1)).toMatchObject({ event: 'done', rows: 1037 });
    const keys = await keysUnder('proxied');
    expect(keys).toContain('proxied/_SUCCESS');
    expect(keys.filter((key) => key.endsWith('.parquet'))).toHaveLength(1);
  });
});
