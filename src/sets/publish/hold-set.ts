import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PredictionStore, SetLease, SetState } from '../../base/contract/prediction-set.ts';
import { isKnownAlive, isKnownDead, ownIdentity } from '../../run/ledger/process-identity.ts';
import { changeState } from '../prediction-set/change-state.ts';
import { checkLease, SET_LEASE_MS } from '../prediction-set/set-state.ts';

/** How often a waiting publisher looks whether the holder lives. */
const LOOK_EVERY_MS = 250;

/**
 * The right to publish into a set. It is renewed three times in its life; before every write the holder asks `check`, which
 * finds out by the clock of this process that it was stopped for longer than the lease lasts.
 */
export class SetHold {
  private readonly store: PredictionStore;
  private readonly set: string;
  private readonly token: string;
  private readonly leaseMs: number;
  private timer: NodeJS.Timeout | null = null;
  private validUntil = 0;

  private constructor(store: PredictionStore, set: string, leaseMs: number) {
    this.store = store;
    this.set = set;
    this.leaseMs = leaseMs;
    this.token = randomBytes(12).toString('hex');
  }

  /**
   * Null while another live publisher holds the set: it is then asked to look again when it is done. Whether a holder on another
   * host lives shows in its renewals; one that does not renew is waited for until its lease ends.
   *
   * Errors: those of the store; `stop` ends the waiting with its reason.
   */
  static async take(
    store: PredictionStore,
    set: string,
    stop: AbortSignal,
    leaseMs = SET_LEASE_MS,
  ): Promise<SetHold | null> {
    const hold = new SetHold(store, set, leaseMs);
    for (let before: SetLease | null = null; ; ) {
      const first = before;
      const asked = performance.now();
      const { lease, isAgainAsked } = await changeState(store, set, (state, now) =>
        hold.takenOrAsked(state, first, now),
      );
      if (lease?.token === hold.token) {
        hold.begin(asked);
        return hold;
      }
      // The flag is only taken away by a holder that has seen it.
      if (lease === null || !isAgainAsked || isKnownAlive(lease)) return null;
      if (first !== null && (first.token !== lease.token || first.untilMs !== lease.untilMs)) return null;
      before = lease;
      await sleep(LOOK_EVERY_MS, undefined, { signal: stop });
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

  /** Ends the lease. True when somebody has asked for a publication meanwhile. */
  async release(): Promise<boolean> {
    if (this.timer !== null) clearInterval(this.timer);
    let isAsked = false;
    await changeState(this.store, this.set, (state) => {
      if (state.lease?.token !== this.token) return state;
      isAsked = state.isAgainAsked;
      return { ...state, lease: null, isAgainAsked: false };
    });
    return isAsked;
  }

  private takenOrAsked(state: SetState, before: SetLease | null, nowMs: number): SetState {
    if (before !== null && !state.isAgainAsked) return state;
    if (isFreeFor(state, nowMs)) return { ...state, lease: this.lease(nowMs) };
    return state.isAgainAsked ? state : { ...state, isAgainAsked: true };
  }

  private begin(asked: number): void {
    this.validUntil = asked + this.leaseMs;
    // A failed renewal shows itself in `check`.
    this.timer = setInterval(() => void this.renew().catch(() => undefined), this.leaseMs / 3);
    this.timer.unref();
  }

  private async renew(): Promise<void> {
    const asked = performance.now();
    await this.change((state, now) => ({ ...state, lease: this.lease(now) }));
    this.validUntil = asked + this.leaseMs;
  }

  private lease(nowMs: number): SetLease {
    return { token: this.token, ...ownIdentity(), untilMs: nowMs + this.leaseMs };
  }
}

function isFreeFor({ lease }: SetState, nowMs: number): boolean {
  return lease === null || lease.untilMs <= nowMs || isKnownDead(lease);
}
