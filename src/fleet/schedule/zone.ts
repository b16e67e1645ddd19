const QUARTER_MS = 900_000;
const DAY_MS = 86_400_000;
const MOST_KEPT = 10_000;

/**
 * The wall clock of a time zone. A local time is written as the milliseconds that the same digits would have in UTC.
 * Units: milliseconds. Errors: none; the zone was checked with the job file.
 */
export class Zone {
  private readonly format: Intl.DateTimeFormat;
  /** Zones change their offset on quarters of an hour only. */
  private readonly known = new Map<number, number>();

  constructor(name: string) {
    const two = '2-digit';
    this.format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: two,
      day: two,
      hour: two,
      minute: two,
      second: two,
    });
  }

  /** What is added to an instant to get the local time. */
  offsetAt(instant: number): number {
    const quarter = Math.floor(instant / QUARTER_MS);
    const known = this.known.get(quarter);
    if (known !== undefined) return known;
    const offset = this.readOffset(quarter * QUARTER_MS);
    if (this.known.size >= MOST_KEPT) this.known.clear();
    this.known.set(quarter, offset);
    return offset;
  }

  /** The instants at which the clock shows a local time: none in a skipped hour, two in a repeated one, in order. */
  instantsOf(local: number): number[] {
    const before = local - this.offsetAt(local - DAY_MS);
    const after = local - this.offsetAt(local + DAY_MS);
    const candidates = before === after ? [before] : [Math.min(before, after), Math.max(before, after)];
    return candidates.filter((instant) => instant + this.offsetAt(instant) === local);
  }

  /** The first instant in (from, to] whose offset is not that of `from`; the caller knows that there is one. */
  changeBetween(from: number, to: number): number {
    const offset = this.offsetAt(from);
    let low = Math.floor(from / QUARTER_MS);
    let high = Math.floor(to / QUARTER_MS);
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetAt(middle * QUARTER_MS) === offset) low = middle;
      else high = middle;
    }
    return high * QUARTER_MS;
  }

  private readOffset(instant: number): number {
    const parts: Record<string, number> = {};
    for (const { type, value } of this.format.formatToParts(instant)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - instant;
  }
}
