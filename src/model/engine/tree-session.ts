import type { GrantedDevice } from '../../base/contract/device.ts';
import type { Signature } from '../../base/contract/signature.ts';
import type { TensorValue } from '../elements/elements.ts';
import type { ModelSession } from '../elements/model-session.ts';
import type { TreeParts } from './split-trees.ts';
import { explainsTrees, TreeExplainer } from './tree-explainer.ts';
import type { TreeScorer } from './tree-scorer.ts';

/** The ONNX Runtime sessions around the trees. */
export interface PartSessions {
  readonly before: ModelSession | null;
  readonly after: ModelSession | null;
}

const NOTHING: ReadonlyMap<string, TensorValue> = new Map();

/** A model whose trees the kernel evaluates; what is before and after them, ONNX Runtime. */
export class TreeSession implements ModelSession {
  signature: Signature;
  readonly granted: GrantedDevice;
  /** Rows go to the kernel's memory anyway. */
  readonly isCopying: boolean;
  readonly isRowwise: boolean;
  readonly parts: TreeParts;
  readonly scorer: TreeScorer;
  private readonly sessions: PartSessions;
  private explainer: TreeExplainer | null = null;

  constructor(
    of: Pick<ModelSession, 'signature' | 'granted' | 'isCopying'>,
    parts: TreeParts,
    sessions: PartSessions,
    scorer: TreeScorer,
  ) {
    this.signature = of.signature;
    this.granted = of.granted;
    this.isRowwise = sessions.before === null && sessions.after === null;
    this.isCopying = sessions.before !== null && of.isCopying;
    this.parts = parts;
    this.sessions = sessions;
    this.scorer = scorer;
  }

  /** See `ModelSession.run`. */
  async run(feeds: ReadonlyMap<string, TensorValue>, fetches: readonly string[]): Promise<Map<string, TensorValue>> {
    const { label, scores, after } = this.parts;
    const rows = await this.rowsOf(feeds);
    const sums = this.scorer.raw(rows);
    const explained = this.explainer?.isAsked(fetches) === true ? this.explainer.explain(rows, sums, fetches) : NOTHING;
    const beyond = fetches.filter((name) => name !== label && name !== scores && !explained.has(name));
    const wantsLabel =
      label !== null && (fetches.includes(label) || (beyond.length > 0 && after!.inputs.includes(label)));
    const made = await this.scorer.finish(sums, wantsLabel);
    const values = new Map<string, TensorValue>(explained);
    if (label !== null && made.label !== null) values.set(label, made.label);
    if (scores !== null) values.set(scores, made.scores);
    if (beyond.length === 0) return values;
    const given = new Map(after!.inputs.map((name) => [name, values.get(name)!]));
    for (const [name, value] of await this.sessions.after!.run(given, beyond)) values.set(name, value);
    return values;
  }

  async close(): Promise<void> {
    await this.scorer.close();
    await this.sessions.before?.close();
    await this.sessions.after?.close();
  }

  /** Explains rows from now on beside those of a background. Errors: those of ONNX Runtime. */
  async explainBeside(background: ReadonlyMap<string, TensorValue>): Promise<void> {
    const { data, dims } = await this.rowsOf(background);
    const width = dims[1] ?? 0;
    this.scorer.prepare(width);
    // Rows may be wider than the trees ask for, which only rows tell where there is work before the trees.
    this.signature = { ...this.signature, explains: explainsTrees(this.parts, width, this.signature, true) };
    this.explainer = new TreeExplainer(this.scorer, Float32Array.from(data as Float32Array));
  }

  private async rowsOf(feeds: ReadonlyMap<string, TensorValue>): Promise<TensorValue> {
    const { before, input } = this.parts;
    if (before === null) return feeds.get(input)!;
    const given = new Map(before.inputs.map((name) => [name, feeds.get(name)!]));
    return (await this.sessions.before!.run(given, [input])).get(input)!;
  }
}
