import { describe, expect, test } from 'vitest';
import { nextAction } from '../../../../src/fleet/schedule/next-action.ts';
import {
  type Action,
  applied,
  COUNTS,
  type Happening,
  type ScheduleRules,
  type ScheduleState,
  stateFrom,
} from '../../../../src/fleet/schedule/slot-state.ts';
import { SlotTimes } from '../../../../src/fleet/schedule/slot-times.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1);
const RULES: ScheduleRules = {
  catchUp: 'last',
  overlap: 'forbid',
  waitForInput: null,
  isPublished: false,
  hasTargets: () => true,
};

/** Plays one scheduler by hand: what it wants, and what happens. */
class Hand {
  now = START;
  state: ScheduleState;
  private readonly times: SlotTimes;
  private readonly rules: ScheduleRules;

  constructor(cron: string, rules: Partial<ScheduleRules> = {}) {
    this.times = new SlotTimes('job', { cron, timezone: 'UTC', jitterMs: 0 });
    this.rules = { ...RULES, ...rules };
    this.state = stateFrom({ through: START, open: [] });
  }

  wants(): Action {
    return nextAction(this.times, this.rules, this.state, this.now);
  }

  happens(...what: readonly Happening[]): void {
    for (const one of what) this.state = applied(this.state, one, this.rules, this.now);
  }

  /** Does what it wants, alone in the world, until it sleeps or is about to do one of these. */
  until(...stops: readonly Action['do'][]): Action {
    for (let i = 0; i < 10_000; i++) {
      const action = this.wants();
      if (action.do === 'sleep' || stops.includes(action.do)) return action;
      if (action.do === 'scan') this.happens({ kind: 'scanned', slots: action.slots, scannedTo: action.scannedTo });
      if (action.do === 'decide')
        this.happens({ kind: 'decided', slot: action.slot, isTaken: action.take, isOurs: true });
      if (action.do === 'hold') this.happens({ kind: 'held', slot: action.slot });
      if (action.do === 'launch') this.happens({ kind: 'launched', slot: action.slot });
      if (action.do === 'end') this.happens({ kind: 'ended', slot: action.slot });
      if (action.do === 'stop') this.happens({ kind: 'stopping', slot: action.slot });
      if (action.do === 'publish') this.happens({ kind: 'publishing', slots: action.slots });
      if (action.do === 'mark') this.happens({ kind: 'marked', through: action.through, open: action.open });
    }
    throw new Error('it never sleeps');
  }

  phases(): string[] {
    return this.state.entries.map((e) => `${(e.slot - START) / HOUR} ${e.phase}`);
  }
}

test('sleeps until the next slot, takes it, launches it', () => {
  const hand = new Hand('0 * * * *');
  expect(hand.until()).toEqual({ do: 'sleep', until: START + HOUR });
  hand.now = START + HOUR;
  expect(hand.until('decide')).toEqual({ do: 'decide', slot: hand.now, take: true, why: null });
  hand.until();
  expect(hand.phases()).toEqual(['1 working']);
});

describe('after three hours without a scheduler', () => {
  test.each([
    ['none', ['1 ended', '2 ended', '3 ended']],
    ['last', ['1 ended', '2 ended', '3 working']],
    ['all', ['1 working', '2 open', '3 open']],
  ] as const)('catchUp %s', (catchUp, phases) => {
    const hand = new Hand('0 * * * *', { catchUp });
    hand.now = START + 3 * HOUR + 10 * MINUTE;
    hand.until();
    expect(hand.phases()).toEqual(phases);
  });

  test('all, one after the other, published once', () => {
    const hand = new Hand('0 * * * *', { catchUp: 'all', isPublished: true });
    hand.now = START + 3 * HOUR + 10 * MINUTE;
    for (const n of [1, 2, 3]) {
      hand.until('publish');
      expect(hand.phases()[n - 1]).toBe(`${n} working`);
      hand.happens({ kind: 'ran', slot: START + n * HOUR });
    }
    expect(hand.until('publish')).toMatchObject({ do: 'publish', slots: [1, 2, 3].map((n) => START + n * HOUR) });
  });
});

describe('an earlier slot is in work', () => {
  const second = (overlap: 'forbid' | 'allow' | 'replace'): Hand => {
    const hand = new Hand('0 * * * *', { overlap });
    for (hand.now = START + HOUR; hand.now <= START + 2 * HOUR; hand.now += HOUR) hand.until();
    return hand;
  };

  test('forbid: it is waited for, then the last one runs', () => {
    const hand = second('forbid');
    expect(hand.phases()).toEqual(['1 working', '2 open']);
    hand.now = START + 3 * HOUR + 30 * MINUTE;
    hand.until();
    // The one in between was missed; nothing runs beside the first.
    expect(hand.phases()).toEqual(['1 working', '2 ended', '3 open']);
    hand.happens({ kind: 'ran', slot: START + HOUR });
    hand.until();
    expect(hand.phases()).toEqual(['1 ended', '2 ended', '3 working']);
  });

  test('allow: it runs beside it', () => {
    expect(second('allow').phases()).toEqual(['1 working', '2 working']);
  });

  test('replace: the first one is stopped, the second runs', () => {
    const hand = second('replace');
    expect(hand.phases()).toEqual(['1 stopping', '2 working']);
  });

  test('replace: also when somebody else took the second', () => {
    const hand = new Hand('0 * * * *', { overlap: 'replace' });
    hand.now = START + HOUR;
    hand.until();
    hand.now = START + 2 * HOUR;
    hand.until('decide');
    hand.happens({ kind: 'decided', slot: hand.now, isTaken: true, isOurs: false });
    expect(hand.wants()).toEqual({ do: 'stop', slot: START + HOUR });
  });

  test('a slot that waits for its input keeps none back, and fails in the end', () => {
    const hand = new Hand('0 * * * *', { waitForInput: { forMs: 2 * HOUR, everyMs: 30 * MINUTE, marker: null } });
    const until = START + 3 * HOUR;
    hand.now = START + HOUR;
    hand.until();
    hand.happens({ kind: 'waiting', slot: hand.now, until });
    expect(hand.until()).toEqual({ do: 'sleep', until: START + HOUR + 30 * MINUTE });
    hand.now = START + 2 * HOUR;
    hand.until();
    expect(hand.phases()).toEqual(['1 waiting', '2 working']);
    hand.happens({ kind: 'ran', slot: hand.now });
    hand.until();
    expect(hand.phases()).toEqual(['1 working', '2 ended']);
    hand.now = until;
    hand.happens({ kind: 'waiting', slot: START + HOUR, until });
    expect(hand.until('end')).toEqual({ do: 'end', slot: START + HOUR, outcome: 'failed' });
  });
});

test('a slot that another scheduler took is looked at again, and taken over', () => {
  const hand = new Hand('0 * * * *');
  hand.now = START + HOUR;
  hand.until('decide');
  hand.happens({ kind: 'decided', slot: hand.now, isTaken: true, isOurs: false });
  expect(hand.until()).toEqual({ do: 'sleep', until: hand.now + 30_000 });
  hand.now += 30_000;
  expect(hand.wants()).toEqual({ do: 'hold', slot: START + HOUR });
});

test('failures that may pass are tried five times, others once', () => {
  const hand = new Hand('0 0 1 * *');
  hand.now = Date.UTC(2026, 1, 1);
  const slot = hand.now;
  hand.until();
  for (let tries = 1; tries < COUNTS.tries; tries++) {
    hand.happens({ kind: 'failed', slot, isFinal: false });
    const rest = hand.until() as Extract<Action, { do: 'sleep' }>;
    expect(rest.until - hand.now).toBe(30_000 * 2 ** (tries - 1));
    hand.now = rest.until;
    expect(hand.until()).toMatchObject({ do: 'sleep' });
    expect(hand.state.entries[0]?.phase).toBe('working');
  }
  hand.happens({ kind: 'failed', slot, isFinal: false });
  expect(hand.wants()).toEqual({ do: 'end', slot, outcome: 'failed' });
});

test('a year without a scheduler, a slot every minute: 128 are looked at, one mark passes over the rest', () => {
  const hand = new Hand('* * * * *');
  const last = START + 365 * 24 * HOUR;
  hand.now = last + 30_000;
  const started = performance.now();
  hand.until('launch');
  expect(performance.now() - started).toBeLessThan(2000);
  expect(hand.state.entries.at(-1)).toMatchObject({ slot: last, phase: 'held' });
  expect(hand.state.markedThrough).toBe(last - 63 * MINUTE - 1);
  expect(hand.state.entries).toHaveLength(64);
});

test('marks say what is settled, and what another scheduler says is taken over', () => {
  const hand = new Hand('*/10 * * * *', { overlap: 'allow' });
  for (let i = 1; i <= COUNTS.markEvery; i++) {
    hand.now = START + i * 10 * MINUTE;
    hand.until('mark');
    // The third one takes long.
    if (i !== 3) hand.happens({ kind: 'ran', slot: hand.now });
  }
  hand.now += 10 * MINUTE;
  hand.until('mark');
  hand.happens({ kind: 'ran', slot: hand.now });
  expect(hand.until('mark')).toEqual({ do: 'mark', through: hand.now, open: [START + 30 * MINUTE] });
  hand.until();
  expect(hand.state.entries.map((e) => e.slot)).toEqual([START + 30 * MINUTE]);
  hand.happens({ kind: 'marked', through: hand.now + 50 * MINUTE, open: [hand.now + 20 * MINUTE] });
  expect(hand.state.entries.map((e) => e.phase)).toEqual(['working', 'taken']);
  expect(hand.state.scannedTo).toBe(hand.now + 50 * MINUTE);
});
