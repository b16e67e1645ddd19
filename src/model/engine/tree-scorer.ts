import type { TensorValue } from '../elements/elements.ts';
import type { ModelSession } from '../elements/model-session.ts';
import type { TreeKernel } from '../tree-kernel/kernel.ts';
import { fastestKernel } from '../tree-kernel/tree-kernels.ts';
import { finishSums } from '../trees/finish-sums.ts';
import type { OnnxTrees } from '../trees/tree-operator.ts';
import { checkRows } from './check-rows.ts';
import type { TreeHead } from './tree-head.ts';

/** Rows on which kernels are tried against each other. */
const TRIAL_ROWS = 512;

/** Names of the transform node's model. */
export const TRANSFORM = { input: 'sums', label: 'class', scores: 'scores' } as const;

/** Labels and scores of one batch, as a tree operator gives them. */
export interface TreeOutputs {
  readonly label: TensorValue | null;
  readonly scores: TensorValue;
}

/** A tree operator evaluated by the kernel; exponentials by ONNX Runtime. */
export class TreeScorer {
  readonly trees: OnnxTrees;
  readonly head: TreeHead;
  private readonly transform: ModelSession | null;
  private made: TreeKernel | null = null;
  private madeFor = 0;

  /** `transform` has the node that `head` asks for. Owns: it closes it. */
  constructor(trees: OnnxTrees, head: TreeHead, transform: ModelSession | null) {
    this.trees = trees;
    this.head = head;
    this.transform = transform;
  }

  /** Makes the kernel for rows of `width` values; false where the ensemble is none for it. */
  prepare(width: number): boolean {
    if (width < this.trees.ensemble.features) return false;
    if (this.made === null || this.madeFor !== width) {
      const ensemble = { ...this.trees.ensemble, features: width };
      this.made = fastestKernel(ensemble, () => checkRows(ensemble, width, TRIAL_ROWS));
      this.madeFor = width;
    }
    return this.made !== null;
  }

  /** The kernel, and the values of the rows that it was made for. */
  get kernel(): TreeKernel | null {
    return this.made;
  }

  get width(): number {
    return this.madeFor;
  }

  /** Scores rows ([N, width] float32). Errors: those of `raw` and of ONNX Runtime. Owns: `rows` stays the caller's. */
  async score(rows: TensorValue, wantsLabel: boolean): Promise<TreeOutputs> {
    return this.finish(this.raw(rows), wantsLabel);
  }

  /**
   * Raw scores ([N, targets]) of rows. Errors: RangeError where rows are too short for the model's features. Owns: `rows` stays the caller's.
   */
  raw(rows: TensorValue): Float32Array<ArrayBuffer> {
    const [count = 0, width = 0] = rows.dims;
    const { targets, features } = this.trees.ensemble;
    if (rows.dims.length !== 2 || !this.prepare(width))
      throw new RangeError(`the trees ask for ${features} features, and rows have the shape [${rows.dims.join(', ')}]`);
    const sums = new Float32Array(count * targets);
    this.made!.sum(rows.data as Float32Array, count, sums);
    finishSums(this.trees.ensemble, sums);
    return sums;
  }

  /** Labels and scores of raw scores ([N, targets]). Errors: those of ONNX Runtime. */
  async finish(sums: Float32Array<ArrayBuffer>, wantsLabel: boolean): Promise<TreeOutputs> {
    const count = sums.length / this.trees.ensemble.targets;
    const label = wantsLabel && this.trees.labels !== null ? this.head.labels(sums) : null;
    const data = this.head.scores(sums);
    const scored = (values: Float32Array): TensorValue => ({
      type: 'float32',
      dims: [count, this.head.width],
      data: values,
    });
    const { transform } = this.head;
    if (this.transform === null || transform === null || count === 0) return { label, scores: scored(data) };
    const given: TensorValue = { type: 'float32', dims: [data.length / transform.width, transform.width], data };
    const made = await this.transform.run(new Map([[TRANSFORM.input, given]]), [TRANSFORM.scores]);
    return { label, scores: scored(this.head.transformed(made.get(TRANSFORM.scores)!.data as Float32Array)) };
  }

  async close(): Promise<void> {
    await this.transform?.close();
  }
}
