import { readdirSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { expect } from 'vitest';
import { type CliOptions, type CliResult, prescore } from './cli.ts';

export interface Refusal {
  readonly exit: number;
  readonly code: string;
  /** What the line must say besides its code. */
  readonly says?: RegExp;
  /** True when a table of both sides follows the line. */
  readonly isTable?: boolean;
}

/** Lines for people that are no errors: `run NAME: …`, `resuming NAME: …`, `12 % 4,096 of …`. */
const PROGRESS = /^(run|resuming) \S+: |^(\d+ % )?[\d,]+ (of [\d,]+ )?rows, /;

/** Five seconds on a machine that has a core to spare, more on one that has not. */
export function patienceMs(): number {
  return 5_000 * Math.max(1, loadavg()[0]! / availableParallelism());
}

/** Runs the command and checks that it ends soon, with the exit code, with one line on stderr and without a stack. */
export async function expectRefusal(
  args: readonly string[],
  refusal: Refusal,
  options?: CliOptions,
): Promise<CliResult> {
  const started = performance.now();
  const result = await prescore(args, options);
  const took = performance.now() - started;
  expectOneLine(result, refusal);
  expect(took).toBeLessThan(patienceMs());
  return result;
}

/** The same checks, without the time. */
export function expectOneLine({ code, stderr }: Pick<CliResult, 'code' | 'stderr'>, refusal: Refusal): void {
  const lines = stderr.split('\n').filter((line) => line !== '' && !PROGRESS.test(line));
  expect(lines[0]).toMatch(new RegExp(`^${refusal.code}: .+[.?]$`));
  expect(code).toBe(refusal.exit);
  if (refusal.says !== undefined) expect(lines[0]).toMatch(refusal.says);
  if (refusal.isTable !== true) expect(lines).toHaveLength(1);
  expect(stderr).not.toMatch(/^\s+at |node:internal|\.ts:\d+|onnxruntime_src/m);
}

/** What a run left under its output: everything but leases and the notes of the probe. */
export function leftIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('lease.'))
      .map((entry) => `${entry.parentPath.slice(folder.length)}/${entry.name}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
