import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type PlanRecord, unpackPlan } from '../../src/run/ledger/plan-record.ts';
import { runInProcess } from '../harness/in-process-run.ts';
import { type CasesRun, type Corpus, makeCorpus, ODD_NAMES, runCases, visibleIn } from '../harness/parquet-corpus.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { adminClient, makeBucket, useCredentials } from '../harness/s3-test-store.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { tempFolder, writeJob } from '../harness/temp-job.ts';

const DAMAGED = [
  'a03_cut_in_half',
  'a06_flipped_zstd',
  'a06_flipped_kept',
  'a07_flipped_bit_with_checksum',
  'a12_fewer_values_than_rows',
];

describe('input files on S3, of which only ranges are fetched', () => {
  const address = inject('s3');
  const client = adminClient(address);
  const home = suiteFolder();
  let corpus: Corpus;
  let bucket: string;

  const put = (key: string, path: string | null) =>
    client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: path === null ? '' : readFileSync(path) }));

  const job = (changes: Readonly<Record<string, unknown>> = {}) => ({
    stores: { main: { endpoint: address.endpoint, region: address.region, pathStyle: true } },
    model: corpus.model('float32'),
    input: { uri: `s3://${bucket}/damaged/{partition}/` },
    features: { x: { columns: ['x'] } },
    outputs: { y: 'y' },
    id: ['id'],
    passthrough: ['note', 'kept'],
    rejects: { limit: '100%' },
    execution: { scorers: 2 },
    ...changes,
  });

  beforeAll(async () => {
    useCredentials(address);
    corpus = await makeCorpus(home, 'damaged', DAMAGED);
    bucket = await makeBucket(address, 'inputs');
    for (const name of DAMAGED) {
      for (const file of readdirSync(join(corpus.data, name))) {
        await put(`damaged/${name}/${file}`, join(corpus.data, name, file));
      }
    }
  }, 120_000);
  afterAll(() => client.destroy());

  /** Replaces or deletes an object before this returns: the run goes on at once when an event has been told. */
  function changeNow(key: string, path: string | null): void {
    const script = `
      import { readFileSync } from 'node:fs';
      import { S3Client, PutObjectCommand, DeleteObjectCommand } from '@aws-sdk/client-s3';
      const [endpoint, region, Bucket, Key, path] = process.argv.slice(1);
      const client = new S3Client({ endpoint, region, forcePathStyle: true });
      await client.send(path ? new PutObjectCommand({ Bucket, Key, Body: readFileSync(path) }) : new DeleteObjectCommand({ Bucket, Key }));`;
    const args = [address.endpoint, address.region, bucket, key, ...(path === null ? [] : [path])];
    execFileSync(process.execPath, ['--input-type=module', '-e', script, ...args], { stdio: 'pipe' });
  }

  const idsOf = async (folder: string) => (await readOutput(folder)).map((row) => Number(row['id']));
  const upward = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);
  const small = () => join(corpus.data, 'a06_flipped_zstd/a-good.parquet');

  describe('damaged ones', () => {
    const runs = new Map<string, CasesRun>();
    beforeAll(async () => {
      for (const onBadFile of ['fail', 'skip']) {
        const input = { uri: `s3://${bucket}/damaged/{partition}/`, onBadFile };
        runs.set(onBadFile, await runCases(corpus, onBadFile, DAMAGED, job({ input })));
      }
    });

    it('A03 A06 A07 A12 fail with the same codes as on disk, nothing committed', () => {
      for (const name of DAMAGED) {
        const { error, output } = runs.get('fail')!.of(name);
        expect([name, error?.code]).toEqual([name, name.startsWith('a03') ? 'INPUT_TRUNCATED' : 'INPUT_CORRUPT']);
        expect(error?.message).toContain(`s3://${bucket}/damaged/${name}/bad.parquet`);
        if (!name.startsWith('a03')) expect(error?.message).toContain('of row group 1 (rows 1000 to 1999)');
        expect(visibleIn(output)).toEqual([]);
      }
    });

    it('A03 A06 A07 A12 under skip lose the file or the row group, and nothing else', async () => {
      for (const name of DAMAGED) {
        const { done, output } = runs.get('skip')!.of(name);
        const whole = name.startsWith('a03');
        expect(done, name).toMatchObject({ rejected: whole ? 0 : 1000 });
        expect(await idsOf(output)).toEqual([
          ...upward(0, 100),
          ...(whole ? [] : [...upward(1000, 1000), ...upward(3000, 1000)]),
        ]);
      }
    });
  });

  it('A27 bad texts reject their rows alone', async () => {
    const texts = await makeCorpus(tempFolder(), 'schemas', ['a27_beside_a_damaged_group']);
    await put('texts/a.parquet', join(texts.data, 'a27_beside_a_damaged_group/a.parquet'));
    const input = { uri: `s3://${bucket}/texts/*.parquet`, onBadFile: 'skip' };
    const run = await runCases(corpus, 'texts', ['all'], job({ input, partitions: { values: ['all'] } }));
    expect(run.of('all').done).toMatchObject({ rows: 1980, rejectsByRule: { bad_utf8: 20, unreadable: 1000 } });
  });

  it('A33 columns that the job does not use are not fetched', async () => {
    const extra = await makeCorpus(tempFolder(), 'valid', ['a33_extra_columns']);
    const path = join(extra.data, 'a33_extra_columns/extra.parquet');
    await put('extra/a.parquet', path);
    const input = { uri: `s3://${bucket}/extra/a.parquet` };
    const one = await runCases(corpus, 'extra', ['all'], job({ input, passthrough: [] }));
    const { state, runId, done } = one.of('all');
    expect(done).toMatchObject({ rows: 3000, rejected: 0 });
    const record = JSON.parse(readFileSync(join(state, 'runs', runId, 'chunks/0.0.json'), 'utf8')) as {
      timings: { bytesRead: number };
    };
    expect(record.timings.bytesRead).toBeGreaterThan(0);
    expect(record.timings.bytesRead).toBeLessThan(statSync(path).size);
  });

  it.each([
    ['A38 replaced', 'INPUT_CHANGED'],
    ['A39 deleted', 'INPUT_GONE'],
  ])('%s after the plan: %s, nothing committed', async (what, code) => {
    const key = `changing/${code}.parquet`;
    await put(key, small());
    const out = join(corpus.folder, `out-${code}`);
    const output = { uri: out, lineage: false };
    const path = writeJob(
      corpus.folder,
      job({ input: { uri: `s3://${bucket}/${key}`, onBadFile: 'skip' }, output }),
      code,
    );
    const run = await runInProcess(path, (event) => {
      if (event.event === 'planned')
        changeNow(key, what.includes('replaced') ? join(corpus.data, 'a06_flipped_zstd/bad.parquet') : null);
    });
    expect(run.failures.map((e) => e.code)).toEqual([code]);
    expect(visibleIn(out)).toEqual([]);
  });

  // Not tried: leading and double slashes and `..` segments, which the test server itself changes or refuses.
  const KEYS = [...ODD_NAMES, `${'long/'.repeat(195)}eeeeeeeeee.parquet`];

  it('A40 keys with spaces, +, %2F, unicode, two dots and 1,024 bytes are read exactly; A41 folder markers are passed over', async () => {
    const prefix = 'names-of-the-keys-that-are-odd/';
    const keys = KEYS.map((key) => `${prefix}${key}`);
    expect(Math.max(...keys.map((key) => Buffer.byteLength(key)))).toBe(1024);
    for (const key of keys) await put(key, small());
    for (const marker of ['', 'two/', '_SUCCESS', '_temporary/0/a.parquet']) await put(`${prefix}${marker}`, null);
    const run = await runCases(corpus, 'names', ['all'], job({ input: { uri: `s3://${bucket}/${prefix}` } }));
    expect([run.result.code, run.result.stderr]).toEqual([0, '']);
    expect(run.of('all').done).toMatchObject({ rows: keys.length * 100 });
    const { state, runId } = run.of('all');
    const path = join(state, 'runs', runId, 'plan.json');
    const plan = unpackPlan(JSON.parse(readFileSync(path, 'utf8')) as PlanRecord, path);
    expect(plan.files.map((f) => f.uri).sort()).toEqual(keys.map((key) => `s3://${bucket}/${key}`).sort());
  });
});
