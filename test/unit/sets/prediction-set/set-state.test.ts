import { describe, expect, it } from 'vitest';
import type { SetOrder, SetState } from '../../../../src/base/contract/prediction-set.ts';
import * as changes from '../../../../src/sets/prediction-set/set-state.ts';
import { metaOf } from '../../../harness/prediction-stores.ts';
import { refusalOf } from './refusal-of.ts';

const { flipped, givenUp, mayPublish, newState, reclaimable, reclaimed, reclaiming, rolledBack, unfinished } = changes;
const START = Date.parse('2026-01-01T00:00:00.000Z');
const at = (seconds: number): string => new Date(START + seconds * 1000).toISOString();
const order = (n: number): SetOrder => ({ scope: 'latest', key: String(n) });

interface Publishing {
  readonly n: number;
  readonly second: number;
  readonly keep?: number;
  readonly expiresAt?: string | null;
  readonly isForced?: boolean;
}

/** Builds and serves run `n`; its generation gets the next number. */
function publish(state: SetState, { n, second, keep = 2, expiresAt = null, isForced = false }: Publishing): SetState {
  const begun = changes.withNewGeneration(state, `run ${n}`, at(second), expiresAt);
  const meta = metaOf('s', state.nextGeneration, { order: order(n), expiresAt });
  return flipped(begun, meta, 100, keep, at(second), isForced);
}

const published = (...runs: number[]): SetState =>
  runs.reduce((state, n, i) => publish(state, { n, second: i * 10 }), newState(2));
const gone = (state: SetState, second: number): number[] =>
  reclaimable(state, START + second * 1000).map((g) => g.generation);

describe('the state of a set', () => {
  it('a publication is served, with a higher epoch, at its time', () => {
    const state = published(1, 2);
    expect(state.pointer).toMatchObject({ epoch: 2, generation: 2, publishedAt: at(10), expiresAt: null });
    expect(state.generations.map((g) => [g.generation, g.state, g.bytes])).toEqual([
      [1, 'ready', 100],
      [2, 'ready', 100],
    ]);
    expect(state.highest).toEqual(order(2));
  });

  it('what is not newer is refused, unless forced; then that is what the next must beat', () => {
    const state = published(5);
    expect([mayPublish(state, order(5)), mayPublish(state, order(4)), mayPublish(state, order(6))]).toEqual([
      false,
      false,
      true,
    ]);
    expect(refusalOf(() => publish(state, { n: 4, second: 20 }))).toBe('SET_NOT_NEWER');
    const forced = publish(state, { n: 3, second: 20, isForced: true });
    expect([forced.pointer.generation, forced.highest, mayPublish(forced, order(4))]).toEqual([2, order(3), true]);
  });

  it('keep: so many older ones stay; the others may go 60 seconds after they left', () => {
    const state = published(1, 2, 3, 4, 5);
    expect(state.generations.map((g) => g.leftKeepAt)).toEqual([at(30), at(40), null, null, null]);
    expect([gone(state, 89.9), gone(state, 90), gone(state, 100)]).toEqual([[], [1], [1, 2]]);
    const none = publish(published(1), { n: 2, second: 10, keep: 0 });
    expect([gone(none, 69), gone(none, 70)]).toEqual([[], [1]]);
  });

  it('rollback serves the one before, keeps its age, and pins until something newer than all comes', () => {
    const state = rolledBack(published(1, 2, 3), null, at(50));
    expect(state.pointer).toMatchObject({ generation: 2, epoch: 4, publishedAt: at(10) });
    expect([state.isPinned, mayPublish(state, order(3)), mayPublish(state, order(4))]).toEqual([true, false, true]);
    expect(refusalOf(() => publish(state, { n: 3, second: 60 }))).toBe('SET_NOT_NEWER');
    const next = publish(state, { n: 4, second: 60 });
    expect([next.pointer.generation, next.isPinned]).toEqual([4, false]);
  });

  it('rollback goes to any generation that is there, newer ones too, and takes it out of what may go', () => {
    const left = published(1, 2, 3, 4);
    expect(gone(left, 100)).toEqual([1]);
    const back = rolledBack(left, 1, at(50));
    expect([back.pointer.generation, gone(back, 1000)]).toEqual([1, [2]]);
    const forth = rolledBack(back, 4, at(51));
    expect([forth.pointer.generation, gone(forth, 1000)]).toEqual([4, [1]]);
    // The 60 seconds begin anew.
    expect([gone(forth, 110), gone(forth, 111)]).toEqual([[], [1]]);
  });

  it('rollback is refused to what is not there, is served, is being removed, is unfinished or has expired', () => {
    const state = published(1, 2);
    const unready = changes.withNewGeneration(state, 'x', at(20), null);
    expect([7, 2].map((to) => refusalOf(() => rolledBack(state, to, at(30))))).toEqual(
      Array(2).fill('SET_GENERATION_GONE'),
    );
    expect(refusalOf(() => rolledBack(unready, 3, at(30)))).toBe('SET_GENERATION_GONE');
    expect(refusalOf(() => rolledBack(reclaiming(state, 1), null, at(30)))).toBe('SET_GENERATION_GONE');
    expect(refusalOf(() => rolledBack(published(1), null, at(30)))).toBe('SET_GENERATION_GONE');
    const short = publish(publish(newState(2), { n: 1, second: 0, expiresAt: at(25) }), { n: 2, second: 10 });
    expect(rolledBack(short, 1, at(24)).pointer.expiresAt).toBe(at(25));
    expect(refusalOf(() => rolledBack(short, 1, at(25)))).toBe('SET_GENERATION_GONE');
  });

  it('an expired generation may go an hour later, but never the served one', () => {
    const short = publish(publish(newState(2), { n: 1, second: 0, expiresAt: at(20) }), {
      n: 2,
      second: 10,
      expiresAt: at(30),
    });
    expect([gone(short, 3619), gone(short, 3620), gone(short, 1e6)]).toEqual([[], [1], [1]]);
    expect(refusalOf(() => reclaiming(short, 2))).toBe('INTERNAL');
    const marked = reclaiming(short, 1);
    expect(gone(marked, 0)).toEqual([1]);
    expect(reclaimed(marked, 1).generations.map((g) => g.generation)).toEqual([2]);
  });

  it('an unfinished generation is gone on with, unless it is given up, replaced or expired; its number is not used again', () => {
    const begun = changes.withNewGeneration(newState(2), 'a', at(0), at(100));
    expect(unfinished(begun, 'a', at(99))?.generation).toBe(1);
    expect([unfinished(begun, 'b', at(1)), unfinished(begun, 'a', at(100))]).toEqual([undefined, undefined]);
    const lost = givenUp(begun, 1, at(5));
    expect([unfinished(lost, 'a', at(6)), lost.nextGeneration, gone(lost, 64), gone(lost, 65)]).toEqual([
      undefined,
      2,
      [],
      [1],
    ]);
    const other = changes.withNewGeneration(begun, 'b', at(10), null);
    expect([unfinished(other, 'a', at(11)), unfinished(other, 'b', at(11))?.generation]).toEqual([undefined, 2]);
    expect(gone(other, 70)).toEqual([1]);
    expect(givenUp(published(1), 1, at(5)).generations[0]!.leftKeepAt).toBeNull();
  });

  it('only the holder of the lease goes on', () => {
    const lease = { token: 'a', host: 'h', bootId: 'b', pid: 1, processStart: null, untilMs: START };
    const state: SetState = { ...newState(2), lease };
    expect(refusalOf(() => changes.checkLease(state, 'a'))).toBeNull();
    expect([state, newState(2)].map((s) => refusalOf(() => changes.checkLease(s, 'b')))).toEqual([
      'SET_OWNED',
      'SET_OWNED',
    ]);
  });

  it('single keys change nothing but that there are some', () => {
    const state = published(1);
    expect(changes.withOverlay(state)).toEqual({ ...state, pointer: { ...state.pointer, hasOverlay: true } });
  });
});
