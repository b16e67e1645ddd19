import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunDone } from '../../src/base/contract/run-events.ts';
import type { ErrorJson } from '../../src/base/errors/prescore-error.ts';
import { jobFile } from '../cases.ts';
import { ROOT } from '../paths.ts';
import type { Subject } from './subjects.ts';

/** One run of the command, whole: what it printed last, and its wall time. */
export interface Ran {
  readonly output: string;
  readonly code: number;
  readonly wallSeconds: number;
  readonly done: RunDone | null;
  readonly error: ErrorJson | null;
}

let runs = 0;

/** Scores a subject with `prescore run` in a process of its own. */
export async function runPrescore(subject: Subject, folder: string, execution: object): Promise<Ran> {
  const home = join(folder, `${subject.name}-${++runs}`);
  mkdirSync(home, { recursive: true });
  const output = join(home, 'out');
  const path = join(home, 'job.json');
  const job = jobFile(subject.file, subject.file.inputs, output, { execution: { memory: '6GiB', ...execution } });
  writeFileSync(path, JSON.stringify(job));
  const started = performance.now();
  const { code, stdout } = await capture(process.execPath, [join(ROOT, 'scripts/prescore.ts'), 'run', path, '--json']);
  const wallSeconds = (performance.now() - started) / 1000;
  const events = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { event?: string; error?: ErrorJson });
  const done = (events.find((event) => event.event === 'done') ?? null) as RunDone | null;
  const error = events.find((event) => event.error !== undefined)?.error ?? null;
  return { output, code, wallSeconds, done, error };
}

/** A device that hangs must not take the time of everything else. */
const LIMIT_MS = 180_000;

/**
 * Runs a command to its end, or ends it after three minutes; its stderr is kept for a failure that prints nothing else. Fails when the
 * command cannot be started.
 */
export function capture(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const text = { stdout: '', stderr: '' };
    child.stdout.on('data', (data: Buffer) => {
      text.stdout += data.toString('utf8');
    });
    child.stderr.on('data', (data: Buffer) => {
      text.stderr += data.toString('utf8');
    });
    const end = (): void => void child.kill('SIGTERM');
    process.once('exit', end);
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    const ended = (): void => {
      process.off('exit', end);
      clearTimeout(timer);
    };
    child.once('error', (error) => {
      ended();
      reject(error);
    });
    child.once('close', (code) => {
      ended();
      resolve({ code: code ?? 128, ...text });
    });
  });
}
