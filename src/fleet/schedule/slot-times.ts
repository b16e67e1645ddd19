import { createHash } from 'node:crypto';
import type { JobSchedule } from '../../base/contract/job.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type CronTimes, readCron } from '../../job/values/cron.ts';
import { Zone } from './zone.ts';

const DAY_MS = 86_400_000;
const KEPT_GAPS = 4;
/** No clock was ever set back by more. */
const FOLD_MS = 4 * 3_600_000;

/**
 * The slots of a schedule as instants. Units: milliseconds since the epoch.
 *
 * An expression with chosen hours has one slot for each local time that it names: in a repeated hour at the first of the two,
 * and the times of a skipped hour together once, when the clock jumps. An expression of every hour follows real time, so that
 * neither a repeated hour goes without slots nor a skipped one gives an extra slot.
 */
export class SlotTimes {
  private readonly job: string;
  private readonly cron: CronTimes;
  private readonly zone: Zone;
  private readonly jitterMs: number;
  /** Gaps between slots that were found last: the same questions are asked again and again. */
  private gaps: readonly { readonly after: number; readonly slot: number }[] = [];

  /** Errors: SPEC_INVALID for an expression that parsing a job file would have refused. */
  constructor(job: string, { cron, timezone, jitterMs }: Pick<JobSchedule, 'cron' | 'timezone' | 'jitterMs'>) {
    const times = readCron(cron);
    if (typeof times === 'string')
      throw new PrescoreError('SPEC_INVALID', { what: `schedule.cron ${times}`, where: job });
    this.job = job;
    this.cron = times;
    this.zone = new Zone(timezone);
    this.jitterMs = jitterMs;
  }

  /** The first slot after an instant; null when there is none. */
  next(after: number): number | null {
    const known = this.gaps.find((gap) => after >= gap.after && after < gap.slot);
    if (known !== undefined) return known.slot;
    const slot = this.cron.isEveryHour ? this.nextReal(after) : this.nextNamed(after);
    if (slot !== null) this.gaps = [{ after, slot }, ...this.gaps.slice(0, KEPT_GAPS - 1)];
    return slot;
  }

  /** The last slot at or before an instant; null when there is none. */
  lastUpTo(at: number): number | null {
    let local = at + this.highestOffset(at) + 1;
    let best: number | null = null;
    // Local times fall back within a repeated hour: those of some more hours are looked at before the best one is it.
    for (;;) {
      const earlier = this.cron.previous(local);
      if (earlier === null || (best !== null && earlier < best + this.highestOffset(best) - FOLD_MS)) return best;
      for (const slot of this.slotsOf(earlier)) if (slot <= at && (best === null || slot > best)) best = slot;
      if (best !== null && !this.cron.isEveryHour) return best;
      local = earlier;
    }
  }

  /** When a slot starts: later than its time by a part of the jitter, which is the same for every scheduler. */
  dueOf(slot: number): number {
    if (this.jitterMs === 0) return slot;
    const digest = createHash('sha256')
      .update(`${this.job} ${new Date(slot).toISOString()}`)
      .digest();
    return slot + Math.floor((digest.readUIntBE(0, 6) / 2 ** 48) * (this.jitterMs + 1));
  }

  /** What the clock of the zone shows at an instant, as if it were UTC. */
  localTime(instant: number): number {
    return instant + this.zone.offsetAt(instant);
  }

  private nextNamed(after: number): number | null {
    let local = after + this.zone.offsetAt(after);
    for (;;) {
      const named = this.cron.next(local);
      if (named === null) return null;
      const [slot] = this.slotsOf(named);
      if (slot !== undefined && slot > after) return slot;
      local = named;
    }
  }

  private nextReal(after: number): number | null {
    let from = after;
    let isInclusive = false;
    for (;;) {
      const offset = this.zone.offsetAt(from);
      const local = this.cron.next(from + offset - (isInclusive ? 1 : 0));
      if (local === null) return null;
      const slot = local - offset;
      if (this.zone.offsetAt(slot) === offset) return slot;
      from = this.zone.changeBetween(from, slot);
      isInclusive = true;
    }
  }

  private slotsOf(local: number): number[] {
    const instants = this.zone.instantsOf(local);
    if (this.cron.isEveryHour) return instants;
    if (instants.length > 0) return instants.slice(0, 1);
    // A skipped time: the jump. It lies between the two readings of the time.
    return [this.zone.changeBetween(local - this.highestOffset(local), local - this.lowestOffset(local))];
  }

  private highestOffset(at: number): number {
    return Math.max(this.zone.offsetAt(at - DAY_MS), this.zone.offsetAt(at), this.zone.offsetAt(at + DAY_MS));
  }

  private lowestOffset(at: number): number {
    return Math.min(this.zone.offsetAt(at - DAY_MS), this.zone.offsetAt(at), this.zone.offsetAt(at + DAY_MS));
  }
}
