import type { GrantedDevice } from './device.ts';
import type { ExactPolicy } from './exact.ts';
import type { WeightsFile } from './model-files.ts';
import type { RowDependence } from './row-dependence.ts';

/** Element types of tensors, in ONNX Runtime's spelling. */
export type TensorType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string';

/** One axis: a fixed length, or null when the model leaves it open (symbolic or -1). */
export type Dim = number | null;

export interface TensorSignature {
  readonly name: string;
  /** Null when the value is no tensor (sequence, map, optional) or of a type we do not know. */
  readonly type: TensorType | null;
  /** The declared type in words, for messages. */
  readonly declared: string;
  readonly dims: readonly Dim[];
  /** Names of the open axes behind the first, null for others; left out where none has one. Axes of one name are equally long. */
  readonly axes?: readonly (string | null)[];
  /** An input of no declared shape: taken for [N, K], and for a scalar where it gets a value. */
  readonly isShapeless?: true;
  /** Of a text input that knows missing values: the text that stands for one. Nulls become it where the job says nothing else. */
  readonly missingText?: string;
  /** Of an output [N, C] with a column for each class: their labels in order, where the file has them. */
  readonly classes?: readonly (string | number)[];
  /** An output whose columns are values of their own: two of them are not two classes. */
  readonly isPerTarget?: true;
  /** An output that costs much more than the others: only given where somebody names it. */
  readonly isOnRequest?: true;
}

/** What a model takes and gives, as the file declares it. Output shapes are hints only: never trusted. */
export interface Signature {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  /** Of tree models: what can be said of why a row is scored as it is. */
  readonly explains?: ExplainSignature;
}

/** Contributions of features to the scores of trees. */
export interface ExplainSignature {
  /** Fetches them: [N, targets * (features + 1)] float64, the average answer last of each target. */
  readonly tensor: string;
  readonly targets: number;
  /** Fetches those of the class that is answered, [N, features + 1]; null where targets are no classes. */
  readonly ofAnswer: string | null;
  /** Where the trees' features come from, in their order; in words, why nobody knows it. */
  readonly features: readonly TreeFeature[] | string;
  /** In words, why there are none; left out where there are. */
  readonly why?: string;
  /** There would be some beside a background. */
  readonly wantsBackground?: true;
}

/** One value of a row that trees ask for. */
export interface TreeFeature {
  /** The model's input. */
  readonly input: string;
  /** Which element of the input's row. */
  readonly at: number;
}

/** `execution.trees`: who evaluates tree ensembles. */
export type TreesOption = 'auto' | 'onnxruntime';

/** Trees that prescore evaluates itself. */
export interface TreeEngine {
  readonly name: 'trees';
  /** Rows for which it was compared with ONNX Runtime, bit for bit, when the model was loaded. */
  readonly checkedRows: number;
}

export interface ModelInfo {
  /** Lower-case hex; of several files, one digest over all. */
  readonly sha256: string;
  /** Of all its files. */
  readonly bytes: number;
  /** The files beside the graph that hold its weights; absent where there is one file. */
  readonly weights?: readonly WeightsFile[];
  readonly irVersion: number;
  readonly opsets: Readonly<Record<string, number>>;
  readonly producer: string;
  readonly signature: Signature;
  /** The file has operators that quantize by the values of a batch. */
  readonly dynamicQuantization: boolean;
  /** Why its rows are not scored by themselves; absent when no trial has found it so, or none was made. */
  readonly rowDependence?: RowDependence;
  /** How batches go to it, where it is scored live. */
  readonly policy?: ExactPolicy;
  /** Names of its features in the order of its one input, when its metadata has them. */
  readonly featureNames?: readonly string[];
  /** What evaluates its trees, when that is not ONNX Runtime. */
  readonly engine?: TreeEngine;
  /** Where it runs, when that is not the CPU. */
  readonly device?: GrantedDevice;
}
