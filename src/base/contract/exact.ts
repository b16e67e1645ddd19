import type { RowDependence } from './row-dependence.ts';

/** `execution.exact`: whether rows must get the same bits in every batch, should, or need not. */
export type ExactOption = 'require' | 'prefer' | 'off';

/**
 * How batches go to a model so that a row's answer is the row's alone, cheapest first. plain: as they come. pad8, pad16: filled up with copies
 * of the last row to a multiple of 8, 16. tiles64: in calls of exactly 64 rows, the last one filled up.
 */
export const EXACT_POLICIES = ['plain', 'pad8', 'pad16', 'tiles64'] as const;
export type ExactPolicy = (typeof EXACT_POLICIES)[number];

/** The policy that a plan was made with, and where it was found to hold. */
export interface PlanExact {
  readonly policy: ExactPolicy;
  /** Instruction set, as `instructionSet` says it. */
  readonly host: string;
  /** Digest of the answers to the first made-up rows: equal where a machine gives the same bits. */
  readonly answers: string;
}

/** A batch as the runtime was given it. Numbers that JSON has not are the texts NaN, Infinity and -Infinity; so are whole ones beyond 2^53. */
export interface ProofBatch {
  readonly inputs: Readonly<
    Record<string, { readonly type: string; readonly dims: readonly number[]; readonly data: readonly JsonCell[] }>
  >;
  /** Place of the row in the batch. */
  readonly row: number;
  /** What the row got. */
  readonly values: readonly JsonCell[];
}

export type JsonCell = number | string | boolean;

/** Two batches that hold the same row and give it other values: any ONNX Runtime shows it. */
export interface Counterexample {
  readonly output: string;
  readonly a: ProofBatch;
  readonly b: ProofBatch;
}

/** A node of the graph that can make a row depend on others, or on chance. */
export interface GraphFinding {
  readonly operator: string;
  readonly node: string;
  readonly why: 'quantization' | 'random' | 'training' | 'batch axis';
}

export interface PolicyTrial {
  readonly policy: ExactPolicy;
  readonly holds: boolean;
  /** Rows of the first batch in which a row got other bits; null where it holds. */
  readonly failedAt: number | null;
}

export interface PolicyCost {
  readonly policy: ExactPolicy;
  readonly rows: number;
  readonly rowsPerSecond: number;
}

/** What a trial of a loaded model finds. */
export interface ExactFinding {
  /** The cheapest policy under which no bit differed; null where none is, or none could be tried. */
  readonly policy: ExactPolicy | null;
  /** Why there is none; `untried`: the model refuses made-up rows, or takes too long. */
  readonly why: RowDependence | 'untried' | null;
  /** Different rows that were scored; how many of them were real. */
  readonly rows: number;
  readonly realRows: number;
  /** Sizes of the batches in which they were. */
  readonly sizes: readonly number[];
  readonly trials: readonly PolicyTrial[];
  readonly costs: readonly PolicyCost[];
  /** Digest of the answers to the first made-up rows under the policy; empty without one. */
  readonly answers: string;
  readonly counterexample: Counterexample | null;
}

/** `certificate.json`. */
export interface Certificate extends ExactFinding {
  readonly format: 1;
  /** ISO, UTC. */
  readonly createdAt: string;
  /** Lower-case hex. */
  readonly modelSha256: string;
  readonly runtime: { readonly prescore: string; readonly onnxruntime: string };
  readonly provider: 'cpu';
  readonly host: string;
  readonly threads: number;
  /** Who evaluates the model's trees. */
  readonly engine: 'onnxruntime' | 'trees';
  /** quick: at the first use of a model, within seconds. full: by `prescore certify`. */
  readonly depth: 'quick' | 'full';
  /** Rows of the largest batch that was to be tried; `sizes` ends before it where time was short. */
  readonly mostRows: number;
  /** Processes that gave the same answers. */
  readonly processes: number;
  readonly graph: readonly GraphFinding[];
}
