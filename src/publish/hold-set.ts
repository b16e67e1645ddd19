import { randomBytes } from 'node:crypto';
import type { PredictionStore, SetLease, SetState } from '../contract/prediction-set.ts';
import { isKnownDead, ownIdentity } from '../ledger/process-identity.ts';
import { changeState } from '../prediction-set/change-state.ts';
import { checkLease, SET_LEASE_MS, withLease, withoutLease } from '../prediction-set/set-state.ts';

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

  /** Errors: SET_OWNED while another live publisher holds the set; those of the store. */
  static async take(store: PredictionStore, set: string): Promise<SetHold> {
    const hold = new SetHold(store, set);
    try {
      const asked = performance.now();
      await changeState(store, set, (state, now) => withLease(state, hold.lease(now), now, isKnownDead));
      hold.validUntil = asked + SET_LEASE_MS;
      return hold;
    } catch (error) {
      clearInterval(hold.timer);
      throw error;
    }
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

  async release(): Promise<void> {
    clearInterval(this.timer);
    await changeState(this.store, this.set, (state) =>
      state.lease?.token === this.token ? withoutLease(state) : state,
    );
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
