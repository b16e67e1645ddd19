let passed = 0;

/**
 * A named point at which the crash proofs end or stop this process, the only way to hit a moment that is microseconds wide:
 * `PRESCORE_FAULT=<name>`, `<name>#3` for the third time that it is passed, `SIGSTOP:<name>` to stop instead of kill. Does
 * nothing unless the variable is set.
 */
export function faultPoint(name: string): void {
  const asked = process.env['PRESCORE_FAULT'];
  if (asked === undefined) return;
  const [, stop, point, nth] = /^(SIGSTOP:)?([^#]*)(?:#(\d+))?$/.exec(asked) ?? [];
  if (point !== name || ++passed !== Number(nth ?? 1)) return;
  process.kill(process.pid, stop === undefined ? 'SIGKILL' : 'SIGSTOP');
}
