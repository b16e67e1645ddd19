import type { ModelAbout } from '../../base/contract/model-about.ts';
import type { ModelFile, WeightsFile } from '../../base/contract/model-files.ts';
import type { Signature } from '../../base/contract/signature.ts';
import type { ErrorJson } from '../../base/errors/prescore-error.ts';
import type { Comparison, ExactFacts } from './comparison.ts';

/** ONNX Runtime's levels of changing a graph. */
export const GRAPH_LEVELS = ['basic', 'extended', 'all'] as const;
export type GraphLevel = (typeof GRAPH_LEVELS)[number];

/** Rows on which two models are compared. */
export interface CompareRows {
  /** A folder that `keepFeeds` has filled; null: made-up rows. */
  readonly feeds: string | null;
  /** Made-up rows at most. */
  readonly made: number;
  /** What is known of each row, in their order: which of two classes it is of; null where that is not known. */
  readonly labels: readonly (0 | 1 | null)[] | null;
}

/** What a bench child is asked, once. */
export type BenchRequest =
  /**
   * `warm`: a small model, base64, that is opened first, so that the runtime itself is not counted in. `batchBytes`: what a scorer may use for
   * one batch; null: batches are not tried.
   */
  | { readonly kind: 'inspect'; readonly model: ModelFile; readonly warm: string; readonly batchBytes: number | null }
  /** Writes the graph as ONNX Runtime changes it. */
  | { readonly kind: 'graph'; readonly model: ModelFile; readonly level: GraphLevel; readonly target: string }
  | {
      readonly kind: 'compare';
      readonly parent: ModelFile;
      readonly changed: ModelFile;
      readonly rows: CompareRows;
    };

export interface BenchReplies {
  readonly inspect: InspectedModel;
  readonly graph: null;
  readonly compare: Comparison;
}

export type FromBench =
  /** What is known so far: a model may end the process, or never answer. */
  | { readonly ok: 'so far'; readonly found: InspectedModel }
  | { readonly ok: true; readonly value: BenchReplies[keyof BenchReplies] }
  | { readonly ok: false; readonly error: ErrorJson };

/** What a model is, and what it took to load and to run it. */
export interface InspectedModel {
  readonly about: ModelAbout;
  /** Of its files. */
  readonly bytes: number;
  /** Files of weights beside it. */
  readonly weights: readonly WeightsFile[];
  readonly sha256: string;
  /** Null where it was refused. */
  readonly loaded: LoadedFacts | null;
  readonly refusal: ErrorJson | null;
}

export interface LoadedFacts {
  readonly signature: Signature;
  readonly featureNames: readonly string[] | null;
  readonly dynamicQuantization: boolean;
  readonly engine: EngineFacts;
  readonly memory: MemoryFacts;
  /** Null while it is not known. */
  readonly batch: BatchFacts | null;
  /** How batches must go to it, or why no way helps, as a short trial finds; null while it is not known. */
  readonly exactness: ExactFacts | null;
}

/** What evaluates it. `speedup`: against ONNX Runtime; null where that was not compared. */
export type EngineFacts =
  | { readonly name: 'trees'; readonly checkedRows: number; readonly speedup: number | null }
  | { readonly name: 'onnxruntime'; readonly why: string };

/** Resident bytes by which the process grew. */
export interface MemoryFacts {
  readonly loadedBytes: number;
  /** While it was loaded. */
  readonly peakBytes: number;
  readonly loadMs: number;
}

export interface BatchFacts {
  /** Rows of a batch that a run would choose by itself; null where no made-up row was taken. */
  readonly rows: number | null;
  /** Of feeds. */
  readonly feedBytes: number;
  /** What the process grew by for each row of a batch; null where it did not grow. */
  readonly rowBytes: number | null;
  /** Of the memory that a scorer may use for one batch. */
  readonly budgetBytes: number;
  /** Why made-up rows were refused; null when they were not. */
  readonly refused: string | null;
}
