import {
  type BackfillRecord,
  type FailedEntry,
  isAsked,
  type LogEntry,
  type PartitionState,
  stateOfChar,
} from './backfill-record.ts';

/** `waiting`: there is work, and nobody does it. `stopped`: by --stop-on-failure. `failed`: all is tried, some failed. */
export type BackfillStatus = 'running' | 'waiting' | 'paused' | 'stopped' | 'cancelled' | 'done' | 'failed';

/** The fold of a backfill's log, also kept as `<log>/snapshot.json`, so that no reader needs the whole log. */
export interface StateSnapshot {
  readonly format: 1;
  /** The last log entry in it. */
  readonly upTo: number;
  readonly control: 'active' | 'paused' | 'stopped' | 'cancelled';
  readonly isEnded: boolean;
  readonly updatedAt: string;
  /** A character a partition: `-` nothing yet, `>` started, `#` done, `x` failed. */
  readonly outcomes: string;
  readonly rows: readonly number[];
  /** Position -> rows. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, Omit<FailedEntry, 'i'>>>;
  /** Positions that `retry` has put back. */
  readonly retried: readonly number[];
}

const CONTROLS = { pause: 'paused', resume: 'active', cancel: 'cancelled', stop: 'stopped' } as const;

/** What has become of a backfill so far. Pure: records in, answers out. */
export class BackfillState {
  readonly record: BackfillRecord;
  upTo = 0;
  control: StateSnapshot['control'] = 'active';
  isEnded = false;
  updatedAt: string;
  readonly failures = new Map<number, Omit<FailedEntry, 'i'>>();
  readonly rejected = new Map<number, number>();
  readonly retried = new Set<number>();
  private outcomes: string[];
  private rows: number[];

  constructor(record: BackfillRecord, snapshot: StateSnapshot | null = null) {
    this.record = record;
    this.updatedAt = snapshot?.updatedAt ?? record.createdAt;
    this.outcomes = snapshot === null ? record.partitions.map(() => '-') : [...snapshot.outcomes];
    this.rows = snapshot === null ? record.partitions.map(() => 0) : [...snapshot.rows];
    if (snapshot === null) return;
    this.upTo = snapshot.upTo;
    this.control = snapshot.control;
    this.isEnded = snapshot.isEnded;
    for (const [i, rejected] of Object.entries(snapshot.rejected)) this.rejected.set(Number(i), rejected);
    for (const [i, failure] of Object.entries(snapshot.failures)) this.failures.set(Number(i), failure);
    for (const i of snapshot.retried) this.retried.add(i);
  }

  /** Takes in log entry `upTo + 1`. */
  apply(entry: LogEntry): void {
    this.upTo++;
    this.updatedAt = entry.at;
    // A cancelled backfill stays so: whoever is late changes nothing.
    if (entry.control !== undefined && this.control !== 'cancelled') this.control = CONTROLS[entry.control];
    if (entry.retry === 'failed') {
      for (const i of this.failures.keys()) {
        this.outcomes[i] = '-';
        this.retried.add(i);
      }
      this.failures.clear();
      this.isEnded = false;
    }
    for (const i of entry.started ?? []) this.outcomes[i] = '>';
    for (const i of entry.released ?? []) this.outcomes[i] = '-';
    for (const { i, rows, rejected } of entry.done ?? []) {
      this.outcomes[i] = '#';
      this.rows[i] = rows;
      if (rejected > 0) this.rejected.set(i, rejected);
      else this.rejected.delete(i);
      this.failures.delete(i);
    }
    for (const { i, code, message } of entry.failed ?? []) {
      this.outcomes[i] = 'x';
      this.failures.set(i, { code, message });
    }
    if (entry.ended === true) this.isEnded = true;
  }

  snapshot(): StateSnapshot {
    const { upTo, control, isEnded, updatedAt, rows } = this;
    return {
      format: 1,
      upTo,
      control,
      isEnded,
      updatedAt,
      outcomes: this.outcomes.join(''),
      rows,
      rejected: Object.fromEntries(this.rejected),
      failures: Object.fromEntries(this.failures),
      retried: [...this.retried].sort((a, b) => a - b),
    };
  }

  /** Whether a partition is still to be scored by this backfill. */
  isOpen(i: number): boolean {
    const outcome = this.outcomes[i];
    return (outcome === '-' || outcome === '>') && isAsked(stateOfChar(this.record.found[i]), this.record.reprocess);
  }

  /** Positions that are still to be scored, in the order of their launch. */
  open(): number[] {
    const all = this.record.partitions.map((_, i) => i).filter((i) => this.isOpen(i));
    return this.record.order === 'asc' ? all : all.reverse();
  }

  /** Rows of the partition that this backfill has scored, or found scored. */
  rowsOf(i: number): number {
    return this.rows[i] ?? 0;
  }

  /** `isLive`: somebody drives it. `definition`: of the job as it is now; what is done under another one is stale. */
  stateOf(i: number, isLive: boolean, definition: string): PartitionState {
    const outcome = this.outcomes[i];
    if (outcome === 'x') return 'failed';
    if (outcome === '>' && isLive) return 'running';
    const found = outcome === '#' ? 'done' : stateOfChar(this.record.found[i]);
    return found === 'done' && definition !== this.record.definition ? 'stale' : found;
  }

  states(isLive: boolean, definition: string): PartitionState[] {
    return this.record.partitions.map((_, i) => this.stateOf(i, isLive, definition));
  }

  status(isLive: boolean): BackfillStatus {
    if (this.control === 'cancelled') return 'cancelled';
    if (this.isEnded) return this.failures.size > 0 ? 'failed' : 'done';
    if (this.control !== 'active') return this.control;
    return isLive ? 'running' : 'waiting';
  }
}

/** How many partitions are in each state. */
export function countStates(states: readonly PartitionState[]): Record<PartitionState, number> {
  const counts = { missing: 0, running: 0, failed: 0, done: 0, stale: 0 };
  for (const state of states) counts[state]++;
  return counts;
}
