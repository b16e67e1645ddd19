import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of /proc a second; Linux has 100 on every machine that matters. */
const TICKS = 100;

/** A worker that uses less CPU, in seconds, in so many milliseconds has nothing to do. */
const QUIET_CPU = 0.03;
const QUIET_MS = 500;

/** CPU seconds of a worker so far. */
export interface WorkerCpu {
  /** The supervisor alone: the queue, records, nothing of the scoring. */
  readonly supervisor: number;
  /** With its scorer children. */
  readonly all: number;
}

/** A `prescore worker` that is measured. */
export class WorkerProcess {
  private readonly child: ChildProcess;
  private log = '';

  constructor(prescore: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, [prescore, 'worker', ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    // A benchmark that is interrupted must not leave workers behind.
    const end = (): void => void this.child.kill('SIGKILL');
    process.once('exit', end);
    this.child.once('exit', () => process.off('exit', end));
  }

  /** Waits until it takes tasks and has nothing more to do. */
  async ready(): Promise<this> {
    for (let i = 0; i < 400 && !this.log.includes('worker takes tasks'); i++) {
      if (this.child.exitCode !== null) throw new Error(`the worker ended: ${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // Its scorer child goes on loading libraries for a moment.
    for (let before = -1; this.cpu().all > before + QUIET_CPU; ) {
      before = this.cpu().all;
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    }
    return this;
  }

  cpu(): WorkerCpu {
    const pid = this.child.pid!;
    const supervisor = cpuOf(pid, false);
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
    return { supervisor, all: cpuOf(pid, true) + children.reduce((sum, child) => sum + cpuOf(child, true), 0) };
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    this.child.kill('SIGTERM');
    await ended;
    const faults = this.log.split('\n').filter((line) => /"level":"(warn|error)"/.test(line));
    if (faults.some((line) => line.includes('"error"'))) throw new Error(faults.slice(0, 5).join('\n'));
  }
}

// Fields 14 to 17 of /proc/<pid>/stat: user and system ticks, own and of children that have ended.
function cpuOf(pid: number, withEnded: boolean): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const own = fields[11]! + fields[12]!;
  return (withEnded ? own + fields[13]! + fields[14]! : own) / TICKS;
}
