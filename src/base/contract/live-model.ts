import type { PrescoreError } from '../errors/prescore-error.ts';
import type { Signature, TensorType } from './signature.ts';

/**
 * A tensor of a request or an answer. `data` is a typed array of the element type (float16: raw bits in a Uint16Array, bool:
 * a Uint8Array) or texts. Row-major; rows are the first axis.
 */
export interface LiveTensor {
  readonly type: TensorType;
  readonly dims: readonly number[];
  readonly data: LiveData;
}

export type LiveData = ArrayBufferView | readonly string[];

/** Tells when a caller has gone. An `AbortSignal` is one. */
export interface CancelSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** One caller's rows. */
export interface InferRequest {
  /** By input name. All of them have `rows` as first axis, except inputs without a batch axis. */
  readonly inputs: ReadonlyMap<string, LiveTensor>;
  /** Output tensors wanted; null: all of them. */
  readonly outputs: readonly string[] | null;
  readonly rows: number;
  /** Milliseconds from now; a request that is still waiting then is dropped before it is scored. */
  readonly deadlineMs: number;
  /** 0 is the default and lowest; of 1 and more the lower number goes first (as in the Open Inference Protocol). */
  readonly priority: number;
  /** Aborted when the caller has gone. */
  readonly signal: CancelSignal | null;
  /** True: the rows are all that this turn of the event loop has; they wait for no others of it. */
  readonly isGathered?: boolean | undefined;
}

export interface InferAnswer {
  /** By output name, this caller's rows only. Owns: the caller. */
  readonly outputs: ReadonlyMap<string, LiveTensor>;
  /** Rows that the model could not score, found by bisecting a batch that failed; their outputs are zeros. */
  readonly failedRows: readonly FailedRow[];
  readonly queueMs: number;
  readonly computeMs: number;
  /** Rows of the batch that the request was scored in. */
  readonly batchRows: number;
}

export interface FailedRow {
  readonly row: number;
  readonly message: string;
}

/** One loaded version of a model. */
export interface LiveModel {
  readonly name: string;
  readonly version: string | null;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly signature: Signature;
  /** Rows of the fixed batch, or null. Shorter batches are padded to it. */
  readonly fixedBatch: number | null;
  /** Rows that one request may have at most. */
  readonly maxRows: number;
  /**
   * Scores one request, batched with others that wait. Answers always go to their own caller.
   *
   * Errors: LIVE_OVERLOADED (queue full: 503 and Retry-After), LIVE_DEADLINE (504), LIVE_UNAVAILABLE (the scorer died, hangs or is
   * being restarted: 503), LIVE_MODEL_BROKEN (it had been
   * unloaded, and cannot be loaded again: 503), LIVE_REQUEST (the tensors do not fit the signature: 400), LIVE_CANCELLED (the caller has gone).
   */
  infer(request: InferRequest): Promise<InferAnswer>;
}

/** Which version of a model is asked for: null, the one that is served when none is named; a text, a version, or a label where no version is called so. */
export type VersionPick = string | null | { readonly label: string };

/** What the index of a model repository says of one version. */
export interface ModelVersionState {
  readonly name: string;
  readonly version: string | null;
  readonly state: 'unloaded' | 'loading' | 'ready' | 'draining' | 'failed';
  /** Why it is not ready, for the admin: it may name places. Empty for one that is. */
  readonly reason: string;
  /** Why its last load failed, as a request is told; null otherwise. */
  readonly failure: PrescoreError | null;
  readonly sha256: string | null;
  /** Of a registry: labels that it answers for now, sorted. */
  readonly labels: readonly string[];
}

/** The models of a server: loaded on demand, each version in a scorer child of its own. */
export interface ModelHost {
  /**
   * The model, loaded and warmed up first where need be. Null: the newest one of a folder, the first one that is listed of a registry.
   *
   * Errors: LIVE_MODEL_UNKNOWN (404), LIVE_MODEL_BROKEN, LIVE_UNAVAILABLE, LIVE_OVERLOADED (503).
   */
  model(name: string, version: VersionPick): Promise<LiveModel>;
  /** Every version that is known, sorted by name and version. */
  index(): Promise<readonly ModelVersionState[]>;
  /** Errors: as `model`. Resolves when it is ready. */
  load(name: string, version: VersionPick): Promise<void>;
  /** Drains and unloads. Errors: LIVE_MODEL_UNKNOWN. */
  unload(name: string, version: VersionPick): Promise<void>;
  close(): Promise<void>;
}
