import type { ChildProcess } from 'node:child_process';

/** A child process that is started before it is needed, so that it loads its libraries meanwhile. */
export class SpareChild {
  private readonly fork: () => ChildProcess;
  private child: ChildProcess | null = null;

  constructor(fork: () => ChildProcess) {
    this.fork = fork;
  }

  /** Starts one, unless one is waiting. This process may end without it. */
  start(): void {
    if (this.child !== null) return;
    const child = this.fork();
    // Whoever takes it hears of its end by the exit code; one that did not start is no reason to fail yet.
    child.on('error', () => undefined);
    child.unref();
    child.channel?.unref();
    this.child = child;
  }

  /** Hands it over; null when there is none, or it has ended. */
  take(): ChildProcess | null {
    const { child } = this;
    this.child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null || !child.connected) return null;
    child.ref();
    child.channel?.ref();
    return child;
  }

  /** Ends the one that nobody took. */
  end(): void {
    this.take()?.kill('SIGKILL');
  }
}
