import type { JobSchedule } from '../../src/base/contract/job.ts';
import { createLogger } from '../../src/base/telemetry/logger.ts';
import { JobTimetable } from '../../src/fleet/schedule/job-timetable.ts';
import type { ScheduledJob } from '../../src/fleet/schedule/schedule-deps.ts';
import { SlotTimes } from '../../src/fleet/schedule/slot-times.ts';
import { seeded } from '../../src/model/elements/seeded.ts';
import { jobText, parse } from '../../test/unit/job/parse/sample-job.ts';
import { VirtualStore, virtualClock, virtualLauncher, virtualRecords } from './virtual-schedule.ts';
import { type Life, VirtualWorld } from './virtual-world.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const LATE_MS = MINUTE;

export interface YearOptions {
  readonly seed: number;
  readonly schedule: Readonly<Record<string, unknown>> & Pick<JobSchedule, 'cron' | 'timezone' | 'catchUp' | 'overlap'>;
  readonly days: number;
  readonly schedulers: number;
  /** Longest run. Milliseconds. */
  readonly longestMs: number;
  /** A planted fault: what the judge expects instead of what is played, or holds that anyone gets at any time. */
  readonly planted?: { readonly judgedAs?: JobSchedule['catchUp']; readonly areHoldsFree?: boolean };
}

export interface YearResult {
  readonly slots: number;
  readonly scored: number;
  readonly skipped: number;
  readonly replaced: number;
  readonly launches: number;
  readonly marks: number;
  readonly starts: number;
  readonly steps: number;
  /** From due to decision, of slots that were due while a scheduler was up. Milliseconds. */
  readonly worstDelayMs: number;
  readonly faults: readonly string[];
}

/**
 * A year of slots under schedulers that are killed, paused, stopped and started at random, at times all of them: each slot
 * must be scored once, or skipped as the policy says; nothing is scored twice or at the same time as what it excludes.
 */
export async function playYear(options: YearOptions): Promise<YearResult> {
  const random = seeded(options.seed);
  const start = Date.UTC(2026, 0, 1) + Math.floor(random() * 300) * DAY;
  const end = start + options.days * DAY;
  const world = new VirtualWorld(random, start);
  const store = new VirtualStore(options.planted?.areHoldsFree === true);
  const job = parse(
    jobText({ predictions: { store: 'lmdb:sets', key: 'id' }, id: ['id'], schedule: options.schedule }),
  );
  const scheduled = job as ScheduledJob;
  const durations = new Map<string, number>();
  const durationOf = (time: string): number => {
    const known = durations.get(time) ?? Math.floor(random() * random() * options.longestMs);
    durations.set(time, known);
    return known;
  };
  const ups: { from: number; to: number }[] = [];
  let starts = 0;
  const begin = (name: string): { life: Life; stop: AbortController; from: number } => {
    const life: Life = { name: `${name}.${starts++}`, state: 'up', silentSince: 0 };
    const stop = new AbortController();
    const timetable = new JobTimetable(scheduled, {
      id: life.name,
      records: virtualRecords(world, store, life),
      launcher: virtualLauncher(world, store, life, durationOf),
      clock: virtualClock(world, life),
      log: createLogger('proof', 'silent'),
      isOnce: false,
      onEnd: () => undefined,
      onResult: () => undefined,
      onState: () => undefined,
    });
    timetable.run(stop.signal).catch((error: unknown) => store.faults.push(`a scheduler ended: ${String(error)}`));
    return { life, stop, from: world.now };
  };
  // Absences of everybody, one of them long.
  const absences = Array.from({ length: 4 }, (_, i) => {
    const from = start + random() * (options.days - 30) * DAY;
    return { from, to: from + (i === 0 ? 20 : random() * 3) * DAY };
  });
  const isAbsent = (time: number): boolean => absences.some((a) => time >= a.from && time < a.to);
  const returnOf = (time: number): number =>
    Math.max(time, ...absences.filter((a) => time >= a.from && time < a.to).map((a) => a.to));
  for (let i = 0; i < options.schedulers; i++) {
    const cycle = (): void => {
      if (world.now >= end) return;
      const one = begin(`s${i}`);
      const ends = (): void => {
        ups.push({ from: one.from, to: world.now });
        one.life.silentSince = world.now;
        const kind = random();
        const away = 1000 + random() * random() * 2 * DAY;
        const back = returnOf(world.now + away);
        if (kind < 0.4) one.life.state = 'dead';
        else if (kind < 0.7) {
          // Stopped with SIGTERM: it gives back what it has.
          one.stop.abort();
          world.at(world.now + 30_000, null, () => (one.life.state = 'dead'));
        } else {
          one.life.state = 'paused';
          world.at(back, null, () => {
            one.life.state = 'up';
            one.from = world.now;
            plan();
          });
          return;
        }
        world.at(back, null, cycle);
      };
      const plan = (): void => {
        const wanted = world.now + 1000 + random() * 12 * DAY;
        const cut = absences.filter((a) => a.from > world.now).map((a) => a.from);
        world.at(Math.min(wanted, ...cut, end - DAY), null, world.now >= end - DAY ? () => undefined : ends);
      };
      plan();
    };
    world.at(returnOf(start), null, cycle);
  }
  await world.play(end - DAY);
  // A last day on which everybody is there, to finish what is left.
  const last = begin('last');
  ups.push({ from: last.from, to: end });
  await world.play(end);
  return judge({ options, job: scheduled, world, store, ups, start, end, starts, isAbsent });
}

interface Played {
  readonly options: YearOptions;
  readonly job: ScheduledJob;
  readonly world: VirtualWorld;
  readonly store: VirtualStore;
  readonly ups: readonly { readonly from: number; readonly to: number }[];
  readonly start: number;
  readonly end: number;
  readonly starts: number;
  readonly isAbsent: (time: number) => boolean;
}

/** Compares what was done with what the policy says, from the book of the virtual store alone. */
function judge({ options, job, world, store, ups, end, starts }: Played): YearResult {
  const { overlap } = options.schedule;
  const catchUp = options.planted?.judgedAs ?? options.schedule.catchUp;
  const times = new SlotTimes(job.name, job.schedule);
  const faults = [...store.faults];
  const seen = store.marks[0]!.through;
  const [counts, delays] = [{ slots: 0, scored: 0, skipped: 0, replaced: 0 }, [0]];
  const busyAt = (slot: number, from: number, to: number): boolean =>
    store.busy.some((b) => b.slot !== slot && b.from < to && b.to > from);
  for (let slot = times.next(seen); slot !== null && slot < end - DAY / 2; slot = times.next(slot)) {
    counts.slots++;
    const name = new Date(slot).toISOString().slice(0, 16);
    const due = times.dueOf(slot);
    const decision = store.decisions.get(slot);
    const ending = store.endings.get(slot);
    const commits = store.commits.get(`${new Date(slot).toISOString().slice(0, 19)}Z`) ?? 0;
    if (commits > 1) faults.push(`${name} was scored ${commits} times`);
    if (decision?.take === true) {
      if (ending === undefined) faults.push(`${name} was begun and never ended`);
      if (ending?.outcome === 'replaced') counts.replaced++;
      else if (commits !== 1 || ending?.outcome !== 'done')
        faults.push(`${name} was begun and not scored (${ending?.outcome})`);
      else counts.scored++;
      if (ending?.outcome === 'replaced' && overlap !== 'replace') faults.push(`${name} was replaced`);
      const isAttended = ups.some((up) => up.from <= due && up.to > due + LATE_MS);
      if (isAttended && !(overlap !== 'allow' && busyAt(slot, due, decision.at))) delays.push(decision.at - due);
      continue;
    }
    counts.skipped++;
    if (commits > 0) faults.push(`${name} was skipped and scored`);
    // Slots in the middle of a long absence have no decision: the mark passed over them.
    const at = decision?.at ?? end;
    const next = times.next(slot);
    if (catchUp === 'all') faults.push(`${name} was missed`);
    if (at - due <= LATE_MS) faults.push(`${name} was skipped on time`);
    if (catchUp === 'last' && (next === null || times.dueOf(next) > at))
      faults.push(`${name} was the last one and missed`);
    // Somebody was there for 20 seconds of the minute, and nothing kept it back.
    const wasAttended = ups.some((up) => Math.min(up.to, due + LATE_MS) - Math.max(up.from, due) > 20_000);
    if (wasAttended && !busyAt(slot, due - 1, due + LATE_MS))
      faults.push(`${name} was missed while a scheduler was there`);
  }
  const { launches } = store;
  const worstDelayMs = Math.max(...delays);
  return { ...counts, launches, marks: store.marks.length, starts, steps: world.steps, worstDelayMs, faults };
}

/** Schedules that are played: chosen hours and every hour, three zones, every policy. */
export function yearOf(index: number, seed: number, days = 365): YearOptions {
  const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'];
  const crons = ['30 2 * * *', '*/30 1-3 * * *', '15 */4 * * *', '0 * * * *'];
  const catchUps = ['all', 'last', 'none'] as const;
  const overlaps = ['forbid', 'allow', 'replace'] as const;
  const cron = crons[index % crons.length]!;
  return {
    seed: seed * 1000 + index,
    days,
    schedulers: 3,
    longestMs: index % 2 === 0 ? 20 * MINUTE : 80 * MINUTE,
    schedule: {
      cron,
      timezone: zones[index % 3]!,
      catchUp: catchUps[Math.floor(index / 3) % 3]!,
      overlap: overlaps[Math.floor(index / 9) % 3]!,
      jitter: index % 5 === 0 ? '5m' : '0s',
    },
  };
}
