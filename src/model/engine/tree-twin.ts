import type { TensorValue } from '../elements/elements.ts';
import type { NativeShape } from '../native/native-model.ts';
import { bitVectorsOf } from '../tree-kernel/bit-vector-kernel.ts';
import type { TreeKernel } from '../tree-kernel/kernel.ts';
import type { KernelImage } from '../tree-kernel/kernel-image.ts';
import { rowsOf } from '../tree-kernel/row-kernel.ts';
import type { EnsembleShape } from '../trees/ensemble.ts';
import { finishSums } from '../trees/finish-sums.ts';
import type { OnnxShape } from '../trees/tree-operator.ts';
import { NativeScorer } from './native-scorer.ts';
import { NATIVE_OUTPUT } from './native-signature.ts';
import { TreeHead } from './tree-head.ts';
import { transformFloats } from './tree-transform.ts';
import type { TwinOutput } from './twin-outputs.ts';

/** What a model's trees need to be scored in a process that has neither the model nor ONNX Runtime. Plain data, fit for JSON but the arrays. */
export interface TwinParts {
  readonly facts: TwinFacts;
  /** Beside the facts, as JSON knows no zero below zero. */
  readonly base: Float64Array<ArrayBuffer>;
  /** One for few rows. */
  readonly few: KernelImage;
  /** One for many rows, where that costs less from some number of rows on. */
  readonly many: KernelImage | null;
  readonly costs: TwinCosts;
}

/** Microseconds: of a row by the kernel for few, of a block of rows by that for many. */
export interface TwinCosts {
  readonly row: number;
  readonly block: number;
  readonly blockRows: number;
}

export type TwinFacts = { readonly ensemble: Omit<EnsembleShape, 'base'> } & (
  | { readonly kind: 'native'; readonly model: Omit<NativeShape, 'ensemble'> }
  | {
      readonly kind: 'onnx';
      readonly trees: Omit<OnnxShape, 'ensemble'>;
      readonly input: string;
      readonly outputs: readonly TwinOutput[];
    }
);

/** Outputs of a trainer's model that are made of raw scores alone. */
const OF_SCORES: ReadonlySet<string> = new Set([
  NATIVE_OUTPUT.raw,
  NATIVE_OUTPUT.prediction,
  NATIVE_OUTPUT.probability,
]);

type Scored = Map<string, TensorValue>;
type Feeds = ReadonlyMap<string, TensorValue>;

/** Scores a model that is trees whole, in its caller's process and turn. */
export class TreeTwin {
  /** Bytes of memory that it takes. */
  readonly bytes: number;
  private readonly costs: TwinCosts;
  private readonly scoreRows: (feeds: Feeds, fetches: readonly string[]) => Scored | null;

  /** Owns: nothing is kept of the parts' memories. Errors: a RangeError or the engine's own where parts do not fit together. */
  constructor({ facts, base, few, many, costs }: TwinParts) {
    this.costs = costs;
    this.bytes = few.memory.length + (many?.memory.length ?? 0);
    const [forFew, forMany] = [rowsOf(few), many === null ? null : bitVectorsOf(many)];
    const kernelOf = (rows: number): TreeKernel =>
      forMany !== null && rows * costs.row > this.blocksOf(rows) ? forMany : forFew;
    const ensemble = { ...facts.ensemble, base };
    if (facts.kind === 'onnx') this.scoreRows = onnxScores({ ...facts, ensemble }, kernelOf);
    else {
      const scorer = new NativeScorer({ ...facts.model, ensemble }, kernelOf);
      this.scoreRows = (feeds, fetches) =>
        fetches.every((name) => OF_SCORES.has(name)) ? scorer.answers(scorer.raw(scorer.rowsOf(feeds)), fetches) : null;
    }
  }

  /** About how long so many rows take, in microseconds. */
  microsOf(rows: number): number {
    return Math.min(rows * this.costs.row, this.blocksOf(rows));
  }

  /**
   * The outputs that are asked for, with the bits of the model's own session; null where they are not sure, or others are asked for: then
   * that has to be asked. Errors: RangeError for rows of another width. Owns: feeds stay the caller's, the values are the caller's.
   */
  score(feeds: Feeds, fetches: readonly string[]): Scored | null {
    const made = this.scoreRows(feeds, fetches);
    return made !== null && fetches.every((name) => made.has(name)) ? made : null;
  }

  private blocksOf(rows: number): number {
    const { block, blockRows } = this.costs;
    return Math.ceil(rows / blockRows) * block;
  }
}

type OnnxFacts = Extract<TwinFacts, { kind: 'onnx' }> & { readonly ensemble: EnsembleShape };

/** As `TreeScorer`, by transforms of our own. */
function onnxScores(
  { ensemble, trees, input, outputs }: OnnxFacts,
  kernelOf: (rows: number) => TreeKernel,
): (feeds: Feeds, fetches: readonly string[]) => Scored | null {
  const head = TreeHead.of({ ...trees, ensemble });
  if (typeof head === 'string') throw new RangeError(head);
  const names = new Set(outputs.map(({ name }) => name));
  return (feeds, fetches) => {
    // What is made of more than scores, such as contributions.
    if (!fetches.every((name) => names.has(name))) return null;
    const rows = feeds.get(input)!;
    const [count = 0, width] = rows.dims;
    if (width !== ensemble.features || rows.dims.length !== 2) return null;
    const sums = new Float32Array(count * ensemble.targets);
    kernelOf(count).sum(rows.data as Float32Array, count, sums);
    finishSums(ensemble, sums);
    const values: Scored = new Map();
    let data: Float32Array | null = null;
    for (const { name, of, factor } of outputs) {
      if (!fetches.includes(name)) continue;
      if (of === 'label') values.set(name, head.labels(sums));
      else {
        data ??= scoresOf(head, sums);
        if (data === null) return null;
        const times = factor === 1 ? data : data.map((score) => score * factor);
        values.set(name, { type: 'float32', dims: [count, head.width], data: times });
      }
    }
    return values;
  };
}

function scoresOf(head: TreeHead, sums: Float32Array<ArrayBuffer>): Float32Array | null {
  const data = head.scores(sums);
  if (head.transform === null) return data;
  const made = transformFloats(head.transform, data);
  return made === null ? null : head.transformed(made);
}
