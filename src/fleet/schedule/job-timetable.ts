import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { nextAction } from './next-action.ts';
import type { ScheduleDeps, ScheduledJob } from './schedule-deps.ts';
import type { Mark, SlotHold } from './schedule-records.ts';
import { endingOf, happeningOf, isoTime, withFailure } from './slot-result.ts';
import { runSlotTargets, type SlotResult } from './slot-runner.ts';
import {
  type Action,
  applied,
  COUNTS,
  type Happening,
  type ScheduleRules,
  type ScheduleState,
  type SlotOutcome,
  stateFrom,
} from './slot-state.ts';
import { slotTargets } from './slot-targets.ts';
import { SlotTimes } from './slot-times.ts';

const LEAST_REST_MS = 1000;
const MOST_REST_MS = 60_000;

/** The schedule of one job: does what `nextAction` says, one thing at a time, with the runs themselves in the background. */
export class JobTimetable {
  private job: ScheduledJob;
  private readonly deps: ScheduleDeps;
  private times: SlotTimes;
  private state: ScheduleState | null = null;
  private lastMark = 0;
  private isRedefined = false;
  private wake = new AbortController();
  private readonly holds = new Map<number, SlotHold>();
  private readonly launches = new Map<number, AbortController>();
  private readonly results = new Map<number, SlotResult>();
  private readonly background = new Set<Promise<void>>();

  constructor(job: ScheduledJob, deps: ScheduleDeps) {
    this.job = job;
    this.deps = deps;
    this.times = new SlotTimes(job.name, job.schedule);
  }

  /** Takes a changed job file up. Slots in work go on as they were begun; another cron or zone counts from now. */
  update(job: ScheduledJob): void {
    const { cron, timezone } = this.job.schedule;
    this.isRedefined ||= job.schedule.cron !== cron || job.schedule.timezone !== timezone;
    this.job = job;
    this.times = new SlotTimes(job.name, job.schedule);
    this.wake.abort();
  }

  /**
   * Runs slots until it is stopped (or, once, until nothing is left to do now). Failures of the store are logged and tried
   * again. Slots in work are given back to whoever comes next.
   *
   * Errors: none, but those of the store with `isOnce`.
   */
  async run(stop: AbortSignal): Promise<void> {
    const onStop = (): void => this.wake.abort();
    stop.addEventListener('abort', onStop);
    let rest = LEAST_REST_MS;
    try {
      while (!stop.aborted) {
        try {
          if (!(await this.step(stop))) break;
          rest = LEAST_REST_MS;
        } catch (error) {
          if (this.deps.isOnce) throw error;
          this.deps.log.error({ error: toPrescoreError(error).message }, 'cannot go on; trying again');
          await this.rest(this.deps.clock.now() + rest);
          rest = Math.min(rest * 2, MOST_REST_MS);
        }
      }
    } finally {
      stop.removeEventListener('abort', onStop);
      for (const launch of this.launches.values()) launch.abort();
      await Promise.all(this.background);
      await Promise.allSettled([...this.holds.values()].map((hold) => hold.release()));
    }
  }

  /** One action; false when there is nothing left to do (once only). */
  private async step(stop: AbortSignal): Promise<boolean> {
    const state = this.state ?? (await this.begin());
    if (this.isRedefined) {
      this.isRedefined = !(await this.mark(this.deps.clock.now(), unsettled(state)));
      return true;
    }
    const action = nextAction(this.times, this.rules(), state, this.deps.clock.now());
    if (action.do !== 'sleep') {
      await this.perform(action);
      return true;
    }
    if (this.deps.isOnce && this.background.size === 0) return false;
    if (!stop.aborted) await this.rest(action.until);
    return true;
  }

  private async perform(action: Exclude<Action, { readonly do: 'sleep' }>): Promise<void> {
    const { records, id, clock, log } = this.deps;
    switch (action.do) {
      case 'scan':
        return this.happened({ kind: 'scanned', slots: action.slots, scannedTo: action.scannedTo });
      case 'mark':
        return void (await this.mark(action.through, action.open));
      case 'decide': {
        const { slot, take, why } = action;
        const holds = await records.decide(slot, { take, why, by: id, at: clock.now() });
        const isOurs = holds.by === id;
        if (isOurs && !take) log.info({ slot: isoTime(slot), why }, 'slot skipped');
        return this.happened({ kind: 'decided', slot, isTaken: holds.take, isOurs });
      }
      case 'hold':
        return this.hold(action.slot);
      case 'launch':
        return this.launch(action.slot);
      case 'stop': {
        const launch = this.launches.get(action.slot);
        if (launch === undefined) return this.happened({ kind: 'over', slot: action.slot, outcome: 'replaced' });
        // Workers go on with a run that nobody waits for, unless it is cancelled.
        launch.abort(new PrescoreError('RUN_CANCELLED', { what: 'a newer slot takes its place' }));
        return this.happened({ kind: 'stopping', slot: action.slot });
      }
      case 'publish':
        return this.publish(action.slots);
      case 'end':
        return this.end(action.slot, action.outcome);
    }
  }

  /** From the newest mark; the first scheduler that ever sees the job begins now. */
  private async begin(): Promise<ScheduleState> {
    const { records, clock } = this.deps;
    const mark = await records.newestMark();
    const { cron, timezone } = this.job.schedule;
    this.lastMark = mark?.n ?? 0;
    if (mark !== null && mark.cron === cron && mark.timezone === timezone) this.state = stateFrom(mark);
    else {
      const open = mark === null ? [] : await this.leftOpen(mark);
      this.state = stateFrom({ through: mark?.through ?? clock.now(), open });
      await this.mark(clock.now(), open);
    }
    return this.state;
  }

  /** Slots of an earlier definition that were taken and have not ended. */
  private async leftOpen(mark: Mark): Promise<number[]> {
    const { records, clock } = this.deps;
    const open = [...mark.open];
    const times = new SlotTimes(this.job.name, { cron: mark.cron, timezone: mark.timezone, jitterMs: 0 });
    let slot = times.next(mark.through);
    for (let i = 0; i < 2 * COUNTS.window && slot !== null && slot <= clock.now(); i++) {
      if ((await records.decision(slot))?.take === true && (await records.ending(slot)) === null) open.push(slot);
      slot = times.next(slot);
    }
    return open;
  }

  /** False when another scheduler's mark holds instead, which is then taken over. */
  private async mark(through: number, open: readonly number[]): Promise<boolean> {
    const { cron, timezone } = this.job.schedule;
    const mark = { n: this.lastMark + 1, through, open, cron, timezone, by: this.deps.id };
    const holds = await this.deps.records.addMark(mark);
    this.lastMark = holds.n;
    this.happened({ kind: 'marked', through: holds.through, open: holds.open });
    return holds.by === this.deps.id;
  }

  private async hold(slot: number): Promise<void> {
    const { records } = this.deps;
    const hold = await records.hold(slot);
    if (hold === null)
      return this.happened((await records.ending(slot)) === null ? { kind: 'busy', slot } : { kind: 'ended', slot });
    if ((await records.ending(slot)) !== null) {
      await hold.release();
      return this.happened({ kind: 'ended', slot });
    }
    this.holds.set(slot, hold);
    this.happened({ kind: 'held', slot });
  }

  private launch(slot: number): void {
    const { job } = this;
    const { launcher, log } = this.deps;
    const targets = slotTargets(job, this.times, slot);
    const launch = new AbortController();
    const lost = this.holds.get(slot)?.lost;
    this.launches.set(slot, launch);
    this.happened({ kind: 'launched', slot });
    log.info(
      {
        slot: isoTime(slot),
        runs: targets.length,
        partition: targets.length === 1 ? targets[0]!.partition : undefined,
      },
      'slot started',
    );
    const signal = lost === undefined ? launch.signal : AbortSignal.any([launch.signal, lost]);
    this.inBackground(async () => {
      const result = await runSlotTargets(job, targets, launcher, signal);
      this.launches.delete(slot);
      const wasWaiting = this.results.get(slot)?.kind === 'waiting';
      this.results.set(slot, result);
      this.deps.onResult(job, slot, result);
      const isStopped = this.state?.entries.find((e) => e.slot === slot)?.phase === 'stopping';
      if (lost?.aborted === true) {
        this.holds.delete(slot);
        return this.happened({ kind: 'lost', slot });
      }
      if (isStopped && result.kind !== 'ran') return this.happened({ kind: 'over', slot, outcome: 'replaced' });
      const until = this.times.dueOf(slot) + (job.schedule.waitForInput?.forMs ?? 0);
      const facts = { slot: isoTime(slot), why: result.why, until: isoTime(until) };
      // Once is news; that a look has found nothing again is not.
      if (result.kind === 'waiting') log[wasWaiting ? 'debug' : 'info'](facts, 'slot waits for its input');
      this.happened(happeningOf(slot, result, until));
    });
  }

  private publish(slots: readonly number[]): void {
    const { job } = this;
    const { launcher, log } = this.deps;
    const stop = new AbortController();
    this.launches.set(-1, stop);
    this.happened({ kind: 'publishing', slots });
    this.inBackground(async () => {
      try {
        const published = await launcher.publish(job, stop.signal);
        if (published !== null)
          log.info({ set: published.set, outcome: published.outcome, rows: published.rows }, 'set published');
        this.happened({ kind: 'published', slots });
      } catch (error) {
        const known = toPrescoreError(error);
        log.error({ error: known.message }, 'publishing failed');
        const isFinal = !known.retryable;
        if (isFinal) for (const slot of slots) this.results.set(slot, withFailure(this.results.get(slot), known));
        this.happened({ kind: 'unpublished', slots, isFinal });
      } finally {
        this.launches.delete(-1);
      }
    });
  }

  private async end(slot: number, outcome: SlotOutcome): Promise<void> {
    const { records, id, clock, log } = this.deps;
    const result = this.results.get(slot) ?? null;
    const ending = endingOf(slot, outcome, result, id, clock.now());
    const holds = await records.end(slot, ending);
    await this.holds.get(slot)?.release();
    this.holds.delete(slot);
    this.results.delete(slot);
    this.happened({ kind: 'ended', slot });
    const line = {
      slot: isoTime(slot),
      outcome,
      runs: ending.runs.slice(0, 10),
      rows: ending.rows,
      rejected: ending.rejected,
    };
    if (outcome === 'failed') log.error({ ...line, error: ending.error?.message }, 'slot failed');
    else log.info(line, 'slot ended');
    if (holds.by === id) this.deps.onEnd(this.job, ending, result);
  }

  private inBackground(work: () => Promise<void>): void {
    const task = work()
      .catch((error: unknown) => this.deps.log.error({ error: toPrescoreError(error).message }, 'unexpected'))
      .finally(() => {
        this.background.delete(task);
        this.wake.abort();
      });
    this.background.add(task);
  }

  private happened(what: Happening, now = this.deps.clock.now()): void {
    if (this.state === null) return;
    this.state = applied(this.state, what, this.rules(), now);
    this.deps.onState(this.job, this.state);
  }

  private rules(): ScheduleRules {
    const { job, times } = this;
    return {
      ...job.schedule,
      isPublished: job.predictions !== null,
      hasTargets: (slot) => slotTargets(job, times, slot).length > 0,
    };
  }

  private async rest(until: number): Promise<void> {
    await this.deps.clock.until(until, this.wake.signal);
    this.wake = new AbortController();
  }
}

function unsettled(state: ScheduleState): number[] {
  return state.entries.filter((e) => e.phase !== 'open' && e.phase !== 'ended').map((e) => e.slot);
}
