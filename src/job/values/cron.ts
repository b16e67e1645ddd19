import { Cron } from 'croner';

/**
 * The times of a cron expression on a calendar without time zone: every instant that goes in or out is a local wall-clock
 * time, written as if it were UTC. Time zones are the business of `fleet/schedule/slot-times.ts`.
 */
export interface CronTimes {
  /** True when it fires in every hour of a day on which it fires. */
  readonly isEveryHour: boolean;
  /** The first time after one; null when there is none. Units: milliseconds. */
  next(after: number): number | null;
  /** The last time before one; null when there is none. Units: milliseconds. */
  previous(before: number): number | null;
}

/** Where problems are looked for: expressions hold no year, so any start will do. */
const ANY_TIME = Date.UTC(2024, 0, 1);

/** What croner reads besides this changes with the clock (`?`), the version (`@daily`) or the logic of the days (`+`). */
export const CRON_PATTERN = '^[0-9A-Za-z*,/#-]+( +[0-9A-Za-z*,/#-]+){4}$';

/**
 * Reads five fields: minute, hour, day of the month, month, day of the week; numbers, names, lists, ranges and steps, `L`,
 * `W` and `#`. When both days are given, one of them is enough, as in every cron.
 *
 * Errors: none; a text that is no expression, or one that never fires, gives the sentence that says so.
 */
export function readCron(text: string): CronTimes | string {
  if (!new RegExp(CRON_PATTERN).test(text)) {
    const fields = text.trim().split(/\s+/).length;
    return fields === 5 ? 'is not a cron expression' : `has ${fields} fields, not five`;
  }
  let cron: Cron;
  try {
    // With a time zone, even UTC, croner formats dates by locale: eight times slower than an offset.
    cron = new Cron(text, { mode: '5-part', utcOffset: 0, paused: true });
  } catch (error) {
    return `is not a cron expression (${reason(error)})`;
  }
  const times: CronTimes = {
    isEveryHour: /^(\*|\*\/1|0-23)$/.test(text.split(/ +/)[1] ?? ''),
    next: (after) => cron.nextRun(new Date(after))?.getTime() ?? null,
    previous: (before) => cron.previousRuns(1, new Date(before))[0]?.getTime() ?? null,
  };
  return times.next(ANY_TIME) === null ? 'never fires: there is no such day' : times;
}

/** The shortest time between two of the next 100 times. Units: milliseconds. Errors: none. */
export function shortestGap(times: CronTimes): number {
  let shortest = Number.POSITIVE_INFINITY;
  let before = times.next(ANY_TIME);
  for (let i = 0; i < 100 && before !== null; i++) {
    const after = times.next(before);
    if (after !== null) shortest = Math.min(shortest, after - before);
    before = after;
  }
  return shortest;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^CronPattern: (Syntax error, )?/, '') : String(error);
}
