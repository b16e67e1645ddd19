import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { cliEntry } from './built-cli.ts';
import { modelFolder, pinnedModel } from './model-files.ts';
import { writeJob } from './temp-job.ts';

export interface StreamProcess {
  readonly child: ChildProcess;
  /** Log lines so far, parsed. */
  readonly lines: readonly Record<string, unknown>[];
  /** Settles with the exit code, or the signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** Resolves when a line with this message is there. */
  said(message: string): Promise<Record<string, unknown>>;
}

/** A job that sums three floats into y, into the set `sums` with a text key; it was never run, its columns are declared. */
export async function streamJob(
  folder: string,
  store: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return writeJob(folder, {
    name: 'stream-job',
    model: pinnedModel(join(await modelFolder(), 'sum.onnx')),
    input: { uri: '/none/input.parquet', schema: { id: 'string', c0: 'float', c1: 'float', c2: 'float' } },
    features: { x: ['c0', 'c1', 'c2'] },
    outputs: { y: 'y' },
    id: ['id'],
    output: { uri: join(folder, 'out') },
    predictions: { store, set: 'sums', key: 'id' },
    ...changes,
  });
}

/** Writes a stream file (as JSON, which is YAML) and gives its path. */
export function writeStream(
  folder: string,
  job: string,
  redis: string,
  changes: Readonly<Record<string, unknown>> = {},
): string {
  const path = join(folder, 'stream.yaml');
  const stream = { redis, key: 'events' };
  writeFileSync(path, JSON.stringify({ 'prescore-stream': 1, job, stream, ...changes }, null, 1));
  return path;
}

/** `prescore stream` as a process of its own. It is ended with the test. */
export function startStream(
  path: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): StreamProcess {
  const child = spawn(process.execPath, [cliEntry, 'stream', path, ...args], {
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { ...process.env, ...env },
  });
  const lines: Record<string, unknown>[] = [];
  let text = '';
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    const whole = (text + chunk).split('\n');
    text = whole.pop() ?? '';
    for (const line of whole) lines.push(line.startsWith('{') ? JSON.parse(line) : { text: line });
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const said = async (message: string): Promise<Record<string, unknown>> => {
    for (const limit = Date.now() + 20_000; Date.now() < limit; await sleep(20)) {
      const found = lines.find((line) => String(line['msg']).includes(message));
      if (found !== undefined) return found;
      if (child.exitCode !== null) break;
    }
    throw new Error(`nobody said ${message}: ${JSON.stringify(lines)} ${text}`);
  };
  return { child, lines, ended, said };
}
