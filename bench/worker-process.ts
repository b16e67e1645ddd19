import { type ChildProcess, spawn } from 'node:child_process';
import { childrenOf } from '../test/harness/processes.ts';
import { cpuOf } from './proc.ts';

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
    if (this.child.exitCode !== null) throw new Error(`the worker ended: ${this.log}`);
    const all = [pid, ...childrenOf(pid)].reduce((sum, one) => sum + cpuOf(one, true), 0);
    return { supervisor: cpuOf(pid), all };
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    this.child.kill('SIGTERM');
    await ended;
    const faults = this.log.split('\n').filter((line) => /"level":"(warn|error)"/.test(line));
    if (faults.some((line) => line.includes('"error"'))) throw new Error(faults.slice(0, 5).join('\n'));
  }
}
