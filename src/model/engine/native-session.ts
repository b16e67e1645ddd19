import type { Background } from '../../base/contract/background.ts';
import { CPU_DEVICE } from '../../base/contract/device.ts';
import type { Signature } from '../../base/contract/signature.ts';
import type { TensorValue } from '../elements/elements.ts';
import type { ModelSession } from '../elements/model-session.ts';
import type { NativeModel } from '../native/native-model.ts';
import type { TreeKernel } from '../tree-kernel/kernel.ts';
import { plainLeaves } from '../trees/plain-scores.ts';
import { backgroundFeeds } from './background-feeds.ts';
import { Contributions } from './contributions.ts';
import { classPicker, transformed } from './native-answers.ts';
import { NativeScorer } from './native-scorer.ts';
import { NATIVE_OUTPUT, nativeSignature, OF_ANSWER } from './native-signature.ts';

/** A model as its trainer saved it, evaluated without ONNX Runtime. */
export class NativeSession implements ModelSession {
  readonly signature: Signature;
  readonly granted = CPU_DEVICE;
  readonly isCopying = false;
  readonly isRowwise = true;
  readonly model: NativeModel;
  readonly kernel: TreeKernel;
  private readonly scorer: NativeScorer;
  private readonly background: Float32Array | Float64Array | null;
  private contributions: Contributions | null = null;

  /** `background`: beside which rows are explained; null: by what the file says of the training rows. */
  constructor(model: NativeModel, kernel: TreeKernel, background: Background | null) {
    this.model = model;
    this.kernel = kernel;
    this.scorer = new NativeScorer(model, () => kernel);
    this.signature = nativeSignature(model, this.scorer.features, background !== null);
    this.background =
      background === null ? null : this.scorer.rowsOf(backgroundFeeds(background, this.signature.inputs));
  }

  /** See `ModelSession.run`. Errors: RangeError where rows have another width; MODEL_INVALID where contributions are
   * asked of trees that are too deep. */
  async run(feeds: ReadonlyMap<string, TensorValue>, fetches: readonly string[]): Promise<Map<string, TensorValue>> {
    const { ensemble } = this.model;
    const rows = this.scorer.rowsOf(feeds);
    const raw = this.scorer.raw(rows);
    const values = this.scorer.answers(raw, fetches);
    if (fetches.includes(NATIVE_OUTPUT.contributions) || fetches.includes(OF_ANSWER)) {
      const contributions = this.explainer();
      const all = contributions.of(rows, raw);
      values.set(NATIVE_OUTPUT.contributions, all);
      if (fetches.includes(OF_ANSWER)) {
        const pick = classPicker(this.model, transformed(this.model, raw), raw);
        values.set(OF_ANSWER, contributions.ofAnswer(all, pick));
      }
    }
    if (fetches.includes(NATIVE_OUTPUT.leaf))
      values.set(NATIVE_OUTPUT.leaf, {
        type: 'int32',
        dims: [rows.length / ensemble.features, ensemble.roots.length],
        data: plainLeaves(ensemble, rows),
      });
    return values;
  }

  async close(): Promise<void> {}

  private explainer(): Contributions {
    const { background } = this;
    const { ensemble } = this.model;
    this.contributions ??=
      background === null
        ? Contributions.byCover(ensemble, 'the model')
        : Contributions.byBackground(ensemble, background, 'the model');
    return this.contributions;
  }
}
