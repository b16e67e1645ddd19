import { ChurnMap } from '../../base/heap/churn-map.ts';

/** Keys that were not there a moment ago, so that asking again and again costs nothing. Bounded; the oldest go first. */
export class RecentMisses {
  private readonly until = new ChurnMap<string, number>();
  private readonly forMs: number;
  private readonly most: number;

  constructor(forMs: number, most = 10_000) {
    this.forMs = forMs;
    this.most = most;
  }

  has(key: string): boolean {
    if (this.until.size === 0) return false;
    const until = this.until.get(key);
    if (until === undefined) return false;
    if (until > performance.now()) return true;
    this.until.delete(key);
    return false;
  }

  add(key: string): void {
    if (this.forMs === 0) return;
    // Again at the end: the map is in the order of expiry.
    this.until.delete(key);
    if (this.until.size >= this.most) this.until.delete(this.until.keys().next().value!);
    this.until.set(key, performance.now() + this.forMs);
  }
}
