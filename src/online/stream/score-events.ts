import type { FeatureForm, JobScorer, RowScore } from '../../base/contract/job-scorer.ts';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import type { Delivery } from './delivery.ts';
import type { RetryLane } from './retry-lane.ts';

const SCORE_DEADLINE_MS = 60_000;
const AFTER_DEATH_MS = 1_000;
const MOST_FAILURES = 5;
/** From this delivery on an event is scored alone: it may be what ended those who held it. */
const ALONE_FROM = 3;

export interface ScoreEventsOptions {
  readonly scorer: JobScorer;
  readonly form: FeatureForm;
  readonly lane: RetryLane;
  /** A scorer that has died needs a moment before another event is tried. */
  readonly afterDeathMs?: number;
  readonly onBatch: (rows: number, seconds: number) => void;
}

/**
 * Scores the events of a batch. One that the scorer dies of must not take the others with it: after a death each is scored
 * alone, and one that fails while others do not is left in the stream, where its deliveries are counted. While none can be
 * scored nothing is left and nothing counts: it is tried again until the scorer is back.
 */
export class EventScorer {
  private readonly options: ScoreEventsOptions;
  /** A single event was left since anything was scored: the next failure is an outage. */
  private isDoubtful = false;

  constructor(options: ScoreEventsOptions) {
    this.options = options;
  }

  /** Errors: those of `JobScorer.score` that are not of the moment, such as MODEL_OUTPUT_SHAPE. */
  async score(deliveries: readonly Delivery[]): Promise<void> {
    const open = deliveries.filter((d) => d.event !== null && d.fault === null);
    const together = open.filter((d) => d.deliveries < ALONE_FROM);
    const alone = open.filter((d) => d.deliveries >= ALONE_FROM);
    for (const group of [together, ...alone.map((one) => [one])]) if (group.length > 0) await this.scoreGroup(group);
  }

  private async scoreGroup(group: readonly Delivery[]): Promise<void> {
    await this.options.lane.until('scoring', async () => {
      try {
        await this.scoreRows(group);
      } catch (error) {
        if (!isDeath(error)) throw error;
        if (!(await this.isolated(group))) throw error;
      }
    });
  }

  /** True when it is known which events go down with the scorer. */
  private async isolated(group: readonly Delivery[]): Promise<boolean> {
    if (group.length === 1) {
      if (this.isDoubtful) return false;
      this.isDoubtful = true;
      group[0]!.isLeft = true;
      return true;
    }
    const { lane, afterDeathMs = AFTER_DEATH_MS } = this.options;
    const failed: Delivery[] = [];
    await lane.pause(afterDeathMs);
    for (const one of group) {
      try {
        await this.scoreRows([one]);
      } catch (error) {
        if (!isDeath(error)) throw error;
        failed.push(one);
        // Nothing works: it is not the events.
        if (failed.length === MOST_FAILURES && group.every((d) => d.values === null && d.fault === null)) return false;
        await lane.pause(afterDeathMs * Math.min(failed.length, MOST_FAILURES));
      }
    }
    if (failed.length === group.length) return false;
    for (const one of failed) one.isLeft = true;
    return true;
  }

  private async scoreRows(group: readonly Delivery[]): Promise<void> {
    const waiting = group.filter((d) => d.values === null && d.fault === null);
    if (waiting.length === 0) return;
    const { scorer, form, onBatch } = this.options;
    const started = performance.now();
    const rows = waiting.map((d) => d.event!.features);
    const scores = await scorer.score({ rows, form, deadlineMs: SCORE_DEADLINE_MS, priority: 0, signal: null });
    onBatch(rows.length, (performance.now() - started) / 1000);
    this.isDoubtful = false;
    waiting.forEach((one, i) => {
      take(one, scores.rows[i]!);
    });
  }
}

function take(one: Delivery, score: RowScore): void {
  if ('values' in score) one.values = score.values;
  else one.fault = { rule: score.rule, column: score.column, message: score.message };
}

function isDeath(error: unknown): boolean {
  return isPrescoreError(error) && error.code === 'LIVE_UNAVAILABLE';
}
