import { describe, expect, it } from 'vitest';
import type { FeatureRow, JobScorer } from '../../../../src/base/contract/job-scorer.ts';
import { PrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import { createLogger } from '../../../../src/base/telemetry/logger.ts';
import { type Delivery, delivery } from '../../../../src/online/stream/delivery.ts';
import { RetryLane } from '../../../../src/online/stream/retry-lane.ts';
import { EventScorer } from '../../../../src/online/stream/score-events.ts';

/*
 * Which events are left when the scorer dies. The scorer is a double of our own seam: it dies of rows that say so.
 */
interface Asked {
  readonly sizes: number[];
  /** Says whether the scorer is down whatever it is asked. */
  isDown: () => boolean;
}

function scorerOf(asked: Asked): EventScorer {
  const score: JobScorer['score'] = async ({ rows }) => {
    asked.sizes.push(rows.length);
    if (asked.isDown() || rows.some((row) => row.values[1] === true))
      throw new PrescoreError('LIVE_UNAVAILABLE', { what: 'the scorer has died' });
    return {
      model: { name: 'm', version: null, sha256: '' },
      rows: rows.map((row) => ({ values: { y: row.values[0] as number } })),
      queueMs: 0,
      computeMs: 0,
      batchRows: 1,
    };
  };
  const scorer = { score } as JobScorer;
  const lane = new RetryLane(createLogger('test', 'silent'), new AbortController().signal, async () => undefined);
  return new EventScorer({ scorer, form: 'json', lane, afterDeathMs: 5, onBatch: () => undefined });
}

function event(n: number, deadly = false, deliveries = 1): Delivery {
  const features: FeatureRow = { names: ['n', 'deadly'], values: [n, deadly] };
  const event = { key: Buffer.from(`k${n}`), timeMs: n, features };
  return Object.assign(delivery({ id: `${n}-0`, fields: [] }, deliveries), { event });
}

const shown = (events: readonly Delivery[]): unknown[] =>
  events.map((e) => (e.isLeft ? 'left' : (e.values?.['y'] ?? null)));

describe('events that the scorer dies of', () => {
  it('are left, and the others of the batch are scored', async () => {
    const asked = { sizes: [], isDown: () => false };
    const events = [event(0), event(1, true), event(2), event(3)];
    await scorerOf(asked).score(events);
    expect(shown(events)).toEqual([0, 'left', 2, 3]);
  });

  it('are scored alone from the third delivery on, so that they take nobody with them', async () => {
    const asked: Asked = { sizes: [], isDown: () => false };
    const events = [event(0), event(1, true, 3), event(2)];
    await scorerOf(asked).score(events);
    expect([shown(events), asked.sizes]).toEqual([
      [0, 'left', 2],
      [2, 1],
    ]);
  });

  it('are not those that fail while nothing works: they wait until something does', async () => {
    const until = performance.now() + 300;
    const asked: Asked = { sizes: [], isDown: () => performance.now() < until };
    const scorer = scorerOf(asked);
    const [first, second] = [event(0), event(1)];
    await scorer.score([first]);
    await scorer.score([second]);
    expect(shown([first, second])).toEqual(['left', 1]);
    expect(asked.sizes.length).toBeGreaterThan(2);
  });
});
