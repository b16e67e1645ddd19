import type { RowDependence } from '../../base/contract/row-dependence.ts';
import type { ErrorCode } from '../../base/errors/error-codes.ts';

/** What a model host tells of its work, for metrics and logs. All callbacks are cheap to leave empty. */
export interface InferenceEvents {
  /** A request has its answer. */
  onAnswer(
    model: string,
    answer: { readonly rows: number; readonly queueMs: number; readonly computeMs: number },
  ): void;
  /** A request has failed: LIVE_OVERLOADED, LIVE_DEADLINE, LIVE_UNAVAILABLE, LIVE_CANCELLED, LIVE_REQUEST or MODEL_*. */
  onFailure(model: string, code: ErrorCode): void;
  /** The model has scored a batch of `rows` rows of `requests` requests; `executions` above 1: it was bisected. */
  onBatch(
    model: string,
    batch: {
      readonly rows: number;
      readonly requests: number;
      readonly executions: number;
      readonly computeMs: number;
      readonly failedRows: number;
    },
  ): void;
  /** A version was loaded (ms from the request for it to ready), or could not be. */
  onLoad(
    model: string,
    version: string | null,
    loadMs: number,
    error: { readonly code: ErrorCode; readonly message: string } | null,
  ): void;
  /** Rows of a version are not scored by themselves: told once, when it was loaded. */
  onDependence(model: string, version: string | null, dependence: RowDependence): void;
  onUnload(model: string, version: string | null, why: UnloadReason): void;
  /** A child has died or was ended because of a deadline. */
  onDown(model: string, version: string | null, reason: string): void;
  /** Its successor is ready, so many ms after the death. */
  onUp(model: string, version: string | null, recoveryMs: number): void;
}

export type UnloadReason = 'asked' | 'idle' | 'memory' | 'replaced' | 'removed' | 'closed';

/** Figures of one loaded version, for gauges. */
export interface ModelStats {
  readonly name: string;
  readonly version: string | null;
  /** State of the child: `waiting` is the time between a death and the next start. */
  readonly child: 'starting' | 'ready' | 'waiting' | 'closed';
  readonly pid: number | null;
  readonly rssBytes: number;
  readonly restarts: number;
  /** Rows and requests that wait or are being scored. */
  readonly pendingRows: number;
  readonly pendingRequests: number;
}

export const SILENT: InferenceEvents = {
  onAnswer: () => undefined,
  onFailure: () => undefined,
  onBatch: () => undefined,
  onLoad: () => undefined,
  onDependence: () => undefined,
  onUnload: () => undefined,
  onDown: () => undefined,
  onUp: () => undefined,
};
