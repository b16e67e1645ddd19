import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { type CliResult, prescore } from '../harness/cli.ts';
import { modelFolder, pinnedModel } from '../harness/model-files.ts';
import { startWorker } from '../harness/queue-run.ts';
import { adminClient, makeBucket, useCredentials } from '../harness/s3-test-store.ts';
import { ask, serveFor, writeServe } from '../harness/serve-process.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { fixtures, sha256Of, tempFolder, writeJob } from '../harness/temp-job.ts';
import { writeTables } from '../harness/tiny-tables.ts';

const address = inject('s3');
const redisUrl = inject('redisUrl').replace(/\/0$/, '/13');
const env = { PRESCORE_S3_ENDPOINT: address.endpoint, PRESCORE_S3_REGION: address.region };
const folder = suiteFolder();
let bucket = '';

/** Puts a local file into the bucket. */
async function put(key: string, path: string): Promise<void> {
  const client = adminClient(address);
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: readFileSync(path) }));
  client.destroy();
}

/** A job without `stores:`, all of whose places are in the bucket. */
async function s3Job(name: string, changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const { sha256 } = pinnedModel(join(await modelFolder(), 'sum.onnx'));
  const at = (key: string): string => `s3://${bucket}/${key}`;
  return writeJob(tempFolder(), {
    name,
    model: { uri: at('sum.onnx'), sha256 },
    input: { uri: at('in/{partition}.parquet') },
    partitions: { values: ['a', 'b'] },
    features: { x: ['c0', 'c1', 'c2'] },
    outputs: { y: 'y' },
    id: ['id'],
    output: { uri: at(`${name}/{partition}`) },
    predictions: { store: `lmdb:${join(tempFolder(), 'sets')}`, key: 'id', scope: 'union' },
    execution: { scorers: 1 },
    ...changes,
  });
}

beforeAll(async () => {
  useCredentials(address);
  bucket = await makeBucket(address, 'own-store');
  for (const name of ['a', 'b']) {
    const path = join(folder, `${name}.parquet`);
    await writeTables({ [path]: 20 }, name === 'a' ? 0 : 1);
    await put(`in/${name}.parquet`, path);
  }
  await put('sum.onnx', join(await modelFolder(), 'sum.onnx'));
});

function good(result: CliResult): void {
  expect([result.code, result.stderr]).toEqual([0, expect.not.stringMatching(/^[A-Z]+_[A-Z_]+: /m)]);
}

describe('a store of the environment alone', () => {
  it('is found by every command that runs, looks or publishes', async () => {
    const job = await s3Job('all');
    for (const args of [
      ['check', job],
      ['plan', job],
      ['run', job, '--sample', '2'],
      ['doctor', job],
      ['run', job, '--partition', 'a'],
      ['backfill', 'create', job, '--partitions', 'a,b'],
      ['backfill', 'list', job],
      ['publish', job],
      ['lookup', '--job', job, '3'],
      ['runs', 'list', job],
      ['runs', 'show', job],
      ['runs', 'list', '--state', `s3://${bucket}/all/_prescore`],
      ['runs', 'gc', job],
      ['verify', `s3://${bucket}/all/a`],
    ])
      good(await prescore(args, { env }));
    const schedule = await s3Job('timed', { schedule: { cron: '* * * * *', timezone: 'UTC', catchUp: 'last' } });
    expect((await prescore(['schedule', schedule, '--once'], { env })).code).toBe(0);
    good(await prescore(['schedule', 'list', schedule], { env }));
  });

  it('is found by init, whose job file then runs', async () => {
    const out = join(tempFolder(), 'job.yaml');
    const [model, data] = [`s3://${bucket}/sum.onnx`, `s3://${bucket}/in/a.parquet`];
    const made = await prescore(['init', model, data, '--out', out, '--name', 'made'], { env });
    // The table's columns are not those of the model's one input; that both were read is what counts.
    expect(made.stderr).not.toMatch(/STORE_/);
    expect([0, 5]).toContain(made.code);
  });

  it('is found by workers, from the environment and from their flags, in their scorers too', async () => {
    for (const [name, flags, own] of [
      ['by-env', [], env],
      ['by-flag', ['--endpoint', address.endpoint, '--region', address.region], {}],
    ] as const) {
      const job = await s3Job(name);
      const worker = await startWorker(redisUrl, `s3://${bucket}/${name}`, [...flags], { ...own });
      onTestFinished(async () => void (await worker.stop()));
      const run = await prescore(['run', job, '--redis', redisUrl, '--json'], { env });
      expect([run.code, run.stderr], worker.log()).toEqual([0, '']);
      await worker.stop();
    }
  });

  it('is found by serve for its model folder', async () => {
    const mlp = join(fixtures, 'models/delay_mlp.onnx');
    await put('models/mlp/1/model.onnx', mlp);
    const digest = join(tempFolder(), 'sha256');
    writeFileSync(digest, sha256Of(mlp));
    await put('models/mlp/1/model.onnx.sha256', digest);
    const before = { ...process.env };
    Object.assign(process.env, env);
    onTestFinished(() => {
      for (const name of Object.keys(env)) delete process.env[name];
      Object.assign(process.env, before);
    });
    const server = await serveFor(writeServe(tempFolder(), { models: { folder: `s3://${bucket}/models/` } }));
    expect((await ask(`${server.url}/v2/models/mlp`)).body).toMatchObject({ name: 'mlp', versions: ['1'] });
  });

  it('is no URL: its variable is named', async () => {
    const result = await prescore(['plan', await s3Job('bad')], { env: { PRESCORE_S3_ENDPOINT: 'minio:9000' } });
    expect([result.code, result.stderr]).toEqual([6, expect.stringMatching(/not a URL; at PRESCORE_S3_ENDPOINT;/)]);
  });

  it('gives way to what the job file says', async () => {
    const stores = { main: { endpoint: address.endpoint, region: address.region, pathStyle: true } };
    const elsewhere = { PRESCORE_S3_ENDPOINT: 'http://127.0.0.1:9' };
    good(await prescore(['check', await s3Job('named', { stores })], { env: elsewhere }));
  });
});
