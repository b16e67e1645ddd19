import { spawn } from 'node:child_process';
import { chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cliEntry } from './built-cli.ts';
import { outputOf } from './child-output.ts';

export interface ShellResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ShellOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What is written to standard input. */
  readonly input?: string;
  /** Give up root's rights, which no file mode stops. */
  readonly isPlainUser?: boolean;
}

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

/** Runs a line of bash in which `prescore` is the command line; for pipes, limits and other rights. */
export function shell(line: string, options: ShellOptions = {}): Promise<ShellResult> {
  const user = options.isPlainUser === true && isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const script = `prescore() { "${process.execPath}" "${cliEntry}" "$@"; }\n${line}`;
  // Bash takes a socket as input for a login from afar, and would read the start file of a user who is not its own.
  const child = spawn('bash', ['--norc', '-c', script], {
    cwd: options.cwd ?? process.cwd(),
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...user,
  });
  // A line that reads nothing may be over before its input is closed.
  child.stdin.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  child.stdin.end(options.input ?? '');
  const output = outputOf(child);
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...output })));
}

/** Gives a folder and all in it to the plain user. */
export function giveAway(folder: string): void {
  if (!isRoot) return;
  chownSync(folder, NOBODY, NOBODY);
  for (const name of readdirSync(folder, { recursive: true })) chownSync(join(folder, String(name)), NOBODY, NOBODY);
}
