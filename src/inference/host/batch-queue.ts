import { ChurnMap } from '../../base/heap/churn-map.ts';

/** What waits for the model: some rows that may share a batch with rows of the same key. Times are ms of one clock. */
export interface QueueEntry {
  readonly rows: number;
  readonly bytes: number;
  /** Equal for entries whose tensors fit into one batch. */
  readonly key: string;
  /** 0 is last; of the others the lower goes first. */
  readonly priority: number;
  readonly queuedAt: number;
  /** Rows may not go to the model from then on. */
  readonly deadlineAt: number;
}

export interface QueueLimits {
  readonly maxBatchRows: number;
  readonly maxQueueRows: number;
  readonly maxQueueBytes: number;
  readonly maxDelayMs: number;
}

/** Rows [from, from + count) of an entry. */
export interface BatchCut<T> {
  readonly entry: T;
  readonly from: number;
  readonly count: number;
}

interface Waiting {
  /** Rows that have gone to the model. */
  taken: number;
}

/**
 * What waits for one model, and how it becomes batches; pure: no clock, no timer, no tensors. Higher priorities go first, and
 * within one, whoever came first. A batch is filled with entries that have the key of the first; an entry goes whole into
 * one batch, unless it is larger than a batch: then it is cut, and after each cut it stands behind the others of its
 * priority, so that small requests need not wait for all of a large one.
 */
export class BatchQueue<T extends QueueEntry> {
  private readonly limits: QueueLimits;
  /** By priority, best first; a Map keeps the order of arrival and forgets in constant time. */
  private readonly lanes = new ChurnMap<number, ChurnMap<T, Waiting>>();
  private ranks: number[] = [];
  private readonly rowsByKey = new ChurnMap<string, number>();
  private waitingRows = 0;
  private waitingBytes = 0;

  constructor(limits: QueueLimits) {
    this.limits = limits;
  }

  /** Rows that wait. */
  get rows(): number {
    return this.waitingRows;
  }

  get bytes(): number {
    return this.waitingBytes;
  }

  /** False when there is no room. An empty queue takes anything, so that no request is refused for ever. */
  add(entry: T): boolean {
    const { maxQueueRows, maxQueueBytes } = this.limits;
    const isFull = this.waitingRows + entry.rows > maxQueueRows || this.waitingBytes + entry.bytes > maxQueueBytes;
    if (isFull && this.waitingRows > 0) return false;
    this.laneOf(rankOf(entry)).set(entry, { taken: 0 });
    this.count(entry, entry.rows);
    this.waitingBytes += entry.bytes;
    return true;
  }

  /** Takes an entry out, or what is left of it. Repeat: safe. */
  remove(entry: T): void {
    const waiting = this.lanes.get(rankOf(entry))?.get(entry);
    if (waiting === undefined) return;
    this.leave(entry);
    this.count(entry, waiting.taken - entry.rows);
    this.waitingBytes -= entry.bytes;
  }

  /** Takes everything out. */
  clear(): T[] {
    const all = [...this.lanes].flatMap(([, lane]) => [...lane.keys()]);
    for (const entry of all) this.remove(entry);
    return all;
  }

  /** From when on `next` should be called; null when nothing waits. */
  readyAt(): number | null {
    const head = this.head();
    if (head === null) return null;
    return this.isFull() ? head.queuedAt : head.queuedAt + this.limits.maxDelayMs;
  }

  /** True when the next batch could not become larger by waiting. */
  isFull(): boolean {
    const head = this.head();
    return head !== null && (this.rowsByKey.get(head.key) ?? 0) >= this.limits.maxBatchRows;
  }

  /** The next batch, at most `maxBatchRows` rows of one key, and the entries that were too late for it. Both are taken out. */
  next(now: number): { cuts: BatchCut<T>[]; late: T[] } {
    const cuts: BatchCut<T>[] = [];
    const late: T[] = [];
    let room = this.limits.maxBatchRows;
    let key: string | null = null;
    for (const rank of this.ranks) {
      // Entries are taken out on the way. One that is cut is put behind, but it has filled the batch.
      for (const [entry, waiting] of this.lanes.get(rank) ?? []) {
        if (entry.deadlineAt <= now) {
          this.remove(entry);
          late.push(entry);
          continue;
        }
        if (key !== null && entry.key !== key) continue;
        const left = entry.rows - waiting.taken;
        const count = left <= room ? left : left > this.limits.maxBatchRows && cuts.length === 0 ? room : 0;
        if (count === 0) continue;
        key = entry.key;
        cuts.push({ entry, from: waiting.taken, count });
        this.take(entry, waiting, count);
        room -= count;
        if (room === 0) return { cuts, late };
      }
    }
    return { cuts, late };
  }

  private take(entry: T, waiting: Waiting, count: number): void {
    this.leave(entry);
    this.count(entry, -count);
    const taken = waiting.taken + count;
    if (taken < entry.rows) this.laneOf(rankOf(entry)).set(entry, { taken });
    else this.waitingBytes -= entry.bytes;
  }

  // Priorities are the callers' numbers: a lane of each would stay for ever.
  private leave(entry: T): void {
    const rank = rankOf(entry);
    const lane = this.lanes.get(rank);
    lane?.delete(entry);
    if (lane?.size === 0) {
      this.lanes.delete(rank);
      this.ranks = this.ranks.filter((known) => known !== rank);
    }
  }

  private head(): T | null {
    const [best] = this.ranks;
    if (best === undefined) return null;
    for (const entry of this.laneOf(best).keys()) return entry;
    return null;
  }

  private count(entry: T, rows: number): void {
    this.waitingRows += rows;
    const left = (this.rowsByKey.get(entry.key) ?? 0) + rows;
    if (left === 0) this.rowsByKey.delete(entry.key);
    else this.rowsByKey.set(entry.key, left);
  }

  private laneOf(rank: number): ChurnMap<T, Waiting> {
    const known = this.lanes.get(rank);
    if (known !== undefined) return known;
    const lane = new ChurnMap<T, Waiting>();
    this.lanes.set(rank, lane);
    this.ranks = [...this.lanes.keys()].sort((a, b) => a - b);
    return lane;
  }
}

function rankOf({ priority }: QueueEntry): number {
  return priority === 0 ? Number.POSITIVE_INFINITY : priority;
}
