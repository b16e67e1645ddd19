import { readdirSync, readFileSync } from 'node:fs';

const PAGE = 4096;
const EVERY_MS = 20;

/**
 * The most memory that a process and all that descends from it held together, in bytes, from /proc; pages that they share count for each of
 * them. Asked every 20 ms until `ended` settles. Errors: none; 0 where there is no /proc.
 */
export async function peakMemory(pid: number, ended: Promise<unknown>): Promise<number> {
  let most = 0;
  let isRunning = true;
  const end = (): void => {
    isRunning = false;
  };
  ended.then(end, end);
  while (isRunning) {
    most = Math.max(most, residentBytes(pid));
    await Promise.race([ended.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, EVERY_MS))]);
  }
  return most;
}

function residentBytes(root: number): number {
  const found = new Set([root]);
  let sum = 0;
  for (const { pid, parent, bytes } of processes()) {
    if (pid !== root && !found.has(parent)) continue;
    found.add(pid);
    sum += bytes;
  }
  return sum;
}

/** In the order of their numbers: a child comes after its parent, but where numbers began anew. */
function processes(): { readonly pid: number; readonly parent: number; readonly bytes: number }[] {
  const pids = names('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .map(Number)
    .sort((a, b) => a - b)
    .flatMap((pid) => {
      try {
        // After the name, which may have spaces: state, parent; the 22nd behind it is rss in pages.
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        return [{ pid, parent: Number(fields[1]), bytes: Number(fields[21]) * PAGE }];
      } catch {
        return [];
      }
    });
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
