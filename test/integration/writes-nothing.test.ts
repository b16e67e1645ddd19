import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { adminClient, makeBucket, useCredentials } from '../harness/s3-test-store.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

const table = suiteFolder();
const input = join(table, 'in.parquet');
beforeAll(async () => writeTables({ [input]: 10 }));

/**
 * Everything below a folder with its time of change, folders too: also what was made and removed again shows. Without LMDB's
 * tables of readers, which readers are entered into.
 */
function tree(folder: string): Record<string, number> {
  const all = ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })];
  const names = all.filter((name) => !name.endsWith('.lmdb-lock'));
  return Object.fromEntries(names.sort().map((name) => [name, lstatSync(join(folder, name)).mtimeMs]));
}

const predictions = (folder: string) => ({ store: `lmdb:${join(folder, 'sets/here')}`, set: 'test-job', key: 'id' });
const schedule = { cron: '0 2 * * *', timezone: 'UTC' };
const timed = { every: 'day', format: '%Y-%m-%d', start: '2026-01-01' };
/** Commands that only look, with the exit code that they end with before anything was run, and after. */
const LOOKS: readonly (readonly [string, (job: string, folder: string) => readonly string[], number, number])[] = [
  ['plan', (job) => ['plan', job], 0, 0],
  ['check', (job) => ['check', job], 0, 0],
  ['run --sample', (job) => ['run', job, '--sample', '3'], 0, 0],
  ['verify', (_, folder) => ['verify', join(folder, 'out')], 4, 0],
  ['runs list', (job) => ['runs', 'list', job], 0, 0],
  ['runs show', (job) => ['runs', 'show', job, 'test-job.e3b0c442.none.1'], 2, 0],
  ['runs logs', (job) => ['runs', 'logs', job, 'test-job.e3b0c442.none.1'], 2, 0],
  ['runs gc', (job) => ['runs', 'gc', job], 0, 0],
  ['schedule list', (job) => ['schedule', 'list', job], 0, 0],
  ['lookup', (_, folder) => ['lookup', '1', '--store', predictions(folder).store, '--set', 'test-job'], 4, 0],
  ['sets list', (_, folder) => ['sets', 'list', '--store', predictions(folder).store], 0, 0],
  ['sets show', (_, folder) => ['sets', 'show', 'test-job', '--store', predictions(folder).store], 4, 0],
];

describe('commands that only look', () => {
  describe('before the first run', () => {
    const folder = suiteFolder();
    let job = '';
    let empty: Readonly<Record<string, number>> = {};
    beforeAll(async () => {
      job = await tinyJob(folder, input, { predictions: predictions(folder), schedule });
      empty = tree(folder);
    });

    it.each(LOOKS)('%s writes nothing', async (_, args, code) => {
      const looked = await prescore(args(job, folder));
      expect([looked.code, tree(folder)], looked.stderr).toEqual([code, empty]);
    });
  });

  describe('after a run', () => {
    const folder = suiteFolder();
    let job = '';
    let full: Readonly<Record<string, number>> = {};
    beforeAll(async () => {
      job = await tinyJob(folder, input, { predictions: predictions(folder), schedule });
      expect((await prescore(['run', job])).code).toBe(0);
      full = tree(folder);
    });

    it.each(LOOKS)('%s writes nothing', async (_, args, __, code) => {
      const looked = await prescore(args(job, folder));
      expect([looked.code, tree(folder)], looked.stderr).toEqual([code, full]);
    });
  });

  it('backfill create --dry-run and backfill list write nothing', async () => {
    const folder = tempFolder();
    const job = await tinyJob(folder, join(folder, 'in/{partition}/*.parquet'), {
      output: { uri: join(folder, 'out/{partition}') },
      partitions: timed,
    });
    await writeTables({ [join(folder, 'in/2026-01-01/a.parquet')]: 3 });
    const before = tree(folder);
    for (const args of [
      ['backfill', 'create', job, '--from', '2026-01-01', '--to', '2026-01-02', '--dry-run'],
      ['backfill', 'list', job],
    ]) {
      const looked = await prescore(args);
      expect([looked.code, tree(folder)], looked.stderr).toEqual([0, before]);
    }
  });

  it('doctor leaves nothing: what it tries out is gone', async () => {
    const folder = tempFolder();
    const job = await tinyJob(folder, input, { predictions: predictions(folder) });
    const before = Object.keys(tree(folder));
    const looked = await prescore(['doctor', job]);
    expect([looked.code, Object.keys(tree(folder))], looked.stdout).toEqual([0, before]);
  });

  it('what they leave is not noticed: publish and lookup say that nothing is there', async () => {
    const folder = tempFolder();
    const job = await tinyJob(folder, input, { predictions: predictions(folder) });
    for (const args of [
      ['plan', job],
      ['run', job, '--sample', '3'],
      ['doctor', job],
    ])
      await prescore(args);
    const before = tree(folder);
    const published = await prescore(['publish', job]);
    expect([published.code, published.stderr]).toEqual([4, expect.stringContaining('nothing is committed yet')]);
    const { store, set } = predictions(folder);
    const found = await prescore(['lookup', '1', '--store', store, '--set', set]);
    expect(found.code).toBe(4);
    expect(tree(folder)).toEqual(before);
  });
});

describe('the same on S3', () => {
  it('plan and run --sample leave no object and no upload', async () => {
    const address = inject('s3');
    useCredentials(address);
    const bucket = await makeBucket(address, 'writes-nothing');
    const client = adminClient(address);
    onTestFinished(() => client.destroy());
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'in.parquet', Body: readFileSync(input) }));
    const { endpoint, region } = address;
    const job = await tinyJob(tempFolder(), `s3://${bucket}/in.parquet`, {
      output: { uri: `s3://${bucket}/out` },
      stores: { main: { endpoint, region, pathStyle: true } },
    });
    for (const args of [
      ['plan', job],
      ['run', job, '--sample', '3'],
      ['doctor', job],
    ]) {
      const looked = await prescore(args);
      expect([looked.code, looked.stderr]).toEqual([0, '']);
    }
    const objects = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    expect([objects.Contents?.map((o) => o.Key), uploads.Uploads ?? []]).toEqual([['in.parquet'], []]);
  });
});
