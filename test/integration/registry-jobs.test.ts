import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import type { RunRequest } from '../../src/base/contract/queue-records.ts';
import type { Manifest } from '../../src/base/contract/records.ts';
import { loadJob } from '../../src/cli/load/load-job.ts';
import { settleJob } from '../../src/run/pipeline/settle-job.ts';
import { type CliResult, prescore, startPrescore } from '../harness/cli.ts';
import { SHORT_LOCKS, startWorker } from '../harness/queue-run.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { openTestRegistry, type TestRegistry } from '../harness/registry-models.ts';
import { makeBucket, openStores } from '../harness/s3-test-store.ts';
import { tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

/** A registry with two versions of `sum`, the first of which is `stable`; and the folder that it lies in. */
async function place(): Promise<{ readonly folder: string; readonly registry: TestRegistry }> {
  const folder = tempFolder();
  const registry = openTestRegistry(join(folder, 'models'));
  onTestFinished(() => registry.close());
  await fill(registry);
  return { folder, registry };
}

async function fill(registry: TestRegistry): Promise<void> {
  await registry.add();
  await registry.add();
  await registry.label('stable', 1);
}

async function cli(args: readonly string[], code = 0, env: Record<string, string> = {}): Promise<CliResult> {
  const result = await prescore(args, { env });
  expect(result.code, `${args.join(' ')}\n${result.stdout}\n${result.stderr}`).toBe(code);
  return result;
}

/** A job by reference over a small table for each partition, or over two files. */
async function refJob(
  folder: string,
  changes: Record<string, unknown> = {},
  days?: readonly string[],
): Promise<string> {
  const files = (days ?? ['0', '1']).map((day) => join(folder, `in/${day}.parquet`));
  await writeTables(Object.fromEntries(files.map((file) => [file, 100])));
  const parts = days === undefined ? {} : { partitions: { values: days } };
  const at = days === undefined ? '' : '/day={partition}';
  const own = { registry: 'models', model: { ref: 'sum@stable' }, output: { uri: `out${at}`, lineage: true } };
  const input = join(folder, days === undefined ? 'in/*.parquet' : 'in/{partition}.parquet');
  return tinyJob(folder, input, { ...own, ...parts, ...changes });
}

function manifestOf(folder: string, partition = '_'): Manifest {
  const records = join(folder, 'out/_prescore/manifests', partition);
  const numbers = readdirSync(records).flatMap((name) => (/^\d+\.json$/.test(name) ? [Number.parseInt(name, 10)] : []));
  return JSON.parse(readFileSync(join(records, `${Math.max(...numbers)}.json`), 'utf8')) as Manifest;
}

const versionOf = (folder: string, partition?: string): string | null => manifestOf(folder, partition).model.version;

test('a label, a number and a digest name a version, which stands in plan, manifest, rows and summary', async () => {
  const { folder, registry } = await place();
  const [second] = await registry.use.versions('sum');
  for (const [ref, version] of [
    ['sum@stable', '1'],
    ['sum/2', '2'],
    [`sum@sha256:${second!.digest!}`, '2'],
  ] as const) {
    const own = tempFolder();
    const job = await refJob(own, { registry: registry.uri, model: { ref } });
    const plan = await cli(['plan', job]);
    expect(plan.stdout).toContain(`model    sum ${version} `);
    expect(plan.stdout).toContain(`(${ref} of `);
    const run = await cli(['run', job]);
    expect(run.stdout).toContain(`model    sum ${version} (${ref} of `);
    const { model } = manifestOf(own);
    expect(model).toMatchObject({ name: 'sum', version, ref, registry: registry.uri });
    expect(model.uri).toBe(join(folder, 'models/sum', version, 'model.onnx'));
    const rows = await readOutput(join(own, 'out'));
    expect(new Set(rows.map((row) => `${row['model_name']} ${row['model_version']}`))).toEqual(
      new Set([`sum ${version}`]),
    );
    expect((await cli(['runs', 'show', job])).stdout).toContain(`(${ref} of `);
  }
});

test('the registry of the environment, and none at all', async () => {
  const { folder } = await place();
  const job = await refJob(folder, { registry: undefined });
  const refused = await cli(['run', job], 2);
  expect(refused.stderr).toContain('registry: URI at the top of the job file, or PRESCORE_REGISTRY in the environment');
  // What needs no model needs no registry.
  await cli(['runs', 'list', job]);
  await cli(['run', job], 0, { PRESCORE_REGISTRY: join(folder, 'models') });
  expect(versionOf(folder)).toBe('1');
});

test('what is not there is told with what is', async () => {
  const { folder } = await place();
  const cases = [
    ['sum@canary', 'stable: 1'],
    ['sum/3', 'versions 2, 1'],
    ['other/1', 'models sum'],
  ] as const;
  for (const [ref, there] of cases) {
    const result = await cli(['run', await refJob(folder, { model: { ref } })], 5);
    expect(result.stderr).toContain('REGISTRY_UNKNOWN');
    expect(result.stderr).toContain(there);
  }
});

test('a label that moves between two slots: each has what it named then, and the list of stale ones says so', async () => {
  const { folder, registry } = await place();
  const job = await refJob(folder, {}, ['a', 'b', 'c']);
  await cli(['run', job, '--partition', 'a']);
  await registry.label('stable', 2);
  await cli(['run', job, '--partition', 'b']);
  expect([versionOf(folder, 'a'), versionOf(folder, 'b')]).toEqual(['1', '2']);
  // A slot that is done stays so: nobody changed the job.
  const again = await cli(['run', job]);
  expect(again.stdout).toContain('already done with sum/1; sum@stable names 2 now; --if-changed scores it again');
  const list = await cli(['runs', 'list', job, '--stale']);
  expect(list.stdout).toContain('1 of 3 slots with another model than sum 2');
  const { events } = await cli(['runs', 'list', job, '--stale', '--json']);
  expect(events).toMatchObject([{ partition: 'a', model: { version: '1' }, now: { version: '2', ref: 'sum@stable' } }]);
  expect(events).toHaveLength(1);
  const dry = await cli([
    'backfill',
    'create',
    job,
    '--partitions',
    'a,b,c',
    '--reprocess',
    'stale',
    '--dry-run',
    '--json',
  ]);
  expect(dry.events).toMatchObject([{ asked: ['a'] }]);
  await cli(['backfill', 'create', job, '--partitions', 'a,b,c', '--reprocess', 'stale']);
  expect(versionOf(folder, 'a')).toBe('2');
  const none = await cli(['runs', 'list', job, '--stale']);
  expect(none.stdout).toContain('All that is committed (3 slots) is of sum 2');
  // Back: the same, the other way round.
  await registry.label('stable', 1);
  await cli(['run', job, '--partition', 'b', '--if-changed']);
  expect(versionOf(folder, 'b')).toBe('1');
});

test('stale by a pin: what was committed with another digest than the job file has', async () => {
  const { folder, registry } = await place();
  const models = (await registry.use.versions('sum')).toReversed();
  const pin = (i: number): Record<string, unknown> => ({
    registry: undefined,
    model: { uri: `models/sum/${i}/model.onnx`, sha256: models[i - 1]!.digest! },
  });
  await cli(['run', await refJob(folder, pin(1))]);
  const { events } = await cli(['runs', 'list', await refJob(folder, pin(2)), '--stale', '--json']);
  expect(events).toMatchObject([
    { partition: null, model: { sha256: models[0]!.digest }, now: { sha256: models[1]!.digest } },
  ]);
});

test('a label that moves under unfinished runs: they go on with what they began with, others begin with the new one', async () => {
  const { folder, registry } = await place();
  const job = await refJob(folder, { execution: { scorers: 1 } }, ['a', 'b']);
  const killed = startPrescore(['run', job, '--partition', 'a'], { env: { PRESCORE_FAULT: 'after-record' } });
  expect((await killed.result).signal).toBe('SIGKILL');
  await registry.label('stable', 2);
  const plan = await cli(['plan', job, '--partition', 'a']);
  expect(plan.stdout).toContain('would resume (1 of 1 chunk done)');
  expect(plan.stdout).toContain('model    sum 1 ');
  await cli(['run', job]);
  expect([versionOf(folder, 'a'), versionOf(folder, 'b')]).toEqual(['1', '2']);
  expect(manifestOf(folder, 'a').runId).toMatch(/\.1$/);
});

test('a label that is taken away from an unfinished run changes nothing; a version that is gone is told by name', async () => {
  const { folder, registry } = await place();
  const job = await refJob(folder);
  for (const isGone of [false, true]) {
    const args = ['run', job, ...(isGone ? ['--new-run'] : [])];
    const killed = startPrescore(args, { env: { PRESCORE_FAULT: 'after-record' } });
    expect((await killed.result).signal).toBe('SIGKILL');
    await registry.label('stable', isGone ? 2 : null);
    if (isGone) await registry.use.remove('sum', 1, 'test@here', 'it was wrong');
    const result = await cli(['run', job], isGone ? 5 : 0);
    if (isGone) {
      expect(result.stderr).toMatch(/began with sum\/1 \(sum@stable\): version 1 was deleted at .*it was wrong/);
      expect(result.stderr).toContain('--new-run');
    } else expect(versionOf(folder)).toBe('1');
    await registry.label('stable', isGone ? 2 : 1);
  }
  await cli(['run', job, '--new-run']);
  expect(versionOf(folder)).toBe('2');
});

test('shards whose label moves between their starts score one run with one version', async () => {
  const { folder, registry } = await place();
  const job = await refJob(folder);
  const shard = (i: number): string[] => ['run', job, '--shard', `${i}/2`, '--as-of', '2026-01-01'];
  await cli(shard(0));
  await registry.label('stable', 2);
  await cli(shard(1));
  expect(versionOf(folder)).toBe('1');
  expect(new Set((await readOutput(join(folder, 'out'))).map((row) => row['model_version']))).toEqual(new Set(['1']));
});

test('a schedule asks the registry for every slot', async () => {
  const { folder, registry } = await place();
  const DAY = 86_400_000;
  const today = Math.floor(Date.now() / DAY) * DAY;
  const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  const [first, second] = [iso(today - 2 * DAY).slice(0, 10), iso(today - DAY).slice(0, 10)];
  const cron = '0 0 * * *';
  const inputOf = (partition: string): string => join(folder, `days/${partition}.parquet`);
  const job = await refJob(folder, {
    input: { uri: join(folder, 'days/{partition}.parquet') },
    output: { uri: 'out/day={partition}', lineage: true },
    partitions: { every: 'day', format: '%Y-%m-%d', start: '2026-01-01' },
    schedule: { cron, timezone: 'UTC', catchUp: 'all', waitForInput: { for: '7d', every: '1s' } },
  });
  await writeTables({ [inputOf(first)]: 100 });
  const marks = join(folder, 'out/_prescore/schedule/test-job/marks');
  mkdirSync(marks, { recursive: true });
  const seen = { format: 1, n: 1, through: iso(today - DAY - 1000), open: [], cron, timezone: 'UTC', by: 'test' };
  writeFileSync(join(marks, '1.json'), JSON.stringify(seen));
  const run = startPrescore(['schedule', job]);
  onTestFinished(async () => {
    run.child.kill('SIGKILL');
    await run.result;
  });
  // The process waits for the input of the second day while the label moves.
  await untilThere(join(folder, `out/_prescore/manifests/${first}/1.json`));
  await registry.label('stable', 2);
  await writeTables({ [inputOf(second)]: 100 });
  await untilThere(join(folder, `out/_prescore/manifests/${second}/1.json`));
  expect([versionOf(folder, first), versionOf(folder, second)]).toEqual(['1', '2']);
});

test('workers of a queue score what the label named when they were asked', async () => {
  const { folder, registry } = await place();
  const redis = inject('redisUrl').replace(/\/0$/, '/14');
  const job = await refJob(folder, {}, ['a', 'b']);
  const asked = ['enqueue', job, '--redis', redis];
  await cli([...asked, '--partition', 'a']);
  await registry.label('stable', 2);
  const worker = await startWorker(redis, folder, []);
  onTestFinished(async () => {
    worker.child.kill('SIGKILL');
    await worker.result;
  });
  await cli([...asked, '--partition', 'b', '--wait']);
  await cli([...asked, '--partition', 'a', '--wait']);
  expect([versionOf(folder, 'a'), versionOf(folder, 'b')]).toEqual(['1', '2']);
});

test('a run that is asked for by what a label names by then is finished with what it was planned with', async () => {
  const { folder, registry } = await place();
  const redis = inject('redisUrl').replace(/\/0$/, '/14');
  const job = await refJob(folder);
  await cli(['enqueue', job, '--redis', redis]);
  const killed = await startWorker(redis, folder, SHORT_LOCKS, { PRESCORE_FAULT: 'after-record' });
  expect((await killed.result).signal).toBe('SIGKILL');
  // As one writes it who looked for a plan a moment before there was one, and asked the registry a moment later.
  await registry.label('stable', 2);
  const runs = join(folder, 'out/_prescore/runs');
  const records = join(runs, readdirSync(runs)[0]!);
  const asked = JSON.parse(readFileSync(join(records, 'request.1.json'), 'utf8')) as RunRequest;
  const second = await settleJob(loadJob(job), registry.stores);
  expect(second.model.version).toBe('2');
  writeFileSync(join(records, 'request.2.json'), JSON.stringify({ ...asked, k: 2, job: second }));
  const worker = await startWorker(redis, folder, SHORT_LOCKS);
  onTestFinished(async () => {
    worker.child.kill('SIGKILL');
    await worker.result;
  });
  await untilThere(join(records, 'end.2.json'));
  expect(JSON.parse(readFileSync(join(records, 'end.2.json'), 'utf8'))).toMatchObject({ kind: 'done' });
  expect(versionOf(folder)).toBe('1');
});

test('a registry on S3 is read with the stores of the job, also where only they know its endpoint', async () => {
  const address = inject('s3');
  const bucket = await makeBucket(address, 'registry');
  const stores = openStores(address);
  const registry = openTestRegistry(`s3://${bucket}/models`, stores);
  onTestFinished(() => registry.close());
  await fill(registry);
  const folder = tempFolder();
  const { endpoint, region } = address;
  const job = await refJob(folder, {
    registry: registry.uri,
    stores: { main: { endpoint, region, pathStyle: true } },
  });
  await cli(['check', job]);
  await cli(['run', job]);
  const { model } = manifestOf(folder);
  expect(model).toMatchObject({ version: '1', uri: `s3://${bucket}/models/sum/1/model.onnx`, registry: registry.uri });
});

test('init takes a reference where a registry is known, and the job that it writes runs', async () => {
  const { folder } = await place();
  const table = join(folder, 'in/a.parquet');
  await writeTables({ [table]: 50 });
  const out = join(folder, 'job.yaml');
  const args = ['init', 'sum@stable', table, '--out', out, '--features', 'c0,c1,c2'];
  await cli([...args, '--registry', join(folder, 'models')]);
  expect(readFileSync(out, 'utf8')).toMatch(/^registry: models\nmodel:\n {2}ref: "?sum@stable"?$/m);
  await cli(['run', out]);
  await cli([...args, '--force'], 0, { PRESCORE_REGISTRY: join(folder, 'models') });
  expect(readFileSync(out, 'utf8')).not.toContain('registry:');
});

async function untilThere(path: string): Promise<void> {
  for (let i = 0; i < 300 && !existsSync(path); i++) await new Promise((resolve) => setTimeout(resolve, 100));
  expect(existsSync(path), path).toBe(true);
}
