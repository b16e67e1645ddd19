import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { Duck } from '../../src/data/duckdb/duckdb.ts';
import { type CliResult, type CliRun, prescore, startPrescore } from '../harness/cli.ts';
import { processState } from '../harness/processes.ts';
import { partsOf, readOutput } from '../harness/read-parquet.ts';
import { makeBucket, useCredentials } from '../harness/s3-test-store.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { sha256Of, tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

const AS_OF = ['--as-of', '2026-03-01', '--json'];
const RUN = 'test-job.e3b0c442.20260301T000000Z.1';
const done = (result: CliResult) => result.events.findLast((e) => e['event'] === 'done');
const codeOf = (result: CliResult) =>
  (result.events.find((e) => e['event'] === 'failed')?.['error'] as { code?: string } | undefined)?.code;
const shard = (job: string, part: string, env: Record<string, string> = {}): CliRun =>
  startPrescore(['run', job, '--shard', part, ...AS_OF], { env });
const digests = (folder: string): Record<string, string> =>
  Object.fromEntries(partsOf(join(folder, 'out')).map((path) => [path.slice(folder.length), sha256Of(path)]));
const manifests = (folder: string): string[] =>
  readdirSync(join(folder, 'out/_prescore/manifests/_')).filter((name) => /^\d+\.json$/.test(name));

/** Waits until a process has stopped itself at its fault point. */
async function stopped(run: CliRun): Promise<void> {
  for (let i = 0; i < 1500; i++) {
    if (processState(run.child.pid!) === 'T') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the shard did not stop');
}

describe('shards without a queue', () => {
  const folder = suiteFolder();
  const inputs = Array.from({ length: 7 }, (_, i) => join(folder, `in/${i}.parquet`));
  let whole: Record<string, string> = {};
  const seven = (at: string): Promise<string> =>
    tinyJob(at, inputs, { execution: { scorers: 1, chunkRows: 300 }, output: { uri: join(at, 'out'), lineage: true } });

  beforeAll(async () => {
    await writeTables(Object.fromEntries(inputs.map((path, i) => [path, 300 - i])));
    expect((await prescore(['run', await seven(folder), ...AS_OF])).code).toBe(0);
    whole = digests(folder);
    expect(Object.keys(whole)).toHaveLength(7);
  });

  it('three at once give the bytes of the undivided run, and one of them commits', async () => {
    const own = tempFolder();
    const job = await seven(own);
    const results = await Promise.all(['0/3', '1/3', '2/3'].map((part) => shard(job, part).result));
    expect(results.map((r) => [r.code, r.stderr])).toEqual([0, 1, 2].map(() => [0, '']));
    expect(results.map((r) => done(r)?.['committed']).sort()).toEqual([false, false, true]);
    expect(results.find((r) => done(r)?.['committed'])?.events.at(-1)).toMatchObject({ event: 'done', rows: 2079 });
    expect(digests(own)).toEqual(whole);
    expect(manifests(own)).toEqual(['1.json']);
  });

  it('share one row group where the job asks for it: the rows of the undivided run, each once, in order', async () => {
    const own = tempFolder();
    const input = join(own, 'in.parquet');
    const duck = await Duck.open({ memoryBytes: 2 ** 28, scratchDir: own, scratchBytes: 2 ** 30 });
    await duck.run(
      `copy (select i::bigint as id, i::float as c0, (i % 7)::float as c1, if(i % 50000 = 77, null, (i % 3)::float) as c2
        from range(200000) t(i)) to '${input}' (format parquet, row_group_size 200000)`,
    );
    duck.close();
    const features = { x: { columns: ['c0', 'c1', 'c2'], nulls: 'reject' } };
    const execution = { scorers: 1, chunkRows: 50_000 };
    const job = await tinyJob(own, input, { features, execution, rejects: { limit: 10 } });
    const results = await Promise.all(['0/2', '1/2'].map((part) => shard(job, part).result));
    expect(results.map((r) => r.stderr)).toEqual(['', '']);
    const shown = await prescore(['runs', 'show', job]);
    expect(shown.stdout).toContain('4 of 4 chunks, 200,000 rows, 4 rejected');
    const rows = await readOutput(join(own, 'out'));
    const wanted = Array.from({ length: 200_000 }, (_, i) => i).filter((i) => i % 50_000 !== 77);
    expect(rows.map((row) => Number(row['id'])).toSorted((a, b) => a - b)).toEqual(wanted);
    expect(
      rows.filter(
        (row) => row['y'] !== Math.fround(Number(row['id'])) + (Number(row['id']) % 7) + (Number(row['id']) % 3),
      ),
    ).toEqual([]);
    const rejects = await prescore(['rejects', 'show', job]);
    for (const row of [77, 50_077, 100_077, 150_077]) expect(rejects.stdout).toContain(`row ${row} of `);
  });

  it('a killed shard leaves the run resumable: started again it scores its own share only, and commits', async () => {
    const own = tempFolder();
    const job = await seven(own);
    const first = await shard(job, '0/3').result;
    expect(done(first)).toMatchObject({ committed: false, rows: 300 + 297 + 294, shard: { chunksOpen: 4 } });
    // The second of its chunks is scored, but has no record; on a slow machine the first has none either.
    const killed = await shard(job, '1/3', { PRESCORE_FAULT: 'between-part-and-record#2' }).result;
    expect(killed.signal).toBe('SIGKILL');
    expect(done(await shard(job, '2/3').result)).toMatchObject({ committed: false, shard: { index: 2, count: 3 } });
    expect((await prescore(['runs', 'list', job])).stdout).toMatch(/unfinished +[56]\/7/);
    const byId = await prescore(['run', job, '--shard', '1/3', '--run-id', RUN]);
    expect(byId.stdout).toContain(`shard 1/3 of ${RUN}: the run is committed`);
    expect(digests(own)).toEqual(whole);
  });

  it('refuses another division, the whole run and a second of itself while a shard lives; two that end together commit once', async () => {
    const own = tempFolder();
    const job = await seven(own);
    const first = shard(job, '0/2', { PRESCORE_FAULT: 'SIGSTOP:shard-scored' });
    const second = shard(job, '1/2', { PRESCORE_FAULT: 'SIGSTOP:shard-scored' });
    await Promise.all([stopped(first), stopped(second)]);
    const [other, undivided, twin] = await Promise.all([
      shard(job, '2/3').result,
      prescore(['run', job, ...AS_OF]),
      shard(job, '0/2').result,
    ]);
    expect([other.code, codeOf(other)]).toEqual([2, 'SHARDS_DIFFER']);
    expect([undivided.code, codeOf(undivided)]).toEqual([7, 'RUN_OWNED']);
    expect([twin.code, codeOf(twin)]).toEqual([7, 'RUN_OWNED']);
    // Both have written their last record and look now.
    first.child.kill('SIGCONT');
    second.child.kill('SIGCONT');
    const results = await Promise.all([first.result, second.result]);
    expect(results.map((r) => r.code)).toEqual([0, 0]);
    expect(results.map((r) => done(r)?.['committed']).sort()).toEqual([false, true]);
    expect(manifests(own)).toEqual(['1.json']);
    expect(digests(own)).toEqual(whole);
  });

  it('a shard that waits for the committer takes over when it dies', async () => {
    const own = tempFolder();
    const job = await seven(own);
    const first = shard(job, '0/2', { PRESCORE_FAULT: 'SIGSTOP:shard-scored' });
    await stopped(first);
    const second = shard(job, '1/2', { PRESCORE_FAULT: 'SIGSTOP:shard-committing' });
    await stopped(second);
    first.child.kill('SIGCONT');
    // It finds the lease taken; a holder that dies has not committed.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(first.child.exitCode).toBeNull();
    second.child.kill('SIGKILL');
    expect(done(await first.result)).toMatchObject({ committed: true, rows: 2079 });
    expect(digests(own)).toEqual(whole);
  });

  it('the undivided run finishes what shards have begun', async () => {
    const own = tempFolder();
    const job = await seven(own);
    expect((await shard(job, '1/2').result).code).toBe(0);
    const result = await prescore(['run', job, ...AS_OF]);
    expect(done(result)).toMatchObject({ committed: true, chunksResumed: 3 });
    expect(digests(own)).toEqual(whole);
    const late = await shard(job, '0/4').result;
    expect(done(late)).toMatchObject({ committed: true, alreadyDone: true });
  });

  it('says what is wrong with the command', async () => {
    const job = await seven(tempFolder());
    const cases: readonly (readonly [string[], RegExp])[] = [
      [['--shard', '3/3', '--as-of', '2026-03-01'], /I from 0 to N - 1/],
      [['--shard', '0/3'], /--as-of or --run-id/],
      [['--shard', '0/3', '--run-id', RUN.replace('test-job', 'other')], /not one of this job/],
      [['--shard', '0/3', '--run-id', RUN.replace(/1$/, '3')], /the attempt skips one/],
      [['--run-id', RUN], /goes with --shard/],
    ];
    const results = await Promise.all(cases.map(([args]) => prescore(['run', job, ...args])));
    for (const [i, { code, stderr }] of results.entries()) {
      expect([code, stderr]).toEqual([2, expect.stringMatching(cases[i]![1])]);
    }
  });
});

describe('shards on S3', () => {
  it('two at once commit one run', async () => {
    const address = inject('s3');
    useCredentials(address);
    const bucket = await makeBucket(address, 'shards');
    const folder = tempFolder();
    const inputs = [0, 1, 2].map((i) => join(folder, `in/${i}.parquet`));
    await writeTables(Object.fromEntries(inputs.map((path) => [path, 200])));
    const job = await tinyJob(folder, inputs, {
      stores: { main: { endpoint: address.endpoint, region: address.region, pathStyle: true } },
      output: { uri: `s3://${bucket}/out` },
      execution: { scorers: 1, chunkRows: 200 },
    });
    const results = await Promise.all(['0/2', '1/2'].map((part) => shard(job, part).result));
    expect(results.map((r) => r.stderr)).toEqual(['', '']);
    expect(results.map((r) => done(r)?.['committed']).sort()).toEqual([false, true]);
    const verified = await prescore(['verify', `s3://${bucket}/out`, '--job', job]);
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('600')]);
  });
});
