/**
 * A reader that goes away (`prescore run --json | head -1`, a log collector that dies) is no fault and stops no work: what
 * would have been said to it is dropped. Other faults of an output (a full disk behind `> file`) are not: exit code 6.
 */
export function surviveClosedPipes(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') return;
    process.stderr.write(`STORE_NO_SPACE: standard output cannot be written (${error.code ?? error.message}).\n`);
    process.on('exit', () => {
      if (process.exitCode === 0 || process.exitCode === undefined) process.exitCode = 6;
    });
  });
}
