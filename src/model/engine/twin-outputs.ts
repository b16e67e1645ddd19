import type { Signature } from '../../base/contract/signature.ts';
import { readTensor } from '../trees/onnx-tensor.ts';
import { makersOf } from './onnx-graph.ts';
import type { TreeParts } from './split-trees.ts';

/** An output of a model that is the label of its trees, or their scores times a number. */
export interface TwinOutput {
  readonly name: string;
  readonly of: 'label' | 'scores';
  /** 1 where they are as they are. */
  readonly factor: number;
}

/** Outputs of a model that converters made of label and scores without changing more than this; others are left out. */
export function twinOutputs({ graph, label, scores, trees }: TreeParts, { outputs }: Signature): TwinOutput[] {
  const maker = makersOf(graph.nodes);
  const labelType = trees.labels !== null && 'texts' in trees.labels ? 'string' : 'int64';
  const factorOf = (name: string | undefined): number | null => {
    const found = graph.initializers.find((initializer) => initializer.name === name);
    if (found === undefined) return null;
    const { data } = readTensor(found.bytes);
    return data.length === 1 ? data[0]! : null;
  };
  return outputs.flatMap(({ name, type }): TwinOutput[] => {
    let factor = 1;
    for (let at = name, step = 0; step <= graph.nodes.length; step++) {
      if (at === label) return type === labelType && factor === 1 ? [{ name, of: 'label', factor }] : [];
      if (at === scores) return type === 'float32' ? [{ name, of: 'scores', factor }] : [];
      const node = maker.get(at);
      if (node === undefined || node.domain !== '') return [];
      if (node.operator === 'Mul' && factor === 1) factor = factorOf(node.inputs[1]) ?? Number.NaN;
      else if (node.operator !== 'Identity' && node.operator !== 'Cast') return [];
      if (Number.isNaN(factor)) return [];
      at = node.inputs[0]!;
    }
    return [];
  });
}
