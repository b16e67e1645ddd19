import { describe, expect, test } from 'vitest';
import { SlotTimes } from '../../../../src/fleet/schedule/slot-times.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

const times = (cron: string, timezone: string, jitterMs = 0): SlotTimes =>
  new SlotTimes('job', { cron, timezone, jitterMs });

function between(slots: SlotTimes, from: string, to: string): string[] {
  const found: string[] = [];
  for (let at = slots.next(Date.parse(from) - 1); at !== null && at < Date.parse(to); at = slots.next(at)) {
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

describe('chosen hours: one slot for each local time', () => {
  test('a skipped time fires once, at the jump', () => {
    // Europe/Berlin jumps from 02:00 to 03:00 on 29 March 2026, at 01:00Z.
    expect(between(times('30 2 * * *', 'Europe/Berlin'), '2026-03-28T00:00Z', '2026-03-31T00:00Z')).toEqual([
      '2026-03-28T01:30',
      '2026-03-29T01:00',
      '2026-03-30T00:30',
    ]);
    expect(between(times('*/20 1-3 * * *', 'Europe/Berlin'), '2026-03-29T00:00Z', '2026-03-29T12:00Z')).toEqual([
      '2026-03-29T00:00',
      '2026-03-29T00:20',
      '2026-03-29T00:40',
      '2026-03-29T01:00',
      '2026-03-29T01:20',
      '2026-03-29T01:40',
    ]);
  });

  test('a repeated time fires the first time only', () => {
    // 03:00 becomes 02:00 on 25 October 2026, at 01:00Z.
    expect(between(times('30 2 * * *', 'Europe/Berlin'), '2026-10-24T00:00Z', '2026-10-27T00:00Z')).toEqual([
      '2026-10-24T00:30',
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ]);
    // From within the second 02:30.
    expect(times('*/10 2 * * *', 'Europe/Berlin').next(Date.parse('2026-10-25T01:30Z'))).toBe(
      Date.parse('2026-10-26T01:00Z'),
    );
  });

  test('half an hour in Lord Howe', () => {
    // 02:00 becomes 02:30 on 4 October 2026, at 15:30Z of the 3rd; 02:00 becomes 01:30 on 5 April 2026, at 15:00Z of the 4th.
    const slots = times('15 2 * * *', 'Australia/Lord_Howe');
    expect(between(slots, '2026-10-02T00:00Z', '2026-10-05T00:00Z')).toEqual([
      '2026-10-02T15:45',
      '2026-10-03T15:30',
      '2026-10-04T15:15',
    ]);
    expect(between(times('45 1 * * *', 'Australia/Lord_Howe'), '2026-04-04T00:00Z', '2026-04-06T00:00Z')).toEqual([
      '2026-04-04T14:45',
      '2026-04-05T15:15',
    ]);
  });
});

describe('every hour: real time', () => {
  test('the repeated hour has its slots, the skipped one none', () => {
    expect(between(times('30 * * * *', 'Europe/Berlin'), '2026-10-24T23:00Z', '2026-10-25T03:00Z')).toEqual([
      '2026-10-24T23:30',
      '2026-10-25T00:30',
      '2026-10-25T01:30',
      '2026-10-25T02:30',
    ]);
    expect(between(times('30 * * * *', 'Europe/Berlin'), '2026-03-28T23:00Z', '2026-03-29T03:00Z')).toEqual([
      '2026-03-28T23:30',
      '2026-03-29T00:30',
      '2026-03-29T01:30',
      '2026-03-29T02:30',
    ]);
  });

  test('only the days that are named', () => {
    expect(between(times('0 * 25 10 *', 'Europe/Berlin'), '2026-10-24T00:00Z', '2026-10-27T00:00Z')).toHaveLength(25);
    expect(between(times('0 * 29 3 *', 'Europe/Berlin'), '2026-03-28T00:00Z', '2026-03-31T00:00Z')).toHaveLength(23);
  });
});

// A year, minute by minute: what the clock showed decides.
describe.each(['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Casablanca'])(
  '%s in 2026, against a walk over every minute',
  (zone) => {
    const from = Date.UTC(2026, 0, 1);
    const clock = wallClock(zone, from, 366 * 24 * 60);
    const first = new Map<number, number>();
    for (const [i, local] of clock.entries()) if (!first.has(local)) first.set(local, from + i * MINUTE);

    test.each([
      ['30 2 * * *', (m: number, h: number) => m === 30 && h === 2],
      ['*/20 1-3 * * *', (m: number, h: number) => m % 20 === 0 && h >= 1 && h <= 3],
      ['0 */6 * * *', (m: number, h: number) => m === 0 && h % 6 === 0],
      ['45 1,2 * * 0', (m: number, h: number, d: number) => m === 45 && (h === 1 || h === 2) && d === 0],
    ])('%s', (cron, matches) => {
      const expected = new Set<number>();
      let shown = clock[0]!;
      for (const [i, local] of clock.entries()) {
        const instant = from + i * MINUTE;
        // Times that the clock went over just now.
        for (let skipped = shown + MINUTE; skipped < local; skipped += MINUTE)
          if (fits(skipped, matches)) expected.add(instant);
        if (first.get(local) === instant && fits(local, matches)) expected.add(instant);
        shown = Math.max(shown, local);
      }
      check(times(cron, zone), expected);
    });

    test.each([
      ['30 * * * *', (m: number) => m === 30],
      ['*/45 * * * 0', (m: number, _h: number, d: number) => m % 45 === 0 && d === 0],
    ])('%s', (cron, matches) => {
      const hits = [...clock.entries()].filter(([, local]) => fits(local, matches));
      check(times(cron, zone), new Set(hits.map(([i]) => from + i * MINUTE)));
    });

    function check(slots: SlotTimes, expected: ReadonlySet<number>): void {
      const to = from + 365 * 24 * HOUR;
      const wanted = [...expected].filter((at) => at >= from + HOUR && at < to).sort((a, b) => a - b);
      expect(wanted.length).toBeGreaterThan(50);
      const got: number[] = [];
      for (let at = slots.next(from + HOUR - 1); at !== null && at < to; at = slots.next(at)) got.push(at);
      expect(got).toEqual(wanted);
      for (let i = 1; i < wanted.length; i += Math.ceil(wanted.length / 200)) {
        expect(slots.lastUpTo(wanted[i]!)).toBe(wanted[i]);
        expect(slots.lastUpTo(wanted[i]! - 1)).toBe(wanted[i - 1]);
      }
    }
  },
);

function fits(local: number, matches: (minute: number, hour: number, day: number) => boolean): boolean {
  const date = new Date(local);
  return matches(date.getUTCMinutes(), date.getUTCHours(), date.getUTCDay());
}

/** What the clock shows at each minute, by Intl's words alone. */
function wallClock(zone: string, from: number, minutes: number): number[] {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  const shown: number[] = [];
  for (let i = 0; i < minutes; i += 15) {
    const start = Date.parse(`${format.format(from + i * MINUTE).replace(' ', 'T')}Z`);
    for (let j = 0; j < 15; j++) shown.push(start + j * MINUTE);
  }
  return shown;
}

test('jitter is the same everywhere, within its bound, and spread', () => {
  const jobs = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const slot = Date.UTC(2026, 0, 1, 2);
  const due = (job: string): number =>
    new SlotTimes(job, { cron: '0 2 * * *', timezone: 'UTC', jitterMs: 600_000 }).dueOf(slot);
  expect(jobs.map(due)).toEqual(jobs.map(due));
  for (const job of jobs) expect(due(job) - slot).toBeGreaterThanOrEqual(0);
  for (const job of jobs) expect(due(job) - slot).toBeLessThanOrEqual(600_000);
  expect(new Set(jobs.map(due)).size).toBe(jobs.length);
  expect(times('0 2 * * *', 'UTC').dueOf(slot)).toBe(slot);
});

test('a schedule that fires rarely', () => {
  const leap = times('0 12 29 2 *', 'America/New_York');
  expect(leap.next(Date.UTC(2026, 0, 1))).toBe(Date.parse('2028-02-29T17:00Z'));
  expect(leap.lastUpTo(Date.UTC(2026, 0, 1))).toBe(Date.parse('2024-02-29T17:00Z'));
});
