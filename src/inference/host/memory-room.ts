import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** What takes memory, for the choice of what goes. */
export interface MemoryUse {
  readonly bytes: number;
  /** Least recently used goes first. */
  readonly usedAt: number;
  /** Idle, and neither pinned nor busy. */
  readonly mayGo: boolean;
}

/** What to unload so that `needed` bytes fit under `limit`: as few as possible, least recently used first; null when it cannot be. */
export function chooseEvictions<T extends MemoryUse>(uses: readonly T[], needed: number, limit: number): T[] | null {
  let used = uses.reduce((sum, use) => sum + use.bytes, 0);
  const chosen: T[] = [];
  for (const use of uses.filter(({ mayGo }) => mayGo).sort((a, b) => a.usedAt - b.usedAt)) {
    if (used + needed <= limit) break;
    chosen.push(use);
    used -= use.bytes;
  }
  return used + needed <= limit ? chosen : null;
}

/** LIVE_OVERLOADED for a model that does not fit beside the others. */
export function noRoom(
  name: string,
  others: readonly { readonly memoryBytes: number }[],
  needed: number,
  limit: number,
): PrescoreError {
  const used = others.reduce((sum, other) => sum + other.memoryBytes, 0);
  return new PrescoreError('LIVE_OVERLOADED', {
    what: 'there is no memory for another model, and none can be unloaded',
    where: name,
    expected: `at most ${mib(limit)}`,
    got: `${mib(used)} in use and ${mib(needed)} more`,
    fix: 'Raise models.memory, or pin fewer models.',
  });
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / 1048576)} MiB`;
}
