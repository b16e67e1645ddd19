import { ProtoCursor } from '../../base/formats/proto-cursor.ts';
import { protoFields, protoText } from '../../base/formats/protobuf.ts';
import type { GraphNode, OnnxGraph } from './onnx-graph.ts';

/** Labels of classes in order: all texts, or all whole numbers. */
export type ClassLabels = readonly (string | number)[];

/** Operators of ai.onnx.ml whose second output has a column for each of their labels. */
export const CLASSIFIERS: readonly string[] = ['TreeEnsembleClassifier', 'LinearClassifier', 'SVMClassifier'];
/** What changes the values of scores, and not which column is whose. */
const KEEP_COLUMNS = new Set(['Identity', 'Cast', 'Normalizer', 'Softmax', 'Sigmoid', 'Clip']);
const MOST_STEPS = 16;

/** The labels that a node of ai.onnx.ml names in its attributes; null where it has none. Errors: RangeError on bytes that do not parse. */
export function labelsOfNode({ bytes }: GraphNode): ClassLabels | null {
  const texts: string[] = [];
  const integers: number[] = [];
  for (const { number, bytes: attribute } of protoFields(bytes))
    if (number === 5 && attribute !== null) readLabels(attribute, texts, integers);
  if (texts.length > 0) return texts;
  return integers.length > 0 && integers.every(Number.isSafeInteger) ? integers : null;
}

// AttributeProto: name 1, ints 8, strings 9. Trees and ZipMap say int64s, the others ints; attributes of trees are long, and passed over.
function readLabels(attribute: Uint8Array, texts: string[], integers: number[]): void {
  const part = new ProtoCursor(attribute);
  let isLabels = false;
  while (part.next()) {
    if (part.number === 1 && part.wire === 2) {
      isLabels = protoText(part.slice()).startsWith('classlabels_');
      if (!isLabels) return;
    }
    if (!isLabels) continue;
    if (part.number === 9 && part.wire === 2) texts.push(protoText(part.slice()));
    if (part.number === 8 && part.wire === 0) integers.push(part.signed);
    if (part.number !== 8 || part.wire !== 2) continue;
    const packed = new ProtoCursor(part.bytes, part.start, part.end);
    while (packed.nextVarint()) integers.push(packed.signed);
  }
}

/**
 * The labels of classes for every output of a graph whose columns are a classifier's scores, found by walking back from the output.
 *
 * Errors: RangeError on bytes that do not parse.
 */
export function classLabels(graph: OnnxGraph): ReadonlyMap<string, ClassLabels> {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const found = new Map<string, ClassLabels>();
  for (const { name } of graph.outputs) {
    const labels = labelsBehind(name, makers);
    if (labels !== null) found.set(name, labels);
  }
  return found;
}

function labelsBehind(output: string, makers: ReadonlyMap<string, GraphNode>): ClassLabels | null {
  let name = output;
  for (let step = 0; step < MOST_STEPS; step++) {
    const node = makers.get(name);
    if (node === undefined) return null;
    if (CLASSIFIERS.includes(node.operator)) return node.outputs[1] === name ? labelsOfNode(node) : null;
    if (!KEEP_COLUMNS.has(node.operator)) return null;
    name = node.inputs[0] ?? '';
  }
  return null;
}
