import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, inject, it } from 'vitest';
import { type CliResult, prescore } from '../harness/cli.ts';
import { modelFolder, pinnedModel } from '../harness/model-files.ts';
import { writeNulls } from '../harness/nulls-tables.ts';
import { SHORT_LOCKS, startWorker } from '../harness/queue-run.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { adminClient, makeBucket } from '../harness/s3-test-store.ts';
import { tempFolder } from '../harness/temp-job.ts';
import { tinyJob } from '../harness/tiny-tables.ts';

const rejecting = { x: { columns: ['c0', 'c1', 'c2'], nulls: 'reject' } };
const filling = { x: { columns: ['c0', 'c1', 'c2'], nulls: { fill: 0.5 } } };
const base = { features: rejecting, rejects: { limit: 1000 }, execution: { scorers: 1, chunkRows: 100 } };

/** Four files, a chunk each; rows 3 and 50 of the second and 99 of the fourth are null. */
async function tables(folder: string): Promise<void> {
  const file = (n: number) => join(folder, `in/f${n}.parquet`);
  await writeNulls({ [file(0)]: [], [file(1)]: [3, 50], [file(2)]: [], [file(3)]: [99] });
}
const job = (folder: string, changes: Readonly<Record<string, unknown>> = {}): Promise<string> =>
  tinyJob(folder, join(folder, 'in/*.parquet'), { ...base, ...changes });
const run = (path: string, ...flags: string[]): Promise<CliResult> => prescore(['run', path, '--json', ...flags]);
const replay = (path: string, ...flags: string[]): Promise<CliResult> =>
  prescore(['rejects', 'replay', path, '--json', ...flags]);
const done = (result: CliResult) => result.events.findLast((e) => e['event'] === 'done');
const manifest = (folder: string) => JSON.parse(readFileSync(join(folder, 'out/_manifest.json'), 'utf8'));
const tree = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
const RUN = 'test-job.e3b0c442.none';

/** Output and rejects together hold every id once; y is right wherever there is one. */
async function expectWhole(folder: string, rejected: readonly number[], fill = 0.5): Promise<void> {
  const rows = await readOutput(join(folder, 'out'));
  const ids = rows.map((r) => Number(r['id']));
  expect(ids).toEqual(Array.from({ length: 400 }, (_, i) => i).filter((i) => !rejected.includes(i)));
  const nulls = [103, 150, 399];
  for (const { id, y } of rows) {
    const i = Number(id);
    const c1 = nulls.includes(i) ? fill : i % 7;
    expect(y).toBeCloseTo(i + c1 + (i % 3), 3);
  }
}

describe('rejects list and show', () => {
  it('tell reasons, counts and the first rows with file, row, ids and message', async () => {
    const folder = tempFolder();
    await tables(folder);
    const path = await job(folder);
    const none = await prescore(['rejects', 'list', path]);
    expect([none.code, none.stdout]).toEqual([0, 'No run has rejected a row.\n']);
    expect((await prescore(['rejects', 'show', path])).stderr).toContain('there is no run yet');
    expect((await run(path)).code).toBe(3);
    const list = await prescore(['rejects', 'list', path]);
    expect(list.stdout).toMatch(new RegExp(`^${RUN}\\.1 +committed +3 +400 +null 3$`, 'm'));
    const [json] = (await prescore(['rejects', 'list', path, '--json'])).events;
    expect(json).toMatchObject({ runId: `${RUN}.1`, rows: 400, rejected: 3, rejectsByRule: { null: 3 } });
    const show = await prescore(['rejects', 'show', path]);
    expect(show.stdout).toMatch(/^null +c1 +3 +.*null/m);
    expect(show.stdout).toMatch(/^ {2}row 3 of .*in\/f1\.parquet \(id 103\): null in c1: /m);
    expect(show.stdout).toMatch(/^ {2}row 99 of .*in\/f3\.parquet \(id 399\): null in c1: /m);
    const [one] = (await prescore(['rejects', 'show', path, `${RUN}.1`, '--rows', '2', '--json'])).events;
    expect(one).toMatchObject({ rejected: 3, reasons: [{ rule: 'null', column: 'c1', rows: 3 }] });
    expect(one?.['first']).toMatchObject([
      { file: join(folder, 'in/f1.parquet'), counts: 'row', row: 3, rows: 1, id: { id: '103' } },
      { row: 50, id: { id: '150' } },
    ]);
  });

  it('count the lines of a text file, and look at one partition', async () => {
    const folder = tempFolder();
    const path = await tinyJob(folder, '', {
      ...base,
      input: { uri: join(folder, 'in-{partition}.csv'), schema: { c1: 'float' } },
      partitions: { values: ['a', 'b'] },
      output: { uri: join(folder, 'out/p={partition}') },
    });
    writeFileSync(join(folder, 'in-a.csv'), 'id,c0,c1,c2\n1,1,1,1\n2,1,x,1\n');
    writeFileSync(join(folder, 'in-b.csv'), 'id,c0,c1,c2\n1,1,1,1\n');
    const first = await run(path);
    expect(first.code).toBe(3);
    const [a] = (await prescore(['rejects', 'show', path, '--partition', 'a', '--json'])).events;
    expect(a?.['first']).toMatchObject([{ counts: 'line', row: 3, column: 'c1', rule: 'bad_value' }]);
    const [b] = (await prescore(['rejects', 'show', path, '--partition', 'b', '--json'])).events;
    expect(b).toMatchObject({ partition: 'b', rejected: 0, first: [] });
  });
});

describe('rejects replay', () => {
  it('scores chunks with rejects again under another null policy, and keeps the others as they are', async () => {
    const folder = tempFolder();
    await tables(folder);
    const predictions = { store: `lmdb:${join(folder, 'set')}`, key: 'id' };
    const path = await job(folder, { predictions });
    expect((await run(path)).code).toBe(3);
    const before = manifest(folder);
    await job(folder, { predictions, features: filling });
    const refused = await run(path);
    expect(refused.stderr).toContain('RUN_OTHER_DEFINITION');
    const result = await replay(path);
    expect([result.code, result.stderr]).toEqual([0, '']);
    expect(done(result)).toMatchObject({ runId: `${RUN}.2`, rows: 400, rejected: 0, chunksResumed: 2 });
    expect(result.events.find((e) => e['event'] === 'published')).toMatchObject({ rows: 400, generation: 2 });
    const after = manifest(folder);
    expect(after.scoredAt).toBe(before.scoredAt);
    expect(after.parts[0]).toEqual(before.parts[0]);
    expect(after.parts[2]).toEqual(before.parts[2]);
    expect(after.parts.map((p: { name: string }) => p.name.slice(11))).toEqual(
      [1, 2, 1, 2].map((k) => `${RUN}.${k}.parquet`),
    );
    await expectWhole(folder, []);
    expect((await prescore(['verify', join(folder, 'out')])).code).toBe(0);
    // Nothing is left to do, by whatever name it is asked for.
    for (const flags of [[], [`${RUN}.1`], [`${RUN}.2`]])
      expect(done(await replay(path, ...flags))).toMatchObject({ alreadyDone: true, runId: `${RUN}.2` });
    expect(done(await run(path))).toMatchObject({ alreadyDone: true });
    const logs = await prescore(['runs', 'logs', path, `${RUN}.2`]);
    expect(logs.stdout).toContain(`chunk 0: taken over from ${RUN}.1`);
  });

  it('scores what the input has become, in files that were written again', async () => {
    const folder = tempFolder();
    await tables(folder);
    const path = await job(folder);
    expect((await run(path)).code).toBe(3);
    const file = (n: number) => join(folder, `in/f${n}.parquet`);
    const other = tempFolder();
    const rest = Object.fromEntries([0, 2, 3].map((n) => [join(other, `${n}.parquet`), []]));
    // The second file without its nulls: ids go on by the order of the tables.
    await writeNulls({ [join(other, '0.parquet')]: [], [file(1)]: [], ...rest });
    const result = await replay(path);
    expect(done(result)).toMatchObject({ rows: 399, rejected: 1, chunksResumed: 2 });
    expect(result.code).toBe(3);
    const rows = await readOutput(join(folder, 'out'));
    expect(rows.map((r) => Number(r['id']))).toEqual(Array.from({ length: 399 }, (_, i) => i));
    const [left] = (await prescore(['rejects', 'show', path, '--json'])).events;
    expect(left).toMatchObject({
      runId: `${RUN}.2`,
      rejected: 1,
      replayOf: `${RUN}.1`,
      first: [{ id: { id: '399' } }],
    });
    // And once more: the replay is a run like any other.
    await job(folder, { features: filling });
    expect(done(await replay(path))).toMatchObject({ runId: `${RUN}.3`, rows: 400, rejected: 0, chunksResumed: 3 });
    const stale = await replay(path, `${RUN}.1`);
    expect([stale.code, stale.stderr]).toEqual([2, expect.stringContaining(`rejects replay JOB ${RUN}.3`)]);
  });

  it('is what a run over the limit goes on with after a mend', async () => {
    const folder = tempFolder();
    await tables(folder);
    const path = await job(folder, { rejects: { limit: 0 } });
    const over = await run(path);
    expect([over.code, over.stderr]).toEqual([8, expect.stringContaining('prescore rejects show')]);
    expect((await prescore(['rejects', 'list', path])).stdout).toContain('unfinished');
    await job(folder, { rejects: { limit: 0 }, features: filling });
    const result = await replay(path);
    expect([result.code, done(result)]).toMatchObject([0, { rows: 400, rejected: 0, chunksResumed: 2 }]);
    await expectWhole(folder, []);
    expect((await prescore(['verify', join(folder, 'out')])).code).toBe(0);
  });

  it('is finished by workers once it is planned', async () => {
    const folder = tempFolder();
    await tables(folder);
    const path = await job(folder);
    expect((await run(path, '--as-of', '2026-03-02')).code).toBe(3);
    await job(folder, { features: filling });
    const killed = await prescore(['rejects', 'replay', path], { env: { PRESCORE_FAULT: 'taken-over' } });
    expect(killed.code).not.toBe(0);
    // A database of its own: the server is shared with other test files.
    const redis = inject('redisUrl').replace(/\/0$/, '/9');
    const worker = await startWorker(redis, folder, SHORT_LOCKS);
    const enqueued = await prescore(['enqueue', path, '--as-of', '2026-03-02', '--wait', '--json', '--redis', redis]);
    expect(await worker.stop()).toBe(0);
    expect([enqueued.code, done(enqueued)]).toMatchObject([0, { rows: 400, rejected: 0 }]);
    await expectWhole(folder, []);
    const [first, , third] = manifest(folder).parts;
    for (const part of [first, third]) expect(part.name).toMatch(/20260302T000000Z\.1\.parquet$/);
  });

  it('refuses a mend that changes rows that were scored, by name, and writes nothing', async () => {
    const folder = tempFolder();
    await tables(folder);
    const path = await job(folder);
    expect((await run(path)).code).toBe(3);
    const before = tree(folder);
    const model = pinnedModel(join(await modelFolder(), 'total.onnx'));
    const changes: readonly [Readonly<Record<string, unknown>>, string][] = [
      [{ passthrough: ['c0'] }, 'passthrough'],
      [{ features: { x: { columns: ['c1', 'c0', 'c2'], nulls: 'reject' } } }, 'features'],
      [{ execution: { scorers: 1, chunkRows: 100, batchRows: 7 } }, 'execution.batchRows'],
      [{ model }, 'model'],
    ];
    for (const [change, name] of changes) {
      await job(folder, change);
      const refused = await replay(path);
      expect([name, refused.code, refused.stderr]).toEqual([name, 2, expect.stringContaining('RUN_OTHER_DEFINITION')]);
      expect(refused.stderr).toContain(`would change them: ${name}`);
      expect(refused.stderr).toContain('--new-run');
    }
    expect(tree(folder).filter((name) => !name.includes('.2/lease'))).toEqual(expect.arrayContaining(before));
    expect(done(await run(await job(folder)))).toMatchObject({ alreadyDone: true, runId: `${RUN}.1` });
  });

  it('is refused where nothing was rejected yet, and for a run of another job', async () => {
    const folder = tempFolder();
    await tables(folder);
    const path = await job(folder);
    const killed = await prescore(['run', path], { env: { PRESCORE_FAULT: 'after-record' } });
    expect(killed.signal).toBe('SIGKILL');
    const other = await tinyJob(folder, join(folder, 'in/*.parquet'), { ...base, name: 'other' }, 'other.yaml');
    const foreign = await replay(other, `${RUN}.1`);
    expect([foreign.code, foreign.stderr]).toEqual([2, expect.stringContaining('this is a run of another job')]);
  });
});

describe('a replay that is killed', () => {
  const kills: readonly [string, string][] = [
    ['with its plan alone', 'replay-planned'],
    ['when one chunk is taken over', 'taken-over'],
    ['with a part staged and not recorded', 'between-part-and-record'],
    ['when the first chunk is scored', 'after-record'],
    ['when all chunks are recorded', 'after-record#2'],
  ];
  it.each(kills)(
    '%s ends the same, started again or by run',
    async (_, fault) => {
      const folder = tempFolder();
      await tables(folder);
      expect((await run(await job(folder))).code).toBe(3);
      const path = await job(folder, { features: filling });
      const killed = await prescore(['rejects', 'replay', path], { env: { PRESCORE_FAULT: fault } });
      expect(killed.signal).toBe('SIGKILL');
      expect(manifest(folder).runId).toBe(`${RUN}.1`);
      await expectWhole(folder, [103, 150, 399]);
      const [out, kept] = [join(folder, 'out'), join(folder, 'kept')];
      cpSync(out, kept, { recursive: true, preserveTimestamps: true });
      for (const again of [replay, run]) {
        // Both begin with what the kill has left.
        rmSync(out, { recursive: true });
        cpSync(kept, out, { recursive: true, preserveTimestamps: true });
        const result = await again(path);
        expect([result.code, result.stderr]).toEqual([0, '']);
        expect(manifest(folder)).toMatchObject({ runId: `${RUN}.2`, rows: 400, rejected: 0 });
        const names = manifest(folder).parts.map((p: { name: string }) => p.name.slice(11));
        expect(names).toEqual([1, 2, 1, 2].map((k) => `${RUN}.${k}.parquet`));
        await expectWhole(folder, []);
        expect((await prescore(['verify', join(folder, 'out')])).code).toBe(0);
      }
    },
    60_000,
  );
});

describe('a replay on S3', () => {
  it.each([0, 1000])('completes parts that another run staged (rejects.limit %i)', async (limit) => {
    const address = inject('s3');
    const folder = tempFolder();
    await tables(folder);
    const bucket = await makeBucket(address, 'rejects');
    const client = adminClient(address);
    for (const n of [0, 1, 2, 3]) {
      const Body = readFileSync(join(folder, `in/f${n}.parquet`));
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: `in/f${n}.parquet`, Body }));
    }
    client.destroy();
    const s3 = {
      stores: { main: { endpoint: address.endpoint, region: address.region, pathStyle: true } },
      input: { uri: `s3://${bucket}/in/*.parquet` },
      output: { uri: `s3://${bucket}/out` },
      rejects: { limit },
    };
    const env = { AWS_ACCESS_KEY_ID: address.accessKeyId, AWS_SECRET_ACCESS_KEY: address.secretAccessKey };
    const path = await job(folder, s3);
    expect((await prescore(['run', path], { env })).code).toBe(limit === 0 ? 8 : 3);
    await job(folder, { ...s3, features: filling });
    const result = await prescore(['rejects', 'replay', path, '--json'], { env });
    expect([result.code, done(result)]).toMatchObject([0, { rows: 400, rejected: 0, chunksResumed: 2 }]);
    expect((await prescore(['verify', `s3://${bucket}/out`, '--job', path], { env })).code).toBe(0);
  });
});
