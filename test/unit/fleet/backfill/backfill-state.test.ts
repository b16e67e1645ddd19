import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BackfillRecord,
  isAsked,
  type LogEntry,
  REPROCESS,
} from '../../../../src/fleet/backfill/backfill-record.ts';
import { BackfillState } from '../../../../src/fleet/backfill/backfill-state.ts';
import { partitionMap } from '../../../../src/fleet/backfill/partition-map.ts';

const record = (found: string, changes: Partial<BackfillRecord> = {}): BackfillRecord => ({
  format: 1,
  id: '20260101T000000Z-0000',
  job: 'j',
  createdAt: '2026-01-01T00:00:00.000Z',
  definition: 'd',
  fields: {},
  reprocess: 'none',
  maxActive: 4,
  order: 'asc',
  stopOnFailure: false,
  partitions: [...found].map((_, i) => `p${i}`),
  found,
  manifests: [...found].map(() => 0),
  ...changes,
});
const entry = (what: Partial<LogEntry>): LogEntry => ({
  format: 1,
  at: '2026-01-02T00:00:00.000Z',
  by: 'h 1',
  ...what,
});

describe('the state of a backfill', () => {
  it('asks for what --reprocess takes in', () => {
    const asked = REPROCESS.map((reprocess) =>
      (['missing', 'failed', 'stale', 'done'] as const).filter((found) => isAsked(found, reprocess)),
    );
    expect(asked).toEqual([
      ['missing'],
      ['missing', 'failed'],
      ['missing', 'failed', 'stale'],
      ['missing', 'failed', 'stale', 'done'],
    ]);
    expect(new BackfillState(record('.x~#', { reprocess: 'stale', order: 'desc' })).open()).toEqual([2, 1, 0]);
  });

  it('goes from waiting over running, stopped and retried to done', () => {
    const state = new BackfillState(record('...#'));
    expect([state.status(false), state.status(true)]).toEqual(['waiting', 'running']);
    state.apply(entry({ started: [0, 1] }));
    expect(state.states(true, 'd')).toEqual(['running', 'running', 'missing', 'done']);
    // Without a driver nothing runs.
    expect(state.states(false, 'd')[0]).toBe('missing');
    state.apply(
      entry({ done: [{ i: 0, rows: 5, rejected: 1 }], failed: [{ i: 1, code: 'C', message: 'm' }], control: 'stop' }),
    );
    expect([state.status(true), state.open()]).toEqual(['stopped', [2]]);
    state.apply(entry({ control: 'resume', retry: 'failed' }));
    expect([state.status(false), state.open(), [...state.retried]]).toEqual(['waiting', [1, 2], [1]]);
    state.apply(entry({ done: [1, 2].map((i) => ({ i, rows: 1, rejected: 0 })) }));
    state.apply(entry({ ended: true }));
    expect([state.status(false), state.open()]).toEqual(['done', []]);
    expect(state.states(false, 'other')).toEqual(['stale', 'stale', 'stale', 'stale']);
  });

  it('stays cancelled, whatever comes late', () => {
    const state = new BackfillState(record('..'));
    for (const control of ['cancel', 'resume', 'pause'] as const) state.apply(entry({ control }));
    expect(state.status(true)).toBe('cancelled');
  });

  it('is the same from any snapshot, and an entry that is written twice changes nothing', () => {
    const index = fc.integer({ min: 0, max: 5 });
    const entries = fc.record(
      {
        control: fc.constantFrom('pause', 'resume', 'cancel', 'stop'),
        retry: fc.constant('failed' as const),
        started: fc.array(index),
        released: fc.array(index),
        done: fc.array(fc.record({ i: index, rows: fc.nat(9), rejected: fc.nat(2) })),
        failed: fc.array(fc.record({ i: index, code: fc.constant('C'), message: fc.constant('m') })),
        ended: fc.constant(true as const),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(entries), fc.nat(20), (log, cut) => {
        const whole = new BackfillState(record('..x~#.'));
        let resumed = new BackfillState(record('..x~#.'));
        let twice = new BackfillState(record('..x~#.'));
        for (const [k, what] of log.entries()) {
          whole.apply(entry(what as Partial<LogEntry>));
          resumed.apply(entry(what as Partial<LogEntry>));
          if (k === cut) {
            const snapshot = JSON.parse(JSON.stringify(resumed.snapshot())) as ReturnType<BackfillState['snapshot']>;
            resumed = new BackfillState(record('..x~#.'), snapshot);
          }
          twice.apply(entry(what as Partial<LogEntry>));
          twice.apply(entry(what as Partial<LogEntry>));
        }
        expect(resumed.snapshot()).toEqual(whole.snapshot());
        const settled = twice.snapshot();
        twice = new BackfillState(record('..x~#.'), { ...settled, upTo: log.length });
        // `failed` after `retry` in one entry puts it back a second time, as does the same entry alone.
        if (log.every((what) => what.retry === undefined)) expect(twice.snapshot()).toEqual(whole.snapshot());
      }),
    );
  });
});

describe('the partition map', () => {
  it('has a character a partition, or one for several of which it shows the loudest', () => {
    expect(partitionMap(['a', 'bb', 'c'], ['done', 'failed', 'missing'], false)).toMatch(/^a {2}#x\.\n# done/);
    const many = Array.from({ length: 6000 }, (_, i) => `p${i}`);
    const states = many.map((_, i) => (i === 4 ? 'failed' : 'done') as 'failed' | 'done');
    const lines = partitionMap(many, states, false).split('\n');
    expect(lines).toHaveLength(42);
    expect(lines[0]).toMatch(/^p0 +#x#/);
    expect(lines.at(-2)).toContain('one character is 3 partitions');
    expect(partitionMap(['a'], ['failed'], true)).toContain('\x1b[31mx\x1b[0m');
  });
});
