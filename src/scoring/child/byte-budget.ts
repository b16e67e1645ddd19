import type { Turns } from '../../base/lanes/turns.ts';
import type { ByteSource } from '../../data/object-store/byte-source.ts';

/** Reads of up to so many bytes are free: a footer of a usual file. */
const FREE_BYTES = 64 * 1024;

/**
 * A source whose first large read waits for its share of the budget; what it reads later is of the same size, or small. `release` gives
 * the share back, when nothing of what was read is needed any more.
 */
export function withinBudget(
  source: ByteSource,
  budget: Turns,
): { readonly source: ByteSource; readonly release: () => Promise<void> } {
  let share: Promise<() => void> | null = null;
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    if (length > FREE_BYTES) {
      share ??= budget.take(length);
      await share;
    }
    return source.read(offset, length);
  };
  const release = async (): Promise<void> => {
    if (share !== null) (await share)();
  };
  return { source: { size: source.size, read }, release };
}
