import type { SkipReason, SlotOutcome } from './slot-state.ts';

/**
 * What schedulers share about one job: records that are put if absent, so that any number of schedulers decide alike. They
 * save work and keep the policy; that no slot is scored twice rests on the run's own plan and manifest.
 *
 * Adapters: `StoredRecords` on an object store; a virtual one in tests. Errors: those of the store.
 */
export interface ScheduleRecords {
  /** The mark with the highest n, in a number of requests that grows with the logarithm of n; null when there is none. */
  newestMark(): Promise<Mark | null>;
  /** Writes mark n; gives the newest one instead when n is taken. */
  addMark(mark: Mark): Promise<Mark>;
  decision(slot: number): Promise<Decision | null>;
  /** The first decision about a slot holds; it is given back. */
  decide(slot: number, decision: Decision): Promise<Decision>;
  ending(slot: number): Promise<Ending | null>;
  /** The first end of a slot holds; it is given back. */
  end(slot: number, ending: Ending): Promise<Ending>;
  /** The right to work on a slot; null while a live scheduler has it. */
  hold(slot: number): Promise<SlotHold | null>;
}

/** Every slot up to `through` is settled but those in `open`. Those without a decision were missed. */
export interface Mark {
  readonly n: number;
  readonly through: number;
  readonly open: readonly number[];
  /** The definition that was in force: another one starts afresh. */
  readonly cron: string;
  readonly timezone: string;
  readonly by: string;
}

export interface Decision {
  readonly take: boolean;
  readonly why: SkipReason | null;
  /** The scheduler that decided. */
  readonly by: string;
  readonly at: number;
}

export interface Ending {
  /** ISO. */
  readonly slot: string;
  readonly outcome: SlotOutcome;
  readonly runs: readonly string[];
  readonly rows: number;
  readonly rejected: number;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly by: string;
  readonly at: number;
}

export interface SlotHold {
  /** Aborted when another scheduler has taken over. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}
