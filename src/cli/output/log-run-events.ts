import type { RunEvent } from '../../base/contract/run-events.ts';
import type { Logger } from '../../base/telemetry/logger.ts';

/** Writes what runs tell into a log. Failures are outcomes: whoever launched the run logs them. */
export function logRunEvents(log: Logger): (event: RunEvent) => void {
  return (event) => {
    if (event.event === 'planned') {
      const { runId, files, chunks, chunksDone, rows } = event;
      log.info({ runId, files, chunks, chunksDone, rows }, event.isResumed ? 'run resumed' : 'run planned');
    } else if (event.event === 'chunk') {
      const { runId, n, rows, rejected, seconds } = event;
      log.debug({ runId, chunk: n, rows, rejected, seconds }, 'chunk done');
    } else if (event.event === 'done') {
      const { runId, rows, rejected, seconds, alreadyDone } = event;
      log.info({ runId, rows, rejected, seconds }, alreadyDone ? 'run was done already' : 'run done');
    }
  };
}
