import { type ChildProcess, fork } from 'node:child_process';

/** Heap ceiling of a child's JavaScript, in MiB: its data lies outside the heap. */
const HEAP_MIB = 96;

/**
 * Starts a scorer child. It waits for its options; a child that is never given any ends with this process. Imports nothing
 * of prescore, so that the command line can start one before it has loaded itself.
 */
export function forkScorer(entry: URL, env: NodeJS.ProcessEnv): ChildProcess {
  return fork(entry, [], {
    env,
    execArgv: [
      `--max-old-space-size=${HEAP_MIB}`,
      '--max-semi-space-size=2',
      '--expose-gc',
      '--single-threaded-gc',
      // A heap of ten megabytes that grows by one is marked whole again and again; it never comes near this.
      '--initial-old-space-size=32',
      // From a checkout the entry is TypeScript; Node runs it as it is, but says so on every start before 24.
      ...(entry.pathname.endsWith('.ts') ? ['--disable-warning=ExperimentalWarning'] : []),
    ],
    // Its own process group: Ctrl-C reaches the supervisor alone, which decides what becomes of the chunk.
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}
