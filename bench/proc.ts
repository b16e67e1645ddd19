import { readProc } from './memory.ts';

/** Ticks of /proc a second; Linux has 100 on every machine that matters. */
const TICKS = 100;

/** User and system seconds of a process, with those of children that have ended when asked for; 0 when it has ended itself. */
export function cpuOf(pid: number, withEnded = false): number {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === '') return 0;
  // Fields 14 to 17, counted after the command name, which may hold spaces: user and system ticks, own and of ended children.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const own = fields[11]! + fields[12]!;
  return (withEnded ? own + fields[13]! + fields[14]! : own) / TICKS;
}
