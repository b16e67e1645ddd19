import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import type { LiveModelHost } from '../../src/inference/host/model-host.ts';
import { failureOf } from '../harness/failure-of.ts';
import { floats, openHost, putVersion, removeVersion, until, valuesOf } from '../harness/live-host.ts';
import { modelFolder } from '../harness/model-files.ts';
import { childrenOf, isAlive } from '../harness/processes.ts';
import { makeBucket, openBucket } from '../harness/s3-test-store.ts';
import { sha256Of, tempFolder } from '../harness/temp-job.ts';

let models = '';
beforeAll(async () => {
  models = await modelFolder();
});

// x [N, 3] -> the sum of a row, or the row doubled: which of them answers is seen.
const SUM = 'sum';
const TWICE = 'own_function';
const made = (name: string): string => join(models, `${name}.onnx`);
const ask = floats('x', 3, [1, 2, 3]);
const MIB = 1024 * 1024;

/** A folder of models: `name/version` -> the model that it is. */
function folderOf(versions: Readonly<Record<string, string>>): string {
  const folder = tempFolder();
  for (const [place, model] of Object.entries(versions)) {
    const [name = '', version = ''] = place.split('/');
    putVersion(folder, name, version, made(model));
  }
  return folder;
}

async function answer(host: LiveModelHost, name: string, version: string | null = null): Promise<number[]> {
  return valuesOf(await (await host.model(name, version)).infer(ask), 'y');
}

async function states(host: LiveModelHost): Promise<string[]> {
  return (await host.index()).map(({ name, version, state }) => `${name}/${version} ${state}`);
}

const pids = (host: LiveModelHost): number[] => host.stats().map(({ pid }) => pid!);

describe('a model folder', () => {
  it('is read by number, loaded on demand and once, unloaded when asked; other files are passed over', async () => {
    const folder = folderOf({ 'm/9': TWICE, 'm/10': SUM, 'other/1.0.0-rc1': SUM });
    writeFileSync(join(folder, 'readme.md'), 'models');
    writeFileSync(join(folder, 'm/10/notes.txt'), 'good');
    const loads: string[] = [];
    const events = { onLoad: (name: string, version: string | null) => void loads.push(`${name}/${version}`) };
    const host = openHost(folder, { events });
    expect(await states(host)).toEqual(['m/9 unloaded', 'm/10 unloaded', 'other/1.0.0-rc1 unloaded']);
    const [model, same] = await Promise.all([host.model('m', null), host.model('m', null), host.model('m', '10')]);
    expect(model === same).toBe(true);
    expect(model).toMatchObject({
      name: 'm',
      version: '10',
      sha256: sha256Of(made(SUM)),
      fixedBatch: null,
      maxRows: 4096,
    });
    expect(await answer(host, 'm')).toEqual([6]);
    expect(await answer(host, 'm', '9')).toEqual([2, 4, 6]);
    expect(await answer(host, 'm')).toEqual([6]);
    expect(loads).toEqual(['m/10', 'm/9']);
    for (const [name, version] of [
      ['m', '11'],
      ['n', null],
      ['../m', null],
      ['m/9', null],
    ] as const) {
      expect((await failureOf(() => host.model(name, version))).code).toBe('LIVE_MODEL_UNKNOWN');
    }
    const children = pids(host);
    await host.unload('m', null);
    expect(await states(host)).toEqual(['m/9 unloaded', 'm/10 unloaded', 'other/1.0.0-rc1 unloaded']);
    await until(() => !children.some(isAlive));
    // A handle stays good.
    expect(valuesOf(await model.infer(ask), 'y')).toEqual([6]);
    // Closing ends a load that goes on, too.
    const loading = failureOf(() => host.model('other', null));
    await until(async () => (await states(host)).includes('other/1.0.0-rc1 loading'));
    await host.close();
    expect((await loading).code).toBe('LIVE_UNAVAILABLE');
    expect((await failureOf(() => host.model('m', null))).code).toBe('LIVE_UNAVAILABLE');
    expect(childrenOf(process.pid).filter((pid) => children.includes(pid) && isAlive(pid))).toEqual([]);
    expect(host.stats()).toEqual([]);
  });

  it('a version without a digest, or of other bytes, or that is no model, leaves the one before it serving', async () => {
    const folder = folderOf({ 'm/1': SUM, 'm/2': TWICE, 'm/3': TWICE, 'm/4': 'custom' });
    rmSync(join(folder, 'm/2/model.onnx.sha256'));
    writeFileSync(join(folder, 'm/3/model.onnx.sha256'), '0'.repeat(64));
    let loads = 0;
    const host = openHost(folder, { events: { onLoad: () => void loads++ } });
    expect(await answer(host, 'm')).toEqual([6]);
    expect((await host.index()).map(({ version, state, reason }) => [version, state, reason.split(':')[0]])).toEqual([
      ['1', 'ready', ''],
      ['2', 'failed', 'MODEL_UNPINNED'],
      ['3', 'failed', 'MODEL_CHECKSUM'],
      ['4', 'failed', 'MODEL_CUSTOM_OP'],
    ]);
    const broken = (code: string) => expect.stringMatching(`^LIVE_MODEL_BROKEN: the model cannot be loaded: ${code}: `);
    expect((await failureOf(() => host.model('m', '3'))).message).toEqual(broken('MODEL_CHECKSUM'));
    expect((await failureOf(() => host.load('m', null))).message).toEqual(broken('MODEL_CUSTOM_OP'));
    // For requests a bad model is not loaded again and again.
    const before = loads;
    expect((await failureOf(() => host.model('m', '4'))).message).toEqual(broken('MODEL_CUSTOM_OP'));
    expect(await answer(host, 'm')).toEqual([6]);
    expect([before, loads]).toEqual([5, 5]);
    // The digest comes last: from then on the version is whole.
    writeFileSync(join(folder, 'm/2/sha256'), `${sha256Of(made(TWICE)).toUpperCase()}\n`);
    await host.load('m', '2');
    expect(await answer(host, 'm', '2')).toEqual([2, 4, 6]);
    expect(await answer(host, 'm')).toEqual([6]);
    // With leave, a digest is not needed.
    rmSync(join(folder, 'm/2/sha256'));
    const trusting = openHost(folder, { allowUnpinned: true });
    expect(await trusting.model('m', null)).toMatchObject({ version: '2', sha256: sha256Of(made(TWICE)) });
  });

  it('a new version is loaded beside the old one under load, swapped, and the old one ends: no request fails', async () => {
    const folder = folderOf({ 'm/1': SUM });
    const host = openHost(folder, { pollMs: 50, pinned: ['m'] });
    await host.settled;
    const [old] = pids(host);
    expect(old).toBeGreaterThan(0);
    let isOver = false;
    const seen = new Map<number, number>();
    const callers = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const { length } = await answer(host, 'm');
        seen.set(length, (seen.get(length) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    });
    putVersion(folder, 'm', '2', made(TWICE));
    await until(() => (seen.get(3) ?? 0) > 100 && !isAlive(old!));
    isOver = true;
    await Promise.all(callers);
    expect(seen.get(1)).toBeGreaterThan(10);
    expect(await states(host)).toEqual(['m/1 unloaded', 'm/2 ready']);
    // Version 2 is taken away again: version 1 serves.
    removeVersion(folder, 'm', '2');
    await until(async () => (await states(host)).join() === 'm/1 ready');
    expect(await answer(host, 'm')).toEqual([6]);
  });

  it('replaced files of a loaded version change nothing, and are said', async () => {
    const folder = folderOf({ 'm/1': SUM });
    const host = openHost(folder, { pollMs: 50 });
    await answer(host, 'm');
    putVersion(folder, 'm', '1', made(TWICE));
    await until(async () => /replaced/.test((await host.index())[0]!.reason));
    expect(await answer(host, 'm')).toEqual([6]);
    await host.unload('m', '1');
    await host.load('m', '1');
    expect(await answer(host, 'm')).toEqual([2, 4, 6]);
  });
});

describe('memory', () => {
  it('idle models are unloaded, pinned ones are not; a handle loads its model again', async () => {
    const host = openHost(folderOf({ 'a/1': SUM, 'b/1': SUM, 'c/1': SUM }), {
      pinned: ['b', 'c/1'],
      idleUnloadMs: 150,
    });
    await host.settled;
    expect(await states(host)).toEqual(['a/1 unloaded', 'b/1 ready', 'c/1 ready']);
    const model = await host.model('a', null);
    await until(async () => (await states(host))[0] === 'a/1 unloaded');
    expect(valuesOf(await model.infer(ask), 'y')).toEqual([6]);
    expect((await states(host)).slice(1)).toEqual(['b/1 ready', 'c/1 ready']);
    // A request waits no longer for a load than its deadline.
    await until(async () => (await states(host))[0] === 'a/1 unloaded');
    expect((await failureOf(() => model.infer({ ...ask, deadlineMs: 5 }))).code).toBe('LIVE_DEADLINE');
  });

  it('has a cap: the least recently used idle model goes, never one that is pinned or in use', async () => {
    const folder = folderOf({ 'a/1': SUM, 'b/1': SUM, 'c/1': SUM, 'd/1': SUM });
    const unloads: string[] = [];
    const host = openHost(folder, {
      memoryBytes: 340 * MIB,
      pinned: ['a'],
      evictIdleMs: 0,
      events: { onUnload: (name, _, why) => void unloads.push(`${name} ${why}`) },
    });
    await host.settled;
    for (const name of ['b', 'c', 'b', 'd']) expect(await answer(host, name)).toEqual([6]);
    expect(unloads).toEqual(['c memory']);
    for (const { rssBytes } of host.stats()) expect(rssBytes / MIB).toBeGreaterThan(40);
    for (const { rssBytes } of host.stats()) expect(rssBytes / MIB).toBeLessThan(140);

    const busy = openHost(folder, { memoryBytes: 260 * MIB, evictIdleMs: 60_000 });
    await answer(busy, 'a');
    await answer(busy, 'b');
    const fault = await failureOf(() => busy.model('c', null));
    expect(fault.message).toMatch(
      /^LIVE_OVERLOADED: .*none can be unloaded; at c; expected at most 260 MiB; got \d+ MiB in use/,
    );
    // It is no fault of the model: it is tried again.
    expect(await states(busy)).toEqual(['a/1 ready', 'b/1 ready', 'c/1 unloaded', 'd/1 unloaded']);
    await busy.unload('a', null);
    expect(await answer(busy, 'c')).toEqual([6]);
  });
});

describe('models that are given', () => {
  it('by path or bytes are served beside the folder; one name and version is one model', async () => {
    const folder = folderOf({ 'm/1': SUM });
    const host = openHost(folder, { idleUnloadMs: 200 });
    const sum = { name: 'm', version: '1', sha256: sha256Of(made(SUM)), file: { path: made(SUM) } };
    expect((await host.addModel(sum)) === (await host.model('m', '1'))).toBe(true);
    const bytes = new Uint8Array(readFileSync(made(TWICE)));
    const twice = { name: 'job', version: null, sha256: sha256Of(made(TWICE)), file: { bytes } };
    const [model, same] = await Promise.all([host.addModel(twice), host.addModel(twice)]);
    expect(same === model).toBe(true);
    expect(await answer(host, 'job')).toEqual([2, 4, 6]);
    for (const given of [
      { ...sum, sha256: twice.sha256 },
      { ...sum, name: 'job', version: null },
    ]) {
      expect((await failureOf(() => host.addModel(given))).message).toMatch(/^MODEL_INVALID: two models are named/);
    }
    const bad = { ...sum, version: '2', sha256: '0'.repeat(64) };
    expect((await failureOf(() => host.addModel(bad))).code).toBe('MODEL_CHECKSUM');
    await until(() => host.stats().length === 0);
    expect(valuesOf(await model.infer(ask), 'y')).toEqual([2, 4, 6]);
    expect(await openHost(null).index()).toEqual([]);
  });
});

it('a prefix of an S3 bucket is a model folder too; while the store is away, what is loaded goes on', async () => {
  const address = inject('s3');
  const bucket = await makeBucket(address, 'live');
  const { store, stores } = openBucket(address, bucket);
  onTestFinished(() => stores.close());
  const put = async (place: string, model: string): Promise<void> => {
    await store.put(`models/${place}/model.onnx`, readFileSync(made(model)));
    await store.put(`models/${place}/model.onnx.sha256`, Buffer.from(sha256Of(made(model))));
  };
  await put('m/1', SUM);
  let isAway = false;
  // The store of the product, except that it can be taken away.
  const away = new Proxy(store, {
    get: (target, name: keyof typeof store) => {
      if (isAway && name === 'list') throw new TypeError('away');
      const value = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const host = openHost({ store: away, key: 'models/', uri: store.uriOf('models/') }, { pollMs: 100 });
  expect(await answer(host, 'm')).toEqual([6]);
  await put('m/2', TWICE);
  await until(async () => (await answer(host, 'm')).length === 3);
  isAway = true;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await answer(host, 'm')).toEqual([2, 4, 6]);
  await until(async () => (await failureOf(() => host.model('n', null))).code === 'LIVE_UNAVAILABLE');
  isAway = false;
  await store.delete('models/m/2/model.onnx');
  await until(async () => (await answer(host, 'm')).length === 1);
});
