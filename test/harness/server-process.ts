import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_LIMIT_MS = 20_000;
const TERM_LIMIT_MS = 5_000;
const LOG_TAIL_BYTES = 4_000;

export interface ServerCommand {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** True once the server answers. */
  readonly isReady: () => Promise<boolean>;
  /** How long that may take; 20 s when left out. */
  readonly readyMs?: number;
}

/** A server run as a child: started until it answers, stopped so that nothing of it stays behind. */
export class ServerProcess {
  readonly #command: ServerCommand;
  #child: ChildProcess | null = null;
  #log = '';

  constructor(command: ServerCommand) {
    this.#command = command;
  }

  /** Starts the server and waits until it is ready; the error shows the end of its log. */
  async start(): Promise<void> {
    const { name, file, args, env, isReady, readyMs = READY_LIMIT_MS } = this.#command;
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.#child = child;
    this.#log = '';
    const keep = (data: Buffer): void => {
      this.#log = (this.#log + data.toString('utf8')).slice(-LOG_TAIL_BYTES);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => keep(Buffer.from(error.message)));
    // A test run that is cut short must not leave servers running.
    const killNow = (): void => void child.kill('SIGKILL');
    process.once('exit', killNow);
    child.once('exit', () => process.off('exit', killNow));

    const limit = Date.now() + readyMs;
    while (Date.now() < limit && isAlive(child)) {
      if (await isReady()) return;
      await sleep(50);
    }
    const state = isAlive(child) ? `was not ready within ${readyMs / 1000} s` : 'ended before it was ready';
    await this.kill();
    throw new Error(`${name} ${state}. The end of its log:\n${this.#log}`);
  }

  /** The same; when it does not start, what was made for it is removed. */
  async startOr(clean: () => Promise<void>): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      await clean();
      throw error;
    }
  }

  /** SIGTERM, 5 seconds, SIGKILL. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null || !isAlive(child)) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    // A paused one does not see the first signal before this.
    child.kill('SIGCONT');
    const timer = setTimeout(() => child.kill('SIGKILL'), TERM_LIMIT_MS);
    await ended;
    clearTimeout(timer);
  }

  /** SIGSTOP: it keeps its sockets and answers nothing, until `resume`. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** SIGKILL: a crash. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || !isAlive(child)) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}
