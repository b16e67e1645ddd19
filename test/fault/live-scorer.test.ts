import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isPrescoreError } from '../../src/base/errors/prescore-error.ts';
import type { HostOptions } from '../../src/inference/host/host-options.ts';
import { failureOf } from '../harness/failure-of.ts';
import { floats, openHost, until, valuesOf } from '../harness/live-host.ts';
import { modelFolder } from '../harness/model-files.ts';
import { isAlive } from '../harness/processes.ts';
import { sha256Of, tempFolder } from '../harness/temp-job.ts';

let models = '';
beforeAll(async () => {
  models = await modelFolder();
});

const made = (name: string): string => join(models, `${name}.onnx`);
const given = (name: string) => ({ name, version: '1', sha256: sha256Of(made(name)), file: { path: made(name) } });

/** Keeps eight callers asking one row at a time until it is stopped; counts answers and error codes, notes the longest wait. */
function load(
  model: { infer(request: ReturnType<typeof floats>): Promise<Parameters<typeof valuesOf>[0]> },
  deadlineMs: number,
) {
  const counts: Record<string, number> = {};
  let longestMs = 0;
  let isOver = false;
  const callers = Array.from({ length: 8 }, async (_, caller) => {
    for (let i = 0; !isOver; i++) {
      const value = caller * 100_000 + i;
      const started = performance.now();
      const outcome = await model.infer(floats('x', 3, [value, 1, 2], { deadlineMs })).then(
        (answer) => (valuesOf(answer, 'y')[0] === value + 3 ? 'right' : 'wrong'),
        (error: unknown) => (isPrescoreError(error) ? error.code : 'unknown'),
      );
      counts[outcome] = (counts[outcome] ?? 0) + 1;
      longestMs = Math.max(longestMs, performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  });
  const stop = async () => {
    isOver = true;
    await Promise.all(callers);
    return { counts, longestMs };
  };
  return { counts, stop };
}

async function serve(options: Partial<HostOptions> = {}) {
  const downs: string[] = [];
  const recoveries: number[] = [];
  const events = {
    onDown: (_name: string, _version: string | null, reason: string) => void downs.push(reason),
    onUp: (_name: string, _version: string | null, ms: number) => void recoveries.push(ms),
  };
  const host = openHost(null, { events, ...options });
  const model = await host.addModel(given('sum'));
  // Another model on the same host must feel nothing.
  const other = await host.addModel(given('gather'));
  return { host, model, other, downs, recoveries };
}

const pick = (index: bigint) => ({
  ...floats('index', 1, []),
  rows: 1,
  inputs: new Map([['index', { type: 'int64' as const, dims: [1], data: new BigInt64Array([index]) }]]),
});

describe('under load, a live scorer that', () => {
  it('is killed costs its requests a 503 at once; it is back in a moment, again and again', async () => {
    const { host, model, other, downs, recoveries } = await serve();
    const { counts, stop } = load(model, 2000);
    for (let kill = 1; kill <= 3; kill++) {
      const before = counts['right'] ?? 0;
      await until(() => (counts['right'] ?? 0) > before + 50);
      process.kill(host.stats().find(({ name }) => name === 'sum')!.pid!, 'SIGKILL');
      expect(valuesOf(await other.infer(pick(2n)), 'value')).toEqual([12]);
      await until(() => recoveries.length === kill);
    }
    const before = counts['right'] ?? 0;
    await until(() => (counts['right'] ?? 0) > before + 50);
    const { longestMs } = await stop();
    expect(Object.keys(counts).sort()).toEqual(['LIVE_UNAVAILABLE', 'right']);
    expect(longestMs).toBeLessThan(1000);
    expect(downs.every((reason) => /signal SIGKILL/.test(reason))).toBe(true);
    expect(Math.max(...recoveries)).toBeLessThan(5000);
    const stats = host
      .stats()
      .map(({ name, child, restarts, pendingRows }) => ({ name, child, restarts, pendingRows }));
    expect(stats).toEqual([
      { name: 'gather', child: 'ready', restarts: 0, pendingRows: 0 },
      { name: 'sum', child: 'ready', restarts: 3, pendingRows: 0 },
    ]);
  });

  it('is stopped is found by the deadline of a batch and replaced; nobody waits longer than his own deadline', async () => {
    const batcher = { batchDeadlineMs: 500 };
    const { host, model, other, downs, recoveries } = await serve({ batcher });
    const { counts, stop } = load(model, 200);
    await until(() => (counts['right'] ?? 0) > 50);
    const pid = host.stats().find(({ name }) => name === 'sum')!.pid!;
    process.kill(pid, 'SIGSTOP');
    await until(() => (counts['LIVE_DEADLINE'] ?? 0) > 0);
    expect(valuesOf(await other.infer(pick(3n)), 'value')).toEqual([13]);
    await until(() => recoveries.length === 1);
    await until(() => !isAlive(pid));
    const before = counts['right'] ?? 0;
    await until(() => (counts['right'] ?? 0) > before + 50);
    const { longestMs } = await stop();
    expect(Object.keys(counts).sort()).toEqual(['LIVE_DEADLINE', 'LIVE_UNAVAILABLE', 'right']);
    expect(longestMs).toBeLessThan(200 + 300);
    expect(downs[0]).toMatch(/^SCORER_DEADLINE: a live batch did not end in time; expected at most 500 ms/);
  });
});

it('a scorer that cannot be started again is tried less and less often, and requests fail at once meanwhile', async () => {
  const path = join(tempFolder(), 'model.onnx');
  copyFileSync(made('sum'), path);
  const recoveries: number[] = [];
  const host = openHost(null, { events: { onUp: (_name, _version, ms) => void recoveries.push(ms) } });
  const model = await host.addModel({ ...given('sum'), file: { path } });
  rmSync(path);
  process.kill(host.stats()[0]!.pid!, 'SIGKILL');
  await until(() => host.stats()[0]!.restarts >= 2);
  const started = performance.now();
  expect((await failureOf(() => model.infer(floats('x', 3, [1, 2, 3])))).code).toBe('LIVE_UNAVAILABLE');
  expect(performance.now() - started).toBeLessThan(100);
  expect((await host.index())[0]).toMatchObject({ state: 'loading', reason: expect.stringMatching(/died/) });
  copyFileSync(made('sum'), path);
  await until(() => recoveries.length === 1);
  // 50 and 100 ms of waiting and at least two starts; the file may be back in time for the second.
  expect(recoveries[0]).toBeGreaterThan(150);
  expect(host.stats()[0]!.child).toBe('ready');
  expect(valuesOf(await model.infer(floats('x', 3, [1, 2, 3])), 'y')).toEqual([6]);
});

describe('a model that runs away', () => {
  it('while it scores is ended at the deadline of a batch', async () => {
    const downs: string[] = [];
    const events = { onDown: (_name: string, _version: string | null, reason: string) => void downs.push(reason) };
    const host = openHost(null, { batcher: { maxBatchRows: 1, batchDeadlineMs: 100 }, events });
    // A batch takes about a second; warming up has the deadline of loading.
    const model = await host.addModel(given('slow'));
    const { pid } = host.stats()[0]!;
    const started = performance.now();
    const fault = await failureOf(() => model.infer(floats('x', 3, [1, 2, 3])));
    expect(fault.message).toMatch(/^LIVE_UNAVAILABLE: a live batch did not end in time/);
    expect(performance.now() - started).toBeLessThan(600);
    expect((await failureOf(() => model.infer(floats('x', 3, [1, 2, 3])))).code).toBe('LIVE_UNAVAILABLE');
    expect(downs).toHaveLength(1);
    await until(() => !isAlive(pid!));
  });

  it('while it is warmed up is ended at the deadline of loading', async () => {
    const host = openHost(null, { batcher: { loadDeadlineMs: 1500 } });
    const fault = await failureOf(() => host.addModel(given('loop')));
    expect(fault.message).toMatch(
      /^MODEL_FAILED: the model could not be loaded: .*expected at most \d+ ms; got no answer/,
    );
    expect(host.stats()).toEqual([]);
    const [state] = await host.index();
    expect([state!.state, state!.reason]).toEqual(['failed', fault.message]);
  });

  it('while it is loaded is ended at its deadline', async () => {
    const host = openHost(null, { batcher: { loadDeadlineMs: 1500 } });
    const started = performance.now();
    const fault = await failureOf(() => host.addModel(given('slow_load')));
    expect(fault.message).toMatch(/^MODEL_FAILED: .*the model did not load in time; expected at most 1500 ms/);
    expect(performance.now() - started).toBeLessThan(4000);
  });
});

describe('the process of a live scorer', () => {
  it.each(['sum', 'slow'])('ends when its parent is killed, also while a model runs: %s', async (name) => {
    const entry = fileURLToPath(new URL('../harness/live-host-process.ts', import.meta.url));
    const parent = spawn(process.execPath, [entry, made(name), tempFolder()], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const [text] = (await once(parent.stdout!, 'data')) as [Buffer];
    const child = Number(text.toString());
    expect(isAlive(child)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    parent.kill('SIGKILL');
    await until(() => !isAlive(child), 3000);
  });

  it('has no credentials in its environment', async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] ??= 'secret-of-the-test';
    const host = openHost(null);
    await host.addModel(given('sum'));
    const { pid } = host.stats()[0]!;
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .map((line) => line.split('=')[0]);
    expect(environment).toContain('ORT_DISABLE_TELEMETRY');
    expect(environment.filter((name) => /AWS|SECRET|KEY|REDIS|PRESCORE/.test(name!))).toEqual([]);
  });
});
