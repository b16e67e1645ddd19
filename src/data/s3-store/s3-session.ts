import { setMaxListeners } from 'node:events';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { type Attempt, retry } from '../object-store/retry.ts';
import type { StoreSettings } from '../object-store/store-options.ts';
import { formatUri } from '../object-store/uri.ts';
import type { S3Calls } from './s3-calls.ts';
import { judgeFailure, reasonOf, storeError } from './s3-errors.ts';

export interface Operation {
  /** A word for logs: read, put, complete … */
  readonly action: string;
  readonly key: string;
  /** Bytes that have to pass in one attempt; they lengthen its limit. */
  readonly bytes?: number;
}

/** What all S3 operations share: the bucket, its connection (made on first use), the retry loop and closing. */
export class S3Session {
  readonly bucket: string;
  readonly settings: StoreSettings;
  readonly #connect: () => Promise<S3Calls>;
  readonly #closing = new AbortController();

  constructor(bucket: string, connect: () => Promise<S3Calls>, settings: StoreSettings) {
    this.bucket = bucket;
    this.#connect = connect;
    this.settings = settings;
    // Every operation in flight listens: Node 22.12 takes more than ten for a leak and says so on stderr.
    setMaxListeners(0, this.#closing.signal);
  }

  uriOf(key: string): string {
    return formatUri({ kind: 's3', bucket: this.bucket, key });
  }

  /**
   * Runs one operation with retries within its deadline. The attempt throws a PrescoreError for what is final, and lets
   * other failures out to be judged.
   *
   * Errors: STORE_UNAVAILABLE, STORE_DENIED, STORE_CONFIG, STORE_NO_SPACE, STORE_CORRUPT; INTERRUPTED once closed.
   */
  run<T>(operation: Operation, attempt: (calls: S3Calls, a: Attempt) => Promise<T>): Promise<T> {
    const { settings } = this;
    const where = this.uriOf(operation.key);
    return retry(
      {
        policy: {
          baseDelayMs: settings.baseDelayMs,
          maxDelayMs: settings.maxDelayMs,
          attemptMs: settings.attemptMs + this.passingMs(operation.bytes ?? 0),
          deadlineMs: settings.deadlineMs,
        },
        clock: settings.clock,
        closing: this.#closing.signal,
        judge: judgeFailure,
        report: (error, outcome) =>
          this.#closing.signal.aborted && !isPrescoreError(error)
            ? new PrescoreError('INTERRUPTED', { what: 'The store was closed', where })
            : storeError(error, where, outcome),
        onRetry: (error, number, delayMs) =>
          settings.onRetry({ uri: where, action: operation.action, reason: reasonOf(error), attempt: number, delayMs }),
      },
      async (a) => attempt(await this.#connect(), a),
    );
  }

  /** Milliseconds that so many bytes may take. */
  passingMs(bytes: number): number {
    return (bytes / this.settings.slowestBytesPerSecond) * 1000;
  }

  /** Ends all waiting; what is under way fails with INTERRUPTED. */
  close(): void {
    this.#closing.abort();
  }
}
