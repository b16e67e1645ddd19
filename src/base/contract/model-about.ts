import type { TensorType } from './signature.ts';

/** What a model file says of itself, read without running it. Plain data. */
export interface ModelAbout {
  /** `ONNX`, `LightGBM`, or in words what else the file is. */
  readonly format: string;
  /** Who wrote it, with the version where the file has it; empty where it says nothing. */
  readonly producer: string;
  /** Null for what is not ONNX. */
  readonly irVersion: number | null;
  readonly opsets: Readonly<Record<string, number>>;
  /** Most first; subgraphs and functions are counted in. */
  readonly operators: readonly AboutOperator[];
  readonly inputs: readonly AboutTensor[];
  readonly outputs: readonly AboutTensor[];
  /** Numbers that were learned, beside those of trees. */
  readonly parameters: number;
  /** Null where there are none. */
  readonly trees: AboutTrees | null;
  /** What the exporter wrote beside the graph; long texts are cut. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Labels in the order of the classes; null where the file has none. */
  readonly classes: readonly (string | number | boolean | null)[] | null;
  /** What a trained model was made to minimise; null where the file does not say. */
  readonly objective: string | null;
}

export interface AboutOperator {
  readonly name: string;
  readonly domain: string;
  readonly count: number;
}

/** A value at the edge of a graph, as the file declares it. */
export interface AboutTensor {
  readonly name: string;
  /** Element type; `sequence`, `map` and the like for what is no tensor. */
  readonly type: TensorType | string;
  /** A length, the name of an open axis, or null for one without a name; null for no declared shape. */
  readonly shape: readonly (number | string | null)[] | null;
}

export interface AboutTrees {
  readonly trees: number;
  /** Leaves counted in. */
  readonly nodes: number;
  readonly leaves: number;
}
