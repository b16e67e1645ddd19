/**
 * A named point at which the crash proofs end this process (`PRESCORE_FAULT=<name>`): the only way to hit a moment that is
 * microseconds wide. Does nothing unless the variable is set.
 */
export function faultPoint(name: string): void {
  if (process.env['PRESCORE_FAULT'] === name) process.kill(process.pid, 'SIGKILL');
}
