import type { ByteSource } from '../../data/object-store/byte-source.ts';

/** Bytes that several readers may hold at a time; whoever wants more than there are waits, in order of arrival. */
export class ByteBudget {
  private readonly most: number;
  private readonly waiting: { readonly bytes: number; readonly begin: () => void }[] = [];
  private taken = 0;

  constructor(most: number) {
    this.most = most;
  }

  /** Waits for so many bytes, or for all of them where that is more. Owns: the caller, until it calls what it is given. Errors: none. */
  async take(bytes: number): Promise<() => void> {
    const own = Math.min(bytes, this.most);
    await new Promise<void>((begin) => {
      this.waiting.push({ bytes: own, begin });
      this.beginNext();
    });
    return () => {
      this.taken -= own;
      this.beginNext();
    };
  }

  private beginNext(): void {
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
      if (this.taken + next.bytes > this.most) return;
      this.waiting.shift();
      this.taken += next.bytes;
      next.begin();
    }
  }
}

/** Reads of up to so many bytes are free: a footer of a usual file. */
const FREE_BYTES = 64 * 1024;

/**
 * A source whose first large read waits for its share of the budget; what it reads later is of the same size, or small. `release` gives
 * the share back, when nothing of what was read is needed any more.
 */
export function withinBudget(
  source: ByteSource,
  budget: ByteBudget,
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
