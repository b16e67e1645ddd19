import type { JobSchedule } from '../../base/contract/job.ts';

/**
 * Where a slot stands, as one scheduler knows it:
 *
 * `open` nobody has decided, as far as is known here · `taken` decided, not held here · `held` ours, about to be launched ·
 * `working` launched here · `waiting` ours, its input is not there · `retry` ours, to be launched again · `stopping` launched
 * here, replaced · `ran` its runs are committed, the set is not published yet · `publishing` · `over` ours, its end is to be
 * recorded · `ended` settled for good.
 */
export type SlotPhase =
  | 'open'
  | 'taken'
  | 'held'
  | 'working'
  | 'waiting'
  | 'retry'
  | 'stopping'
  | 'ran'
  | 'publishing'
  | 'over'
  | 'ended';

export type SlotOutcome = 'done' | 'failed' | 'superseded' | 'replaced';
export type SkipReason = 'missed' | 'no-partition';

export interface SlotEntry {
  readonly slot: number;
  readonly phase: SlotPhase;
  /** Not looked at again before this. */
  readonly nextTry: number;
  /** Failed launches so far. */
  readonly tries: number;
  /** Of a slot that is `over`. */
  readonly outcome: SlotOutcome | null;
}

/** What a scheduler knows of one job's slots. All times are milliseconds since the epoch. */
export interface ScheduleState {
  /** In the order of their times. */
  readonly entries: readonly SlotEntry[];
  /** Every slot up to here is settled or among the entries. */
  readonly scannedTo: number;
  /** Of the newest mark that was written or read. */
  readonly markedThrough: number;
}

/** What the core is told of a schedule besides its times. */
export interface ScheduleRules extends Pick<JobSchedule, 'catchUp' | 'overlap' | 'waitForInput'> {
  /** Whether a slot's runs are published afterwards. */
  readonly isPublished: boolean;
  /** Whether a slot means any run: not before the first partition has ended. */
  readonly hasTargets: (slot: number) => boolean;
}

/** The one next thing to do for a job. */
export type Action =
  /** Settle by put-if-absent who decides about a slot. */
  | { readonly do: 'decide'; readonly slot: number; readonly take: boolean; readonly why: SkipReason | null }
  /** Try to get the right to work on a slot that was taken. */
  | { readonly do: 'hold'; readonly slot: number }
  | { readonly do: 'launch'; readonly slot: number }
  /** Stop the runs of a slot: a later one takes its place. */
  | { readonly do: 'stop'; readonly slot: number }
  | { readonly do: 'end'; readonly slot: number; readonly outcome: SlotOutcome }
  | { readonly do: 'publish'; readonly slots: readonly number[] }
  /** Note that every slot up to `through` is settled but those in `open`; slots without a decision were missed. */
  | { readonly do: 'mark'; readonly through: number; readonly open: readonly number[] }
  | { readonly do: 'scan'; readonly slots: readonly number[]; readonly scannedTo: number }
  | { readonly do: 'sleep'; readonly until: number };

/** What became of an action, or of work in the background. */
export type Happening =
  | { readonly kind: 'scanned'; readonly slots: readonly number[]; readonly scannedTo: number }
  | { readonly kind: 'decided'; readonly slot: number; readonly isTaken: boolean; readonly isOurs: boolean }
  | {
      readonly kind: 'held' | 'busy' | 'launched' | 'stopping' | 'ran' | 'owned' | 'lost' | 'ended';
      readonly slot: number;
    }
  /** The input is not there; it is waited for until then. */
  | { readonly kind: 'waiting'; readonly slot: number; readonly until: number }
  | { readonly kind: 'failed'; readonly slot: number; readonly isFinal: boolean }
  | { readonly kind: 'over'; readonly slot: number; readonly outcome: SlotOutcome }
  | { readonly kind: 'publishing' | 'published'; readonly slots: readonly number[] }
  | { readonly kind: 'unpublished'; readonly slots: readonly number[]; readonly isFinal: boolean }
  | { readonly kind: 'marked'; readonly through: number; readonly open: readonly number[] };

/** Milliseconds. */
export const TIMES = {
  /** A slot that is decided later than this after it was due has been missed. */
  lateMs: 60_000,
  /** How often a slot that somebody else works on is looked at. */
  standbyMs: 30_000,
  /** How soon a run that something else works on is tried again. */
  ownedMs: 15_000,
  retryMs: 30_000,
  /** The longest sleep. */
  restMs: 3_600_000,
} as const;

export const COUNTS = {
  /** Slots that are looked at one by one at either end of a long absence. */
  window: 64,
  /** Settled slots between two marks. */
  markEvery: 32,
  /** Launches before a failure that may pass is final. */
  tries: 5,
  /** Slots whose publication is put off while more are about to run. */
  publishEvery: 50,
} as const;

const FRESH = { nextTry: 0, tries: 0, outcome: null } as const;

/** State at the start of a scheduler, from the newest mark. */
export function stateFrom(mark: { readonly through: number; readonly open: readonly number[] }): ScheduleState {
  return {
    entries: mark.open.map((slot) => ({ ...FRESH, slot, phase: 'taken' })),
    scannedTo: mark.through,
    markedThrough: mark.through,
  };
}

/** The state after something happened. Pure. Units: milliseconds. Errors: none. */
export function applied(state: ScheduleState, what: Happening, rules: ScheduleRules, now: number): ScheduleState {
  switch (what.kind) {
    case 'scanned': {
      const added = what.slots.map((slot) => ({ ...FRESH, slot, phase: 'open' }) as const);
      return { ...state, entries: [...state.entries, ...added], scannedTo: what.scannedTo };
    }
    case 'decided': {
      // Somebody who took a slot long ago may be gone.
      const isWaitedFor = !what.isOurs && now - what.slot <= TIMES.lateMs;
      const nextTry = isWaitedFor ? now + TIMES.standbyMs : now;
      return changed(state, [what.slot], { phase: what.isTaken ? 'taken' : 'ended', nextTry });
    }
    case 'held':
    case 'stopping':
    case 'ended':
      return changed(state, [what.slot], { phase: what.kind });
    case 'busy':
    case 'lost':
      return changed(state, [what.slot], { phase: 'taken', nextTry: now + TIMES.standbyMs });
    case 'launched':
      return changed(state, [what.slot], { phase: 'working' });
    case 'ran':
      return changed(state, [what.slot], { phase: 'ran', nextTry: 0 });
    case 'owned':
      return changed(state, [what.slot], { phase: 'retry', nextTry: now + TIMES.ownedMs });
    case 'waiting': {
      if (now >= what.until) return changed(state, [what.slot], { phase: 'over', outcome: 'failed' });
      const every = rules.waitForInput?.everyMs ?? TIMES.retryMs;
      return changed(state, [what.slot], { phase: 'waiting', nextTry: Math.min(now + every, what.until) });
    }
    case 'failed': {
      const tries = (state.entries.find((e) => e.slot === what.slot)?.tries ?? 0) + 1;
      if (what.isFinal || tries >= COUNTS.tries)
        return changed(state, [what.slot], { phase: 'over', outcome: 'failed' });
      return changed(state, [what.slot], { phase: 'retry', tries, nextTry: now + TIMES.retryMs * 2 ** (tries - 1) });
    }
    case 'over':
      return changed(state, [what.slot], { phase: 'over', outcome: what.outcome });
    case 'publishing':
      return changed(state, what.slots, { phase: 'publishing' });
    case 'published':
      return changed(state, what.slots, { phase: 'over', outcome: 'done' });
    case 'unpublished':
      return what.isFinal
        ? changed(state, what.slots, { phase: 'over', outcome: 'failed' })
        : changed(state, what.slots, { phase: 'ran', nextTry: now + TIMES.retryMs });
    case 'marked':
      return adopted(state, what);
  }
}

function changed(state: ScheduleState, slots: readonly number[], to: Partial<SlotEntry>): ScheduleState {
  return {
    ...state,
    entries: state.entries.map((entry) => (slots.includes(entry.slot) ? { ...entry, ...to } : entry)),
  };
}

/** A mark says more than what is known here when another scheduler wrote it. */
function adopted(state: ScheduleState, mark: Extract<Happening, { kind: 'marked' }>): ScheduleState {
  const open = new Set(mark.open);
  const isOurs = (entry: SlotEntry): boolean => !['open', 'taken', 'ended'].includes(entry.phase);
  const kept = state.entries.filter(
    (e) => e.slot > mark.through || isOurs(e) || (open.has(e.slot) && e.phase !== 'ended'),
  );
  const known = new Set(kept.map((e) => e.slot));
  const ended = new Set(state.entries.filter((e) => e.phase === 'ended').map((e) => e.slot));
  const added = mark.open
    .filter((slot) => !known.has(slot) && !ended.has(slot))
    .map((slot) => ({ ...FRESH, slot, phase: 'taken' }) as const);
  return {
    entries: [...added, ...kept].sort((a, b) => a.slot - b.slot),
    scannedTo: Math.max(state.scannedTo, mark.through),
    markedThrough: Math.max(state.markedThrough, mark.through),
  };
}
