import { type Action, COUNTS, type ScheduleRules, type ScheduleState, TIMES } from './slot-state.ts';
import type { SlotTimes } from './slot-times.ts';

type Times = Pick<SlotTimes, 'next' | 'lastUpTo' | 'dueOf'>;

/** Phases in which a slot keeps others from starting, unless they may overlap. A waiting one does not. */
const IN_WORK: ReadonlySet<string> = new Set(['taken', 'held', 'working', 'retry']);
const OURS: ReadonlySet<string> = new Set(['held', 'working', 'retry']);

/**
 * The step of the scheduler: what to do next for a job, from what is known and the clock. Pure, so that a year can be played
 * in a test. The caller does it, applies what happened, and asks again until it is told to sleep.
 *
 * Units: milliseconds since the epoch. Errors: none.
 */
export function nextAction(times: Times, rules: ScheduleRules, state: ScheduleState, now: number): Action {
  return (
    replacing(rules, state) ??
    // New slots come before old ones that wait: these must not keep those back.
    deciding(times, rules, state, now) ??
    scanning(times, rules, state, now) ??
    working(rules, state, now) ??
    publishing(rules, state, now) ??
    marking(state) ?? { do: 'sleep', until: wakeTime(times, state, now) }
  );
}

/** With `replace`, a slot that was taken ends those before it, whoever took it. */
function replacing(rules: ScheduleRules, state: ScheduleState): Action | null {
  if (rules.overlap !== 'replace') return null;
  const newest = state.entries.findLast((e) => IN_WORK.has(e.phase));
  const older = state.entries.find((e) => newest !== undefined && e.slot < newest.slot && OURS.has(e.phase));
  return older === undefined ? null : { do: 'stop', slot: older.slot };
}

/** Decides about the oldest slot that is due and open; later ones wait for that, so that all schedulers see one order. */
function deciding(times: Times, rules: ScheduleRules, state: ScheduleState, now: number): Action | null {
  const entry = state.entries.find((e) => e.phase === 'open');
  if (entry === undefined) return null;
  const due = times.dueOf(entry.slot);
  if (due > now) return null;
  const { slot } = entry;
  if (!rules.hasTargets(slot)) return { do: 'decide', slot, take: false, why: 'no-partition' };
  const isLate = now - due > TIMES.lateMs;
  const next = times.next(slot);
  const isLast = next === null || times.dueOf(next) > now;
  if (isLate && (rules.catchUp === 'none' || (rules.catchUp === 'last' && !isLast))) {
    return { do: 'decide', slot, take: false, why: 'missed' };
  }
  // Slots that are made up for do not replace one another: all of them are wanted.
  if (isFree(rules, state) || (rules.overlap === 'replace' && !isLate))
    return { do: 'decide', slot, take: true, why: null };
  return null;
}

function working(rules: ScheduleRules, state: ScheduleState, now: number): Action | null {
  for (const { slot, phase, nextTry, outcome } of state.entries) {
    if (phase === 'held') return { do: 'launch', slot };
    if (phase === 'over') return { do: 'end', slot, outcome: outcome ?? 'failed' };
    if (nextTry > now) continue;
    if (phase === 'taken') return { do: 'hold', slot };
    if (phase === 'retry') return { do: 'launch', slot };
    if (phase === 'waiting' && isFree(rules, state)) return { do: 'launch', slot };
  }
  return null;
}

function isFree(rules: ScheduleRules, state: ScheduleState): boolean {
  return rules.overlap === 'allow' || !state.entries.some((e) => IN_WORK.has(e.phase));
}

/**
 * Makes entries of slots whose time has come: a window of them at a time. After a long absence the middle is jumped over in
 * one mark, unless all slots are wanted: a scheduler that was down for a year starts in seconds.
 */
function scanning(times: Times, rules: ScheduleRules, state: ScheduleState, now: number): Action | null {
  const open = state.entries.filter((e) => e.phase === 'open').length;
  if (open > 0) return null;
  const slots: number[] = [];
  for (let slot = times.next(state.scannedTo); slot !== null && slot <= now; slot = times.next(slot)) {
    slots.push(slot);
    if (slots.length === COUNTS.window) break;
  }
  const first = slots[0];
  const last = slots.at(-1);
  if (first === undefined || last === undefined) return null;
  // What others may have taken since the last mark is looked at one by one first.
  const looked = state.entries.filter((e) => e.slot > state.markedThrough).length;
  const isLong = slots.length === COUNTS.window && rules.catchUp !== 'all' && looked >= COUNTS.window;
  const resume = isLong ? windowBefore(times, now) : null;
  if (resume !== null && resume > last) {
    return { do: 'mark', through: resume - 1, open: unsettled(state, resume) };
  }
  return { do: 'scan', slots, scannedTo: last };
}

/** The slot from which the last window before now begins. */
function windowBefore(times: Times, now: number): number | null {
  let slot = times.lastUpTo(now);
  for (let i = 1; i < COUNTS.window && slot !== null; i++) slot = times.lastUpTo(slot - 1) ?? slot;
  return slot;
}

/** Publishes once for all that ran, when nothing more of the job is about to end here. */
function publishing(rules: ScheduleRules, state: ScheduleState, now: number): Action | null {
  const ran = state.entries.filter((e) => e.phase === 'ran' && e.nextTry <= now).map((e) => e.slot);
  const [slot] = ran;
  if (slot === undefined) return null;
  if (!rules.isPublished) return { do: 'end', slot, outcome: 'done' };
  if (state.entries.some((e) => e.phase === 'publishing')) return null;
  const isMoreComing = state.entries.some((e) => e.phase === 'working' || e.phase === 'held');
  return isMoreComing && ran.length < COUNTS.publishEvery ? null : { do: 'publish', slots: ran };
}

function marking(state: ScheduleState): Action | null {
  const ended = state.entries.filter((e) => e.phase === 'ended').length;
  if (ended < COUNTS.markEvery) return null;
  const firstOpen = state.entries.find((e) => e.phase === 'open')?.slot;
  const through = firstOpen === undefined ? state.scannedTo : firstOpen - 1;
  if (through <= state.markedThrough && !state.entries.some((e) => e.phase === 'ended' && e.slot <= through))
    return null;
  return { do: 'mark', through, open: unsettled(state, through + 1) };
}

function unsettled(state: ScheduleState, before: number): number[] {
  return state.entries.filter((e) => e.slot < before && e.phase !== 'ended').map((e) => e.slot);
}

function wakeTime(times: Times, state: ScheduleState, now: number): number {
  const next = times.next(state.scannedTo);
  const open = state.entries.find((e) => e.phase === 'open')?.slot;
  const tries = state.entries
    .filter((e) => ['taken', 'waiting', 'retry', 'ran'].includes(e.phase) && e.nextTry > now)
    .map((e) => e.nextTry);
  const dues = [open, next].flatMap((slot) => (slot == null ? [] : [times.dueOf(slot)])).filter((due) => due > now);
  return Math.min(now + TIMES.restMs, ...tries, ...dues);
}
