import { type Clock, systemClock } from './retry.ts';

/** Something is tried again; for logs. Holds no credentials. */
export interface RetryEvent {
  readonly uri: string;
  readonly action: string;
  readonly reason: string;
  readonly attempt: number;
  readonly delayMs: number;
}

/** Limits of the network, all in milliseconds unless said. */
export interface StoreTimings {
  /** Until a connection stands. */
  readonly connectMs: number;
  /** Without a byte in either direction, before the answer or within its body. */
  readonly idleMs: number;
  /** One request; one that cannot be resumed also gets the time its bytes need at `slowestBytesPerSecond`. */
  readonly attemptMs: number;
  /** One operation with all its retries; bytes that were read extend it at `slowestBytesPerSecond`. */
  readonly deadlineMs: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  readonly slowestBytesPerSecond: number;
}

export interface StoreOptions extends Partial<StoreTimings> {
  readonly clock?: Clock;
  readonly onRetry?: (event: RetryEvent) => void;
}

export interface StoreSettings extends StoreTimings {
  readonly clock: Clock;
  readonly onRetry: (event: RetryEvent) => void;
}

const DEFAULTS: StoreSettings = {
  connectMs: 5_000,
  idleMs: 20_000,
  attemptMs: 60_000,
  deadlineMs: 300_000,
  baseDelayMs: 100,
  maxDelayMs: 10_000,
  slowestBytesPerSecond: 65_536,
  clock: systemClock,
  onRetry: () => {},
};

/** Options with the defaults filled in. */
export function storeSettings(options: StoreOptions): StoreSettings {
  return { ...DEFAULTS, ...options };
}
