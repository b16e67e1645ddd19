import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Who holds a lease, well enough to tell on the same host whether it still lives. */
export interface ProcessIdentity {
  readonly host: string;
  readonly bootId: string;
  readonly pid: number;
  readonly processStart: number | null;
}

export function ownIdentity(): ProcessIdentity {
  return { host: hostname(), bootId: bootId(), pid: process.pid, processStart: processStart(process.pid) };
}

/** True only when the holder ran on this boot of this host and is gone; a reused pid has another start time. */
export function isKnownDead(holder: ProcessIdentity): boolean {
  const own = ownIdentity();
  if (holder.host !== own.host || holder.bootId !== own.bootId || own.bootId === '') return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  const start = processStart(holder.pid);
  if (start === null || holder.processStart === null) return false;
  return start !== holder.processStart;
}

/** True only when the holder runs on this boot of this host right now, perhaps stopped. */
export function isKnownAlive(holder: ProcessIdentity): boolean {
  const own = ownIdentity();
  if (holder.host !== own.host || holder.bootId !== own.bootId || own.bootId === '') return false;
  return holder.processStart !== null && processStart(holder.pid) === holder.processStart;
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Not Linux: a lease is then taken over when it expires.
    return '';
  }
}

// Field 22 of /proc/<pid>/stat; the command in field 2 may hold spaces and parentheses. A zombie counts as gone.
function processStart(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return -1;
    return Number(fields[19]);
  } catch {
    return null;
  }
}
