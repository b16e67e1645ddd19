import type { ExplainSignature, Signature, TreeFeature } from '../../base/contract/signature.ts';
import type { TensorValue } from '../elements/elements.ts';
import type { Ensemble } from '../trees/ensemble.ts';
import { readTensor } from '../trees/onnx-tensor.ts';
import { Contributions } from './contributions.ts';
import { OF_ANSWER } from './native-signature.ts';
import { makersOf, type OnnxGraph } from './onnx-graph.ts';
import type { TreeParts } from './split-trees.ts';
import type { TreeHead } from './tree-head.ts';
import type { TreeScorer } from './tree-scorer.ts';

/** Fetches the contributions of an ONNX model's trees; no output of the model's own. */
const ALL = 'contributions of the trees';

/** Contributions of the features of trees in an ONNX model to what the trees add up, before any transform, beside a background. */
export class TreeExplainer {
  private readonly ensemble: Ensemble;
  private readonly head: TreeHead;
  private readonly background: Float32Array;
  private contributions: Contributions | null = null;

  /** `background`: rows as the trees take them. Owns: it is kept. */
  constructor({ trees, width, head }: TreeScorer, background: Float32Array) {
    this.ensemble = { ...trees.ensemble, features: width };
    this.head = head;
    this.background = background;
  }

  isAsked(fetches: readonly string[]): boolean {
    return fetches.includes(ALL) || fetches.includes(OF_ANSWER);
  }

  /**
   * What is asked for of rows ([N, width]) and their raw scores. Errors: those of `Contributions`; RangeError for rows of another width than the
   * background's. Owns: both stay the caller's.
   */
  explain(rows: TensorValue, raw: Float32Array, fetches: readonly string[]): Map<string, TensorValue> {
    const { features } = this.ensemble;
    if (rows.dims[1] !== features)
      throw new RangeError(`the background has ${features} features, and rows have ${rows.dims[1]}`);
    this.contributions ??= Contributions.byBackground(this.ensemble, this.background, 'the model');
    const all = this.contributions.of(rows.data as Float32Array, raw);
    const values = new Map<string, TensorValue>([[ALL, all]]);
    if (fetches.includes(OF_ANSWER))
      values.set(
        OF_ANSWER,
        this.contributions.ofAnswer(all, (row) => this.head.classAt(raw, row)),
      );
    return values;
  }
}

/** What can be said of an ONNX model's trees. */
export function explainsTrees(
  { trees, before, graph, input }: TreeParts,
  width: number,
  signature: Signature,
  hasBackground: boolean,
): ExplainSignature {
  const { targets } = trees.ensemble;
  return {
    tensor: ALL,
    targets,
    ofAnswer: trees.labels !== null && targets > 1 ? OF_ANSWER : null,
    features:
      before === null
        ? Array.from({ length: width }, (_, at) => ({ input, at }))
        : (featuresOf(graph, input, signature, width) ?? 'what is before its trees makes features that have no names'),
    ...(hasBackground ? {} : { why: NO_BACKGROUND, wantsBackground: true }),
  };
}

const NO_BACKGROUND =
  'an ONNX model does not say how many training rows its leaves had: give it a background (model.background)';

/** Operators that give each value of a row what they make of it alone, in its place. */
const BY_VALUE = new Set(['Identity', 'Cast', 'Scaler', 'Imputer', 'Sub', 'Div', 'Mul', 'Add', 'Clip']);

/** Where the values of the trees' rows come from; null where one is made of several, or several of one. */
function featuresOf(
  { nodes, initializers }: OnnxGraph,
  input: string,
  { inputs }: Signature,
  width: number,
): readonly TreeFeature[] | null {
  const makers = makersOf(nodes);
  const constants = new Map(initializers.map(({ name, bytes }) => [name, bytes]));
  const sourcesOf = (name: string): readonly TreeFeature[] | null => {
    const given = inputs.find((one) => one.name === name);
    if (given !== undefined) {
      const own = given.dims.length === 2 ? given.dims[1] : null;
      return own == null ? null : Array.from({ length: own }, (_, at) => ({ input: name, at }));
    }
    const maker = makers.get(name);
    if (maker === undefined) return null;
    const values = maker.inputs.filter((one) => one !== '' && !constants.has(one));
    if (maker.operator === 'Concat') {
      const parts = values.map(sourcesOf);
      return values.length < maker.inputs.length || parts.includes(null) ? null : parts.flatMap((part) => part ?? []);
    }
    const [only] = values;
    if (maker.operator === 'ArrayFeatureExtractor' && values.length === 1) {
      const all = sourcesOf(only!);
      const picked = [...readTensor(constants.get(maker.inputs[1]!)!).data].map((at) => all?.[Number(at)]);
      return picked.every((one) => one !== undefined) ? picked : null;
    }
    return BY_VALUE.has(maker.operator) && values.length === 1 && only !== undefined ? sourcesOf(only) : null;
  };
  const found = sourcesOf(input);
  const different = new Set(found?.map((one) => JSON.stringify([one.input, one.at])));
  return found?.length === width && different.size === width ? found : null;
}
