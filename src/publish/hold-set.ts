import { randomBytes } from 'node:crypto';
import type { PredictionStore, SetLease, SetState } from '../contract/prediction-set.ts';
import { isKnownDead, ownIdentity } from '../ledger/process-identity.ts';
import { changeState } from '../prediction-set/change-state.ts';
import { checkLease, SET_LEASE_MS } from '../prediction-set/set-state.ts';

/**
 * The right to publish into a set. It is renewed three times in its life; before every write the holder asks `check`, which
 * finds out by the clock of this process that it was stopped for longer than the lease lasts.
 */
export class SetHold {
  private readonly store: PredictionStore;
  private readonly set: string;
  private readonly token: string;
  private readonly timer: NodeJS.Timeout;
  private validUntil = 0;

  private constructor(store: PredictionStore, set: string) {
    this.store = store;
    this.set = set;
    this.token = randomBytes(12).toString('hex');
    // A failed renewal shows itself in `check`.
    this.timer = setInterval(() => void this.renew().catch(() => undefined), SET_LEASE_MS / 3);
    this.timer.unref();
  }

  /**
   * Null while another live publisher holds the set: it is then asked to look again when it is done. Errors: those of the store.
   */
  static async take(store: PredictionStore, set: string): Promise<SetHold | null> {
    const hold = new SetHold(store, set);
    let isTaken = false;
    const asked = performance.now();
    try {
      await changeState(store, set, (state, now) => {
        isTaken = isFreeFor(state, now);
        return isTaken ? { ...state, lease: hold.lease(now) } : { ...state, isAgainAsked: true };
      });
    } finally {
      if (!isTaken) clearInterval(hold.timer);
    }
    hold.validUntil = asked + SET_LEASE_MS;
    return isTaken ? hold : null;
  }

  /** Errors: SET_OWNED when somebody else has taken over. */
  async check(): Promise<void> {
    if (performance.now() >= this.validUntil) await this.renew();
  }

  /** Changes the state under the lease. Errors: SET_OWNED; those of `change`. */
  change(change: (state: SetState, nowMs: number) => SetState): Promise<SetState> {
    return changeState(this.store, this.set, (state, now) => {
      checkLease(state, this.token);
      return change(state, now);
    });
  }

  /** Ends the lease. True when somebody has asked for a publication meanwhile. */
  async release(): Promise<boolean> {
    clearInterval(this.timer);
    let isAsked = false;
    await changeState(this.store, this.set, (state) => {
      if (state.lease?.token !== this.token) return state;
      isAsked = state.isAgainAsked;
      return { ...state, lease: null, isAgainAsked: false };
    });
    return isAsked;
  }

  private async renew(): Promise<void> {
    const asked = performance.now();
    await this.change((state, now) => ({ ...state, lease: this.lease(now) }));
    this.validUntil = asked + SET_LEASE_MS;
  }

  private lease(nowMs: number): SetLease {
    return { token: this.token, ...ownIdentity(), untilMs: nowMs + SET_LEASE_MS };
  }
}

function isFreeFor({ lease }: SetState, nowMs: number): boolean {
  return lease === null || lease.untilMs <= nowMs || isKnownDead(lease);
}
