import { describe, expect, it } from 'vitest';
import { formatRunId, type Slot } from '../../../../src/job/slots/run-id.ts';
import { slotOfRunId } from '../../../../src/job/slots/slot-of-run.ts';
import { jobText, parse } from '../parse/sample-job.ts';

const partitioned = { input: { uri: 'in/{partition}.parquet' }, output: { uri: 'out/{partition}' } };
const jobs = {
  plain: parse(jobText()),
  listed: parse(jobText({ ...partitioned, partitions: { values: ['a', 'b'] } })),
  hourly: parse(jobText({ ...partitioned, partitions: { every: 'hour', format: '%Y/%m/%d-%H', start: '2026-01-01' } })),
};
const slot = (partition: string | null, logicalTime: string | null): Slot => ({
  job: 'flight-delay',
  partition,
  logicalTime,
});

describe('the slot of a run id', () => {
  it.each([
    ['plain', slot(null, null)],
    ['plain', slot(null, '2026-03-01T02:00:00Z')],
    ['listed', slot('b', null)],
    ['listed', slot('a', '2026-03-01T00:00:00Z')],
    ['hourly', slot('2026/03/01-05', '2026-03-01T05:00:00.000Z')],
  ] as const)('%s: %j is the one that it was made of', (name, made) => {
    expect(slotOfRunId(jobs[name], formatRunId(made, 3))).toEqual({ slot: made, attempt: 3 });
  });

  it.each([
    ['plain', slot('a', null)],
    ['listed', slot('c', null)],
    ['hourly', slot('2026/03/01-05', '2026-03-01T05:30:00Z')],
    ['hourly', slot('2025/03/01-05', '2025-03-01T05:00:00Z')],
    ['hourly', slot('a', null)],
  ] as const)('%s: %j is refused', (name, made) => {
    expect(() => slotOfRunId(jobs[name], formatRunId(made, 1))).toThrow(/not one of this job/);
  });
});
