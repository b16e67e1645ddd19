import { readFileSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/** Resident bytes of this process, after what JavaScript no longer needs is gone. */
export async function settledBytes(): Promise<number> {
  // Memory of buffers that were collected goes back a turn later.
  for (let turn = 0; turn < 2; turn++) {
    globalThis.gc?.();
    await setImmediate();
  }
  return process.memoryUsage.rss();
}

/** Most resident bytes since `forgetPeak`; where the system cannot forget it, since the process began. */
export function peakBytes(): number {
  try {
    const found = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
    if (found !== null) return Number(found[1]) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}

/** From now on `peakBytes` counts anew. */
export function forgetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Not Linux, or not allowed: peaks are those of the whole life.
  }
}
