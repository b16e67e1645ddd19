import { describe, expect, it } from 'vitest';
import { type Selection, selectPartitions } from '../../../../src/fleet/backfill/select-partitions.ts';
import { jobText, parse } from '../../job/parse/sample-job.ts';

const NOW = Date.parse('2026-03-05T06:00:00Z');
const daily = {
  partitions: { every: 'day', format: '%Y%m%d', start: '2026-02-01' },
  output: { uri: 'out/{partition}' },
};
const listed = { partitions: { values: ['b', 'a', 'c,d'] }, output: { uri: 'out/{partition}' } };
const select = (changes: object, selection: Partial<Selection>) => {
  const { partitions, notEnded } = selectPartitions(
    parse(jobText({ input: { uri: 'in/{partition}.parquet' }, ...changes })),
    { from: null, to: null, partitions: null, ...selection },
    NOW,
  );
  return { values: partitions.map((p) => p.value), notEnded };
};

describe('a range of partitions', () => {
  it('has both ends in it, given as partitions or as instants', () => {
    const three = { values: ['20260227', '20260228', '20260301'], notEnded: 0 };
    expect(select(daily, { from: '20260227', to: '20260301' })).toEqual(three);
    expect(select(daily, { from: '2026-02-27', to: '2026-03-01T23:59:59Z' })).toEqual(three);
    expect(select(daily, { to: '20260202' }).values).toEqual(['20260201', '20260202']);
  });

  it('ends with what has ended', () => {
    expect(select(daily, { from: '20260303' })).toEqual({ values: ['20260303', '20260304'], notEnded: 0 });
    expect(select(daily, { from: '20260303', to: '20260306' })).toEqual({
      values: ['20260303', '20260304'],
      notEnded: 2,
    });
  });

  it('keeps the order of the job file for listed ones', () => {
    expect(select(listed, { from: 'a' }).values).toEqual(['a', 'c,d']);
    expect(select(listed, { partitions: ['c,d', 'a,b'] }).values).toEqual(['b', 'a', 'c,d']);
    expect(select(daily, { partitions: ['20260302,20260301', '20260301'] }).values).toEqual(['20260301', '20260302']);
  });

  it.each([
    [{ input: { uri: 'in.parquet' } }, { from: 'a' }, /needs a job with partitions/],
    [listed, {}, /give --from and --to/],
    [listed, { from: 'a', partitions: ['b'] }, /excludes/],
    [listed, { partitions: [','] }, /names none/],
    [listed, { from: 'c,d', to: 'b' }, /no partition of the job/],
    [listed, { from: 'x' }, /PARTITION_UNKNOWN/],
    [daily, { from: '20260301', to: '20260228' }, /no partition of the job/],
    [daily, { from: '20260305' }, /no partition of the job/],
    [daily, { from: '2026031' }, /PARTITION_UNKNOWN/],
  ])('is refused: %j %j', (changes, selection, says) => {
    expect(() => select(changes, selection)).toThrow(says);
  });
});
