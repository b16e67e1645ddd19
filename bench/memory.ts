import { readdirSync, readFileSync } from 'node:fs';

/** The highest sum of PSS over a process tree. */
export interface MemoryPeak {
  readonly bytes: number;
  readonly processes: number;
  readonly samples: number;
}

const PERIOD_MS = 50;

/**
 * Samples the descendants of a process 20 times a second. PSS counts a page that several processes share once in all, so
 * the sum over the tree is what the tree takes from the machine; page cache is not in it. The process itself, the timing
 * wrapper, is left out. Linux only.
 */
export function watchMemory(root: number): { stop(): void; peak(): MemoryPeak } {
  let best: MemoryPeak = { bytes: 0, processes: 0, samples: 0 };
  let samples = 0;
  const timer = setInterval(() => {
    const pids = descendants(root);
    const bytes = pids.reduce((sum, pid) => sum + pssBytes(pid), 0);
    samples++;
    if (bytes > best.bytes) best = { bytes, processes: pids.length, samples };
  }, PERIOD_MS);
  return { stop: () => clearInterval(timer), peak: () => ({ ...best, samples }) };
}

/** Process ids below a process, itself left out. */
export function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readProc(`/proc/${name}/stat`);
    // The command name may hold spaces and parentheses; the parent is the second field after its end.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  const visit = (pid: number): void => {
    for (const child of children.get(pid) ?? []) {
      found.push(child);
      visit(child);
    }
  };
  visit(root);
  return found;
}

/** Proportional set size; 0 when the process has ended. */
export function pssBytes(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(readProc(`/proc/${pid}/smaps_rollup`));
  return match === null ? 0 : Number(match[1]) * 1024;
}

/** The text of a file of /proc; empty when the process has ended, or there is no such file. */
export function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It ended meanwhile.
    return '';
  }
}
