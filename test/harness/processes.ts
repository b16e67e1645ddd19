import { readdirSync, readFileSync } from 'node:fs';

/** Processes whose parent this is, from /proc. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => statOf(candidate)?.parent === pid);
}

/** The letter that /proc has for the state of a process; T is stopped. */
export function processState(pid: number): string | null {
  return statOf(pid)?.state ?? null;
}

/** True while a process runs; a zombie has ended. */
export function isAlive(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== null && stat.state !== 'Z';
}

// /proc/<pid>/stat: `pid (command) state parent …`; the command may hold spaces and parentheses.
function statOf(pid: number): { readonly state: string; readonly parent: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return null;
  }
}

/** Notes every child that a process ever has, until it is asked for them. */
export function watchChildren(pid: number): () => number[] {
  const seen = new Set<number>();
  const timer = setInterval(() => {
    for (const child of childrenOf(pid)) seen.add(child);
  }, 50);
  return () => {
    clearInterval(timer);
    return [...seen];
  };
}
