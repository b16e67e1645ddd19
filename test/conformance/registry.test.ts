import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseModelRef } from '../../src/base/contract/model-ref.ts';
import type { ModelRef, RegistryWriter } from '../../src/base/contract/registry.ts';
import { listModels, readDigest } from '../../src/inference/host/model-folder.ts';
import { openRegistryAt } from '../../src/registry/store/registry.ts';
import { newVersion } from '../harness/registry-files.ts';
import { ADAPTERS, type TestStore } from '../harness/store-adapters.ts';

const DAY_MS = 86_400_000;
const ref = (text: string): ModelRef => parseModelRef(text) as ModelRef;

describe.each(ADAPTERS)('a registry: $name', ({ open }) => {
  let place: TestStore;
  let scratch: string;
  let registry: RegistryWriter;
  let other: RegistryWriter;
  let nowMs = Date.UTC(2026, 10, 30);
  let names = 0;

  beforeAll(async () => {
    place = await open('registry');
    scratch = await mkdtemp(join(tmpdir(), 'prescore-registry-'));
    const at = (store: TestStore['store']) => ({ store, key: place.root, uri: store.uriOf(place.root) });
    registry = openRegistryAt(at(place.store), { now: () => nowMs });
    other = openRegistryAt(at(place.other), { now: () => nowMs });
  });
  afterAll(async () => {
    await place.close();
    await rm(scratch, { recursive: true, force: true });
  });

  const freshName = (): string => `delay-${++names}`;
  const version = (name: string, content: string, more = {}) =>
    newVersion(join(scratch, randomBytes(4).toString('hex')), name, { 'model.onnx': content }, more);
  const label = (name: string, to: number | null, more = {}) => {
    const move = { name, label: 'stable', version: to, by: 'ada@desk', reason: 'tried', evidence: [] };
    return { ...move, ...more };
  };
  const keys = async (prefix: string): Promise<string[]> =>
    (await Array.fromAsync(place.store.list(`${place.root}${prefix}`))).map(({ key }) => key.slice(place.root.length));
  const text = async (key: string): Promise<string> =>
    Buffer.from((await place.store.get(`${place.root}${key}`))!.bytes).toString();

  it('numbers versions, answers an equal digest with the one that is there, and resolves them', async () => {
    const name = freshName();
    const first = await registry.add(version(name, 'one', { note: 'a note' }));
    expect(first).toMatchObject({ isNew: true, record: { version: 1, main: 'model.onnx', note: 'a note' } });
    const second = await other.add(version(name, 'two'));
    expect(second.record.version).toBe(2);
    expect(await registry.add(version(name, 'one'))).toEqual({ record: first.record, isNew: false });
    const resolved = await registry.resolve(ref(`${name}/2`));
    expect(resolved).toMatchObject({ ref: `${name}/2`, version: 2, digest: second.record.digest, labelMove: null });
    expect(await text(resolved.location.key.slice(place.root.length))).toBe('two');
    const byDigest = await registry.resolve(ref(`${name}@sha256:${first.record.digest}`));
    expect(byDigest.version).toBe(1);
    expect(await registry.names()).toContain(name);
    expect((await registry.versions(name)).map((one) => [one.version, one.state])).toEqual([
      [2, 'ready'],
      [1, 'ready'],
    ]);
    await expect(registry.resolve(ref(`${name}/3`))).rejects.toMatchObject({ code: 'REGISTRY_UNKNOWN' });
    await expect(registry.resolve(ref(`${name}@gone`))).rejects.toMatchObject({ code: 'REGISTRY_UNKNOWN' });
    const nowhere = ref(`${name}@sha256:${'0'.repeat(64)}`);
    await expect(registry.resolve(nowhere)).rejects.toMatchObject({ code: 'REGISTRY_UNKNOWN' });
  });

  it('keeps weights beside the graph, large ones too, and is a model folder to older readers', async () => {
    const name = freshName();
    const large = randomBytes(64 * 2 ** 20 + 17);
    const files = { 'model.onnx': 'graph', 'weights/part.bin': large };
    const wanted = newVersion(join(scratch, 'large'), name, files);
    const { record } = await registry.add(wanted);
    expect(record.digest).toBe(wanted.digest);
    const head = await place.store.head(`${place.root}${name}/1/weights/part.bin`);
    expect(head?.size).toBe(large.length);
    const back = new Uint8Array(large.length);
    await place.store.readRange(head!.key, { offset: 0, length: back.length }, head!.etag, back);
    expect(createHash('sha256').update(back).digest('hex')).toBe(record.files[1]!.sha256);
    expect(await place.waiting()).toBe(0);
    const folder = { store: place.store, key: place.root, uri: 'here' };
    const model = (await listModels(folder)).find((one) => one.name === name)!;
    expect(await readDigest(folder, model)).toBe(record.digest);
  });

  it('refuses a file that is not what was said of it, and paths of records', async () => {
    const name = freshName();
    const wanted = version(name, 'said');
    const files = [{ ...wanted.files[0]!, sha256: '0'.repeat(64) }];
    await expect(registry.add({ ...wanted, files })).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
    for (const path of ['version.json', '../model.onnx', '/etc/passwd', 'a//b', '.prescore-x/a', 'model.onnx.sha256']) {
      const second = { ...wanted.files[0]!, path };
      const twisted = { ...wanted, files: [wanted.files[0]!, second] };
      await expect(registry.add(twisted)).rejects.toMatchObject({ code: 'USAGE' });
    }
    await expect(registry.add({ ...wanted, name: '../up' })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('finishes what a dead adder of the same files has begun, and leaves a gap for other files', async () => {
    const name = freshName();
    const half = version(name, 'half');
    // An adder that dies at its files: the claim is all that is there.
    const files = [{ ...half.files[0]!, sha256: '0'.repeat(64) }];
    await expect(registry.add({ ...half, files })).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
    const whole = await other.add(version(name, 'another'));
    expect(whole.record.version).toBe(2);
    expect((await registry.versions(name)).map((one) => one.state)).toEqual(['ready', 'unfinished']);
    await expect(registry.resolve(ref(`${name}/1`))).rejects.toMatchObject({ code: 'REGISTRY_UNKNOWN' });
    await expect(registry.move(label(name, 1))).rejects.toMatchObject({ code: 'REGISTRY_UNKNOWN' });
    const dead = version(name, 'dead');
    const { created } = await place.store.putIfAbsent(
      `${place.root}${name}/3/claim.json`,
      Buffer.from(await text(`${name}/1/claim.json`)),
    );
    expect(created).toBe(true);
    // A claim of another place is nobody's.
    await expect(registry.add(dead)).rejects.toMatchObject({ code: 'REGISTRY_CORRUPT' });
    await place.store.delete(`${place.root}${name}/3/claim.json`);
    expect((await registry.add(dead)).record.version).toBe(3);
  });

  it('gives two who add one model at once one version', async () => {
    const name = freshName();
    const adders = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? registry : other));
    const added = await Promise.all(adders.map((one, i) => one.add(version(name, `model ${i % 3}`))));
    const digests = new Set(added.map(({ record }) => record.digest));
    expect(new Set(added.map(({ record }) => `${record.version} ${record.digest}`)).size).toBe(digests.size);
    expect(added.filter(({ isNew }) => isNew)).toHaveLength(3);
    const ready = (await registry.versions(name)).filter(({ state }) => state === 'ready');
    expect(ready).toHaveLength(3);
    expect((await registry.versions(name)).filter(({ state }) => state === 'unfinished')).toEqual([]);
  });

  it('moves labels along a chain of hashes', async () => {
    const name = freshName();
    for (const content of ['a', 'b']) await registry.add(version(name, content));
    expect(await registry.labels(name)).toBeNull();
    expect(await registry.history(name)).toEqual([]);
    const one = await registry.move(label(name, 1, { evidence: ['s3://reports/1'] }));
    expect(one).toMatchObject({ n: 1, prev: null, labels: { stable: 1 }, by: 'ada@desk', reason: 'tried' });
    const two = await other.move(label(name, 2));
    const bytes = await text(`${name}/_labels/1.json`);
    expect(two.prev).toBe(createHash('sha256').update(bytes).digest('hex'));
    // What it names already is no move.
    expect((await registry.move(label(name, 2))).n).toBe(2);
    expect((await registry.move(label(name, 1, { label: 'canary' }))).labels).toEqual({ canary: 1, stable: 2 });
    expect(await registry.resolve(ref(`${name}@stable`))).toMatchObject({ version: 2, labelMove: 3 });
    expect((await registry.versions(name))[0]).toMatchObject({ version: 2, labels: ['stable'] });
    expect((await other.move(label(name, null))).labels).toEqual({ canary: 1 });
    expect((await other.history(name)).map(({ n }) => n)).toEqual([1, 2, 3, 4]);
    await expect(registry.resolve(ref(`${name}@stable`))).rejects.toMatchObject({ code: 'REGISTRY_UNKNOWN' });
    await expect(registry.move(label(name, 1, { label: 'latest' }))).rejects.toMatchObject({ code: 'USAGE' });
    await expect(registry.move(label(name, 1, { reason: ' ' }))).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('lets one of two movers of a label win and tells the other, and movers of other labels go on', async () => {
    const name = freshName();
    for (const content of ['a', 'b', 'c']) await registry.add(version(name, content));
    await registry.move(label(name, 1));
    const told = {
      code: 'LABEL_MOVED',
      exitCode: 7,
      details: { got: expect.stringContaining('version 2, moved by ada@desk') },
    };
    await other.move(label(name, 2));
    await expect(registry.move(label(name, 3, { expected: 1 }))).rejects.toMatchObject(told);
    const before = (await registry.labels(name))!.n;
    const ends = await Promise.allSettled([registry.move(label(name, 1)), other.move(label(name, 3))]);
    const won = ends.filter(({ status }) => status === 'fulfilled');
    expect((await registry.labels(name))!.n).toBe(before + won.length);
    const many = Array.from({ length: 10 }, (_, i) => label(name, 1, { label: `l${i}` }));
    await Promise.all(many.map((move, i) => (i % 2 === 0 ? registry : other).move(move)));
    const history = await registry.history(name);
    expect(history).toHaveLength(before + won.length + 10);
    expect(Object.keys(history.at(-1)!.labels)).toHaveLength(11);
  });

  it('refuses a chain that was changed, has a hole, or is of a newer prescore', async () => {
    const name = freshName();
    await registry.add(version(name, 'a'));
    for (const one of ['x', 'y', 'z']) await registry.move(label(name, 1, { label: one }));
    const second = await text(`${name}/_labels/2.json`);
    const key = `${place.root}${name}/_labels/2.json`;
    await place.store.put(key, Buffer.from(second.replace('tried', 'forged')));
    await expect(registry.history(name)).rejects.toMatchObject({ code: 'REGISTRY_CORRUPT' });
    await expect(openAgain().labels(name)).rejects.toMatchObject({ code: 'REGISTRY_CORRUPT' });
    await place.store.delete(key);
    await expect(openAgain().history(name)).rejects.toMatchObject({ code: 'REGISTRY_CORRUPT' });
    await place.store.put(key, Buffer.from(second));
    expect(await openAgain().history(name)).toHaveLength(3);
    await place.store.put(`${place.root}${name}/_labels/4.json`, Buffer.from('{"format": 2}'));
    await expect(registry.labels(name)).rejects.toMatchObject({ details: { fix: 'Install the newer prescore.' } });
  });

  const openAgain = (): RegistryWriter =>
    openRegistryAt({ store: place.other, key: place.root, uri: place.other.uriOf(place.root) });

  it('deletes a version for good, never one that a label names', async () => {
    const name = freshName();
    for (const content of ['a', 'b']) await registry.add(version(name, content));
    await registry.move(label(name, 1));
    await expect(registry.remove(name, 1, 'ada', 'old')).rejects.toMatchObject({ code: 'REGISTRY_IN_USE' });
    await registry.move(label(name, 2));
    const stone = await registry.remove(name, 1, 'ada', 'old');
    expect(await other.remove(name, 1, 'bob', 'again')).toEqual(stone);
    expect(await keys(`${name}/1/`)).toEqual(
      ['claim.json', 'tombstone.json', 'version.json'].map((f) => `${name}/1/${f}`),
    );
    await expect(registry.resolve(ref(`${name}/1`))).rejects.toThrow(/deleted at .* by ada: old/);
    await expect(other.move(label(name, 1))).rejects.toMatchObject({ code: 'REGISTRY_UNKNOWN' });
    expect((await registry.versions(name))[1]).toMatchObject({ state: 'deleted', tombstone: { by: 'ada' } });
    expect((await registry.history(name)).at(-1)).toMatchObject({ removed: [1], labels: { stable: 2 } });
    // The same model again is a new version.
    expect((await registry.add(version(name, 'a'))).record.version).toBe(3);
  });

  it('does not let a label and a deletion pass each other', async () => {
    for (let round = 0; round < 5; round++) {
      const name = freshName();
      await registry.add(version(name, 'a'));
      const [move, removal] = await Promise.allSettled([
        registry.move(label(name, 1)),
        other.remove(name, 1, 'b', 'c'),
      ]);
      expect([move.status, removal.status].sort()).toEqual(['fulfilled', 'rejected']);
    }
  });

  it('collects what nothing needs, and looks first', async () => {
    const name = freshName();
    for (const content of ['1', '2', '3', '4', '5']) await registry.add(version(name, content));
    await registry.move(label(name, 1));
    const second = (await registry.resolve(ref(`${name}/2`))).digest;
    const half = version(name, 'half');
    const files = [{ ...half.files[0]!, sha256: '0'.repeat(64) }];
    await expect(registry.add({ ...half, files })).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
    const options = { keep: 2, used: new Map([[second, 'the set churn']]), by: 'gc', nowMs, isApplied: false };
    const said = async (more = {}) =>
      (await registry.collect(name, { ...options, ...more })).map((one) => [one.version, one.outcome, one.why]);
    const young = [
      [3, 'deleted', 'not one of the newest 2'],
      [2, 'kept', 'the set churn'],
      [1, 'kept', 'the label stable names it'],
    ];
    expect(await said()).toEqual(young);
    const dead = [6, 'abandoned', 'claimed over 1 day ago and not finished'];
    const late = { nowMs: nowMs + DAY_MS + 1 };
    expect(await said(late)).toEqual([dead, ...young]);
    expect((await registry.versions(name))[0]).toMatchObject({ version: 6, state: 'unfinished' });
    expect(await said({ ...late, isApplied: true })).toEqual([dead, ...young]);
    expect((await registry.versions(name)).map((one) => [one.version, one.state])).toEqual([
      [5, 'ready'],
      [4, 'ready'],
      [3, 'deleted'],
      [2, 'ready'],
      [1, 'ready'],
    ]);
    // An adder that was only slow finds its number given up, and takes another.
    expect((await registry.add(half)).record.version).toBe(7);
    nowMs += 1;
  });

  it('reads versions of plain model folders by their digest files, and adds behind them', async () => {
    const name = freshName();
    const put = (file: string, content: string) =>
      place.store.put(`${place.root}${name}/${file}`, Buffer.from(content));
    await put('4/model.onnx', 'plain');
    await expect(registry.resolve(ref(`${name}/4`))).rejects.toMatchObject({ code: 'MODEL_UNPINNED' });
    const sha256 = createHash('sha256').update('plain').digest('hex');
    await put('4/model.onnx.sha256', `${sha256}  model.onnx\n`);
    await put('5/model.txt', 'tree');
    await put('5/sha256', sha256.toUpperCase());
    expect(await registry.resolve(ref(`${name}/4`))).toMatchObject({ digest: sha256, record: null });
    expect((await registry.resolve(ref(`${name}/5`))).location.key).toMatch(/5\/model\.txt$/);
    expect((await registry.resolve(ref(`${name}@sha256:${sha256}`))).version).toBe(4);
    await expect(registry.move(label(name, 4))).rejects.toMatchObject({ code: 'REGISTRY_UNKNOWN' });
    expect((await registry.add(version(name, 'new'))).record.version).toBe(6);
    expect((await registry.versions(name)).map(({ state }) => state)).toEqual(['ready', 'plain', 'plain']);
  });
});
