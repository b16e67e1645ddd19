import { type ChildProcess, spawn } from 'node:child_process';
import { cliEntry } from './built-cli.ts';
import { outputOf } from './child-output.ts';

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Objects printed by --json, in order. */
  readonly events: readonly Record<string, unknown>[];
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface CliRun {
  readonly child: ChildProcess;
  readonly result: Promise<CliResult>;
}

/** Starts the real command line as a process of its own; `result` settles when it ends. */
export function startPrescore(args: readonly string[], options: CliOptions = {}): CliRun {
  const child = spawn(process.execPath, [cliEntry, ...args], {
    cwd: options.cwd ?? process.cwd(),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = outputOf(child);
  const result = new Promise<CliResult>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 50_000);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, ...output, events: readEvents(output.stdout) });
    });
  });
  return { child, result };
}

/** Runs the command line to its end. */
export function prescore(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startPrescore(args, options).result;
}

function readEvents(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as Record<string, unknown>];
      } catch {
        // The last line of a killed process may be torn.
        return [];
      }
    });
}
