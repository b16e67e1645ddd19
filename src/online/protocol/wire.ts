import type { CancelSignal, LiveData, LiveModel } from '../../base/contract/live-model.ts';
import type { TensorType } from '../../base/contract/signature.ts';
import type { Work } from '../http/work-meter.ts';

/** A tensor as every face hands it to the dataplane and gets it back, whatever the wire looks like. */
export interface WireTensor {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly number[];
  /** Row-major; as in LiveTensor. Owns: whoever holds the tensor; no face keeps a view of it. */
  readonly data: LiveData;
}

/** A request in neutral form. */
export interface InferCall {
  /** Echoed; null when the caller gave none. */
  readonly id: string | null;
  readonly inputs: readonly WireTensor[];
  /** Null: all outputs. */
  readonly outputs: readonly string[] | null;
  readonly parameters: CallParameters;
  /** Milliseconds that the transport leaves (a gRPC deadline); null when it sets none. */
  readonly transportMs: number | null;
  readonly signal: CancelSignal | null;
}

export interface CallParameters {
  /** 0: default and lowest; of 1 and more the lower number goes first. */
  readonly priority: number;
  /** The parameter `timeout`, in microseconds; null: the server's deadline. */
  readonly timeoutMicros: number | null;
  /** The parameter `binary_data_output` of HTTP: outputs are binary unless an output says otherwise. */
  readonly binaryOutput: boolean;
}

/** Where a call came from, for metrics. */
export interface CallOrigin {
  readonly face: 'predict' | 'infer' | 'grpc';
  /** `performance.now()` when its headers were read. */
  readonly startedAt: number;
  /** What the request is for the admission. */
  readonly work: Work;
}

/** An answer in neutral form. */
export interface InferResult {
  readonly model: LiveModel;
  readonly id: string | null;
  readonly rows: number;
  /** In the order asked for, or of the model's signature. */
  readonly outputs: readonly WireTensor[];
  readonly queueMs: number;
  readonly computeMs: number;
  readonly batchRows: number;
}

/** Names and version that a server says of itself. */
export interface ServerIdentity {
  readonly name: string;
  readonly version: string;
}
