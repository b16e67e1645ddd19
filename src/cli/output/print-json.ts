import type { RunEvent } from '../../base/contract/run-events.ts';

let lastProgress = 0;

/** One JSON object on a line of stdout: what `--json` promises. */
export function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** An event of a run. Progress several times a second is for terminals; a log gets one a second. */
export function printEvent(event: RunEvent): void {
  if (event.event === 'progress' || event.event === 'publishing') {
    const now = performance.now();
    if (now - lastProgress < 1000) return;
    lastProgress = now;
  }
  printJson(event);
}
