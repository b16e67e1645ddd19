import type { PredictionStore, SetState } from '../../base/contract/prediction-set.ts';
import { changeState } from './change-state.ts';
import { withOverlay } from './set-state.ts';

/**
 * Sees to it that readers look for single keys: they do so once the state says that there are some. `keep` is for a set that
 * begins with this. Repeat: safe. Errors: those of `changeState`.
 */
export function announceOverlay(store: PredictionStore, set: string, keep?: number): Promise<SetState> {
  return changeState(store, set, (state) => {
    if (state.pointer.hasOverlay) return state;
    return withOverlay(state.version === 0 && keep !== undefined ? { ...state, keep } : state);
  });
}
