import { describe, expect, it } from 'vitest';
import { Metrics } from '../../../../src/base/telemetry/metrics.ts';

const BOUNDS = [0.5, 1, 10];

describe('metrics whose labels are looked up once', () => {
  it('read like those of prom-client', async () => {
    const [own, theirs] = [new Metrics({ withProcess: false }), new Metrics({ withProcess: false })];
    const labels = ['set', 'outcome'];
    const [cells, counter] = [own.cellCounter('a_total', 'A.', labels), theirs.counter('a_total', 'A.', labels)];
    const [series, histogram] = [
      own.cellHistogram('b', 'B.', BOUNDS, ['set']),
      theirs.histogram('b', 'B.', BOUNDS, ['set']),
    ];
    for (const set of ['x', 'a "quoted" one']) {
      const cell = cells.cell({ set, outcome: 'hit' });
      const one = series.series({ set });
      for (const value of [0, 0.5, 0.7, 1, 3, 10, 11, 1e6]) {
        cell.count += 2;
        counter.inc({ set, outcome: 'hit' }, 2);
        one.observe(value);
        histogram.observe({ set }, value);
      }
      expect((await own.read()).text).toBe((await theirs.read()).text);
    }
  });
});
