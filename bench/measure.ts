import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MemoryPeak, watchMemory } from './memory.ts';
import { PYTHON } from './paths.ts';

/** A command of a contender. */
export interface Command {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** One run, from the start of the process to its exit. */
export interface Measured {
  readonly wall: number;
  /** CPU seconds of the process and all its descendants. */
  readonly user: number;
  readonly system: number;
  /** What it printed, on both streams. */
  readonly log: string;
  /** Only for sampled runs. */
  readonly memory?: MemoryPeak;
}

/**
 * Runs a command under `timed.py`, which takes the time and the CPU of all descendants: Node itself cannot tell the CPU of
 * children that are still running or were orphaned, `time -p` misses daemons that outlive their parent.
 */
export async function measure(command: Command, logPath: string, sampled: boolean): Promise<Measured> {
  // What a contender leaves in its temporary folder is removed, outside the measured time.
  const scratch = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    return await measureIn(command, logPath, sampled, scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function measureIn(command: Command, logPath: string, sampled: boolean, scratch: string): Promise<Measured> {
  const child = spawn('python3', [join(PYTHON, 'timed.py'), logPath, ...command.args], {
    env: { ...process.env, ...command.env, TMPDIR: scratch, RAY_TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = collect(child);
  const memory = sampled ? watchMemory(child.pid!) : null;
  const printed = await ended.finally(() => memory?.stop());
  const log = readFileSync(logPath, 'utf8');
  const result = JSON.parse(printed) as { code: number; wall: number; user: number; system: number };
  if (result.code !== 0) {
    throw new Error(`exit ${result.code} of: ${command.args.join(' ')}\n${log.slice(-4000)}`);
  }
  const { wall, user, system } = result;
  return { wall, user, system, log, ...(memory === null ? {} : { memory: memory.peak() }) };
}

function collect(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (data: Buffer) => {
      text += data.toString('utf8');
    });
    // A benchmark that is interrupted must not leave contenders behind.
    const end = (): void => void child.kill('SIGKILL');
    process.once('exit', end);
    child.once('error', reject);
    child.once('close', (code) => {
      process.off('exit', end);
      if (code === 0) resolve(text);
      else reject(new Error(`the timing wrapper ended with ${code}`));
    });
  });
}
