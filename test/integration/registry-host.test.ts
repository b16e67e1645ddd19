import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { VersionPick } from '../../src/base/contract/live-model.ts';
import { parseModelRef } from '../../src/base/contract/model-ref.ts';
import type { ModelRef, RegistryReader } from '../../src/base/contract/registry.ts';
import type { LabelEvents } from '../../src/inference/host/label-events.ts';
import type { LiveModelHost } from '../../src/inference/host/model-host.ts';
import type { RegistryWish } from '../../src/inference/host/registry-sync.ts';
import { failureOf } from '../harness/failure-of.ts';
import { floats, openHost, putVersion, until, valuesOf } from '../harness/live-host.ts';
import { modelFolder, outsideModel } from '../harness/model-files.ts';
import { isAlive } from '../harness/processes.ts';
import { addModel, moveLabel, registryIn } from '../harness/registry-files.ts';
import { sha256Of, tempFolder } from '../harness/temp-job.ts';

let models = '';
beforeAll(async () => {
  models = await modelFolder();
});

// x [N, 3] -> the sum of a row, or the row doubled: which of them answers is seen.
const SUM = [6];
const TWICE = [2, 4, 6];
const made = (name: string): string => join(models, `${name}.onnx`);
const ask = floats('x', 3, [1, 2, 3]);

/** `serve` of a registry as a host takes it, with what it tells. */
function hostOf(reader: RegistryReader, serve: readonly string[], more: Partial<RegistryWish> = {}) {
  const told: string[] = [];
  const events: Partial<LabelEvents> = {
    onSwitch: (model, label, from, to) => void told.push(`${model}@${label} ${from} -> ${to}`),
    onFailure: (model, label, { version, serving, error, isNew }) =>
      void (isNew && told.push(`${model} ${label} names ${version}, ${serving} answers: ${error.code}`)),
    onFirstAnswer: (model, label, seconds) => void told.push(`${model}@${label} answered ${seconds < 5}`),
    onAway: (error) => void told.push(`away: ${error?.code ?? 'no'}`),
  };
  const refs = serve.map((text) => parseModelRef(text) as ModelRef);
  const registry = { reader, serve: refs, pollMs: 50, keepMs: 60_000, events, ...more };
  return { host: openHost(null, { registry, idleUnloadMs: null }), told };
}

async function answer(host: LiveModelHost, pick: VersionPick = null, name = 'm'): Promise<[string | null, number[]]> {
  const model = await host.model(name, pick);
  return [model.version, valuesOf(await model.infer(ask), 'y')];
}

const states = async (host: LiveModelHost): Promise<string[]> =>
  (await host.index()).map(({ name, version, state, labels }) => `${name}/${version} ${state} ${labels}`.trim());

describe('a host of a registry', () => {
  it('answers by label, version and digest, follows a label, and goes back without loading anew', async () => {
    const registry = registryIn(tempFolder());
    await addModel(registry, 'm', made('sum'));
    await addModel(registry, 'm', made('own_function'));
    await moveLabel(registry, 'm', 'stable', 1);
    await moveLabel(registry, 'm', 'canary', 2);
    const digest = `m@sha256:${sha256Of(made('own_function'))}`;
    const { host, told } = hostOf(registry, ['m@stable', 'm@canary', 'm/1', digest]);
    await host.settled;
    expect(await answer(host)).toEqual(['1', SUM]);
    expect(await answer(host, { label: 'canary' })).toEqual(['2', TWICE]);
    // V2 and gRPC have one place for both.
    expect(await answer(host, 'canary')).toEqual(['2', TWICE]);
    expect(await answer(host, '2')).toEqual(['2', TWICE]);
    expect(await states(host)).toEqual(['m/1 ready stable', 'm/2 ready canary']);
    const children = host.stats().map(({ pid }) => pid!);
    expect(children).toHaveLength(2);
    for (const [name, pick] of [
      ['m', '3'],
      ['m', 'latest'],
      ['m', { label: '1' }],
      ['n', null],
    ] as const)
      expect((await failureOf(() => host.model(name, pick))).code).toBe('LIVE_MODEL_UNKNOWN');

    const held = await host.model('m', null);
    await moveLabel(registry, 'm', 'stable', 2);
    await until(async () => (await answer(host))[0] === '2');
    // Whoever had got hold of the one before still gets its answer, under its name.
    expect([held.version, valuesOf(await held.infer(ask), 'y')]).toEqual(['1', SUM]);
    await moveLabel(registry, 'm', 'stable', 1);
    const moved = performance.now();
    await until(async () => (await answer(host))[0] === '1');
    expect(performance.now() - moved).toBeLessThan(1000);
    expect(host.stats().map(({ pid }) => pid)).toEqual(children);
    expect(told).toEqual([
      expect.stringMatching(/^m@(stable null -> 1|canary null -> 2)$/),
      expect.stringMatching(/^m@(stable null -> 1|canary null -> 2)$/),
      'm@stable 1 -> 2',
      'm@stable answered true',
      'm@stable 2 -> 1',
      'm@stable answered true',
    ]);
    expect(host.registryAgeMs()).toBeLessThan(5_000);
  });

  it('goes on with the version before where the label names one that cannot be loaded, and says so once', async () => {
    const place = tempFolder();
    const registry = registryIn(place);
    await addModel(registry, 'm', made('sum'));
    await addModel(registry, 'm', made('custom'));
    await addModel(registry, 'm', made('own_function'));
    await moveLabel(registry, 'm', 'stable', 1);
    const { host, told } = hostOf(registry, ['m@stable']);
    await host.settled;
    await moveLabel(registry, 'm', 'stable', 2);
    await until(() => told.length === 2);
    expect(told).toEqual(['m@stable null -> 1', 'm stable names 2, 1 answers: MODEL_CUSTOM_OP']);
    expect(await answer(host)).toEqual(['1', SUM]);
    expect(host.labels()).toMatchObject([{ named: '2', serving: '1', failure: { code: 'MODEL_CUSTOM_OP' } }]);
    const broken = (await host.index()).find(({ version }) => version === '2');
    expect(broken?.reason).toMatch(/^stable names it, 1 answers: MODEL_CUSTOM_OP/);
    expect((await failureOf(() => host.load('m', null))).code).toBe('LIVE_MODEL_BROKEN');
    // Bytes that are not those of the record.
    writeFileSync(join(place, 'm/3/model.onnx'), readFileSync(made('sum')));
    await moveLabel(registry, 'm', 'stable', 3);
    await until(() => told.length === 3);
    expect(told[2]).toBe('m stable names 3, 1 answers: MODEL_CHECKSUM');
    expect(await answer(host)).toEqual(['1', SUM]);
    // Mended, and told to look again at once.
    writeFileSync(join(place, 'm/3/model.onnx'), readFileSync(made('own_function')));
    await host.load('m', { label: 'stable' });
    expect(await answer(host)).toEqual(['3', TWICE]);
    expect(host.labels()).toMatchObject([{ named: '3', serving: '3', failure: null }]);
    // A label that is taken away decides nothing.
    await moveLabel(registry, 'm', 'stable', null);
    await until(() => told.some((text) => text.includes('REGISTRY_UNKNOWN')));
    expect(await answer(host)).toEqual(['3', TWICE]);
  });

  it('holds weights in other files against the record', async () => {
    const place = tempFolder();
    const registry = registryIn(place);
    const graph = await outsideModel(tempFolder());
    const weights = join(graph, '../weights.bin');
    await addModel(registry, 'm', graph, weights);
    await moveLabel(registry, 'm', 'stable', 1);
    const { host } = hostOf(registry, ['m@stable']);
    await host.settled;
    expect(await answer(host)).toEqual(['1', [2, 4, 6]]);
    await host.close();
    const stored = join(place, 'm/1/weights.bin');
    writeFileSync(stored, readFileSync(stored).fill(0, 0, 4));
    const again = hostOf(registry, ['m@stable']);
    await again.host.settled;
    expect(again.told).toEqual(['m stable names 1, null answers: MODEL_CHECKSUM']);
    expect(again.host.labels()[0]?.failure?.message).toContain('weights.bin');
    expect((await failureOf(() => again.host.model('m', null))).code).toBe('LIVE_MODEL_BROKEN');
  });

  it('keeps the version before for a while, then it goes; what nobody lists is not served', async () => {
    const registry = registryIn(tempFolder());
    await addModel(registry, 'm', made('sum'));
    await addModel(registry, 'm', made('own_function'));
    await moveLabel(registry, 'm', 'stable', 1);
    const { host } = hostOf(registry, ['m@stable'], { keepMs: 300 });
    await host.settled;
    const [child] = host.stats().map(({ pid }) => pid!);
    expect((await failureOf(() => host.model('m', '2'))).code).toBe('LIVE_MODEL_UNKNOWN');
    await moveLabel(registry, 'm', 'stable', 2);
    await until(async () => (await answer(host))[0] === '2');
    expect(await answer(host, '1')).toEqual(['1', SUM]);
    await until(() => !isAlive(child!));
    await until(async () => (await states(host)).length === 1);
    expect((await failureOf(() => host.model('m', '1'))).code).toBe('LIVE_MODEL_UNKNOWN');
    // Unloaded by the admin, it is loaded again: the list wants it.
    await host.unload('m', null);
    expect(await answer(host)).toEqual(['2', TWICE]);
    // From far back it is loaded anew.
    await moveLabel(registry, 'm', 'stable', 1);
    await until(async () => (await answer(host))[0] === '1');
  });

  it('serves versions of a plain model folder by their digest files, and a label that comes later', async () => {
    const place = tempFolder();
    putVersion(place, 'm', '7', made('sum'));
    const registry = registryIn(place);
    const { host, told } = hostOf(registry, ['m/7', 'm@stable', 'later@stable']);
    await host.settled;
    expect(await answer(host)).toEqual(['7', SUM]);
    expect(told.sort()).toEqual([
      'later stable names null, null answers: REGISTRY_UNKNOWN',
      'm stable names null, null answers: REGISTRY_UNKNOWN',
    ]);
    const { message } = await failureOf(() => host.model('later', null));
    expect(message).toContain('later@stable has no version that answers: REGISTRY_UNKNOWN');
    await addModel(registry, 'later', made('own_function'));
    await moveLabel(registry, 'later', 'stable', 1);
    await until(() => told.includes('later@stable null -> 1'));
    expect(await answer(host, null, 'later')).toEqual(['1', TWICE]);
    // A registry that is gone, and comes back as another one: what is loaded under a number stays what it was.
    rmSync(place, { recursive: true });
    const other = registryIn(place);
    await addModel(other, 'later', made('sum'));
    await moveLabel(other, 'later', 'stable', 1);
    await moveLabel(other, 'later', 'other', 1);
    const second = hostOf(other, ['later@stable']);
    await second.host.settled;
    expect(await answer(second.host, null, 'later')).toEqual(['1', SUM]);
    expect(await answer(host, null, 'later')).toEqual(['1', TWICE]);
  });
});
