import type { PredictionStore, SetState } from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { newState } from './set-state.ts';

const TRIES = 100;

/**
 * Applies a change to a set's state by compare-and-set, again on the newer state when somebody was faster. `change` sees the
 * state and the store's time, may throw to refuse, and gives the same state back to change nothing.
 *
 * Errors: those of `change` and of the store; PREDICTIONS_UNAVAILABLE after a hundred lost races.
 */
export async function changeState(
  store: PredictionStore,
  set: string,
  change: (state: SetState, nowMs: number) => SetState,
): Promise<SetState> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const current = (await store.readState(set)) ?? newState(2);
    const next = change(current, await store.now());
    if (next === current) return current;
    const stored = { ...next, version: current.version + 1 };
    if (await store.swapState(set, current.version, stored)) return stored;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(200, 2 ** attempt)));
  }
  throw new PrescoreError('PREDICTIONS_UNAVAILABLE', {
    what: `the state of the set changed ${TRIES} times while it was to be changed`,
    where: `${store.url} ${set}`,
  });
}
