import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { cliEntry } from '../harness/built-cli.ts';
import { putModel } from '../harness/model-store.ts';
import { childrenOf, isAlive } from '../harness/processes.ts';
import { writeServe } from '../harness/serve-process.ts';
import { streamJob, writeStream } from '../harness/stream-process.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { fixtures, tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

const redisUrl = inject('redisUrl').replace(/\/0$/, '/12');
/** A project that has prescore installed, as far as npx looks. */
const project = suiteFolder();
beforeAll(() => {
  mkdirSync(join(project, 'node_modules/.bin'), { recursive: true });
  writeFileSync(join(project, 'package.json'), '{"private":true}');
  symlinkSync(cliEntry, join(project, 'node_modules/.bin/prescore'));
});

interface Launched {
  readonly npx: ChildProcess;
  /** Process id of prescore itself. */
  readonly pid: number;
  readonly said: () => string;
}

/** Starts a command through npx, in a process group of its own as a terminal does, and waits until it says that it is up. */
async function launch(args: readonly string[], isUp: RegExp): Promise<Launched> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}` };
  const npx = spawn('npx', ['prescore', ...args], {
    cwd: project,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [npx.stdout, npx.stderr])
    stream.setEncoding('utf8').on('data', (more: string) => (text += more));
  onTestFinished(() => {
    try {
      process.kill(-npx.pid!, 'SIGKILL');
    } catch {
      // All of them have ended.
    }
  });
  const limit = performance.now() + 30_000;
  while (!isUp.test(text)) {
    if (performance.now() > limit || npx.exitCode !== null) throw new Error(`not up: ${text}`);
    await sleep(50);
  }
  let pid = npx.pid!;
  // npm, the shell, prescore; its own children come below that.
  for (let i = 0; i < 2; i++) pid = childrenOf(pid)[0] ?? pid;
  return { npx, pid, said: () => text };
}

/** Waits for the end of prescore, which nobody is the parent of any more. */
async function ended(pid: number): Promise<boolean> {
  for (let i = 0; i < 150 && isAlive(pid); i++) await sleep(100);
  return !isAlive(pid);
}

async function commands(): Promise<Record<string, readonly [args: readonly string[], isUp: RegExp]>> {
  const folder = tempFolder();
  putModel(join(folder, 'models'), 'mlp', '1', join(fixtures, 'models/delay_mlp.onnx'));
  const serve = writeServe(folder, { models: { folder: 'models/' } });
  const stream = writeStream(folder, await streamJob(folder, `lmdb:${join(folder, 'sets')}`), redisUrl);
  await writeTables({ [join(folder, 'in.parquet')]: 10 });
  const schedule = { cron: '0 2 * * *', timezone: 'UTC' };
  const job = await tinyJob(folder, join(folder, 'in.parquet'), { schedule }, 'scheduled.yaml');
  return {
    serve: [['serve', serve, '--drain', '0s'], /"serving"/],
    stream: [['stream', stream], /stream takes events/],
    schedule: [['schedule', job], /"msg":/],
    worker: [['worker', '--redis', redisUrl, '--allow', folder], /"msg":/],
  };
}

describe('under npx', () => {
  it.each(['serve', 'stream', 'schedule', 'worker'])('%s ends in order when npx is told to end', async (name) => {
    const [args, isUp] = (await commands())[name]!;
    const { npx, pid, said } = await launch(args, isUp);
    npx.kill('SIGTERM');
    expect(await ended(pid), said()).toBe(true);
    expect(said()).toMatch(/stopping/i);
    expect(said()).not.toMatch(/at once/);
  });

  it('Ctrl-C, which all of them get, is one signal and not two', async () => {
    const [args, isUp] = (await commands())['serve']!;
    const { npx, pid, said } = await launch([...args.slice(0, 2), '--drain', '3s'], isUp);
    process.kill(-npx.pid!, 'SIGINT');
    expect(await ended(pid), said()).toBe(true);
    expect(said()).toMatch(/stopping: requests in work/);
    expect(said()).toMatch(/server has stopped/);
    expect(said()).not.toMatch(/at once/);
  });
});
