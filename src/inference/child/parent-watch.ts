import { Worker } from 'node:worker_threads';

/**
 * Ends this process when its parent is gone, from a thread of its own: while a model runs, the main thread sees neither the
 * end of the pipe nor a signal.
 */
export function watchParent(parentPid: number): void {
  const isSource = import.meta.url.endsWith('.ts');
  const entry = new URL(isSource ? './parent-watch-thread.ts' : './parent-watch-thread.js', import.meta.url);
  const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 };
  new Worker(entry, { workerData: { parentPid }, resourceLimits, execArgv: [] }).unref();
}
