import { protoFields, protoText } from '../../base/formats/protobuf.ts';
import { bytesField, concatBytes, textField, varintField } from '../../base/formats/protobuf-write.ts';
import { type ClassLabels, exactLabels } from './class-labels.ts';
import { ELEMENT, type GraphNode, type OnnxGraph, readOnnxGraph, scoresInfo } from './onnx-graph.ts';

/** A model whose maps are gone, and the labels that they had. */
export interface CutMaps {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** By the output that was a list of maps and is [N, classes] now. */
  readonly labels: ReadonlyMap<string, ClassLabels>;
}

interface Cut {
  readonly map: GraphNode;
  readonly output: string;
  readonly labels: ClassLabels;
  /** Set where whoever makes the scores can call them by the name of the output; else a node hands them through. */
  readonly renames: string | null;
}

/**
 * Cuts off every ZipMap that makes an output of the model: converters of scikit-learn, LightGBM, XGBoost and CatBoost end classifiers in one
 * unless told otherwise. The tensor that went into it is the output then, under the name that the file gives the output, so that a job says
 * what other tools show. Null where there is nothing to cut.
 *
 * Errors: RangeError on bytes that do not parse. Owns: `bytes` stays the caller's.
 */
export function cutMaps(bytes: Uint8Array): CutMaps | null {
  const graph = readOnnxGraph(bytes);
  const cuts = graph.nodes.flatMap((node) => cutOf(graph, node) ?? []);
  if (cuts.length === 0) return null;
  const labels = new Map(cuts.map((cut) => [cut.output, cut.labels]));
  return { bytes: rewritten(bytes, cuts), labels };
}

function cutOf(graph: OnnxGraph, map: GraphNode): Cut | null {
  if (map.operator !== 'ZipMap' || map.domain !== 'ai.onnx.ml') return null;
  const [scores = ''] = map.inputs;
  const [output = ''] = map.outputs;
  const isTaken = graph.nodes.some((node) => node.inputs.includes(output));
  if (isTaken || !graph.outputs.some(({ name }) => name === output)) return null;
  const labels = exactLabels(map);
  if (labels === null) return null;
  const isOutside = [...graph.outputs, ...graph.inputs, ...graph.initializers].some(({ name }) => name === scores);
  const isShared = graph.nodes.some((node) => node !== map && node.operator === 'ZipMap' && node.inputs[0] === scores);
  return { map, output, labels, renames: isOutside || isShared || graph.isOpaque ? null : scores };
}

// ModelProto: graph 7. GraphProto: node 1, value_info 13 (hints, which would bear the old names), output 12. All else stays as it is.
function rewritten(bytes: Uint8Array, cuts: readonly Cut[]): Uint8Array<ArrayBuffer> {
  const byOutput = new Map(cuts.map((cut) => [cut.output, cut]));
  const names = new Map(cuts.flatMap(({ renames, output }) => (renames === null ? [] : [[renames, output] as const])));
  const rewriteGraph = (graph: Uint8Array): Uint8Array =>
    rebuilt(graph, (number, field) => {
      if (number === 13) return [];
      if (number === 12) {
        const cut = byOutput.get(firstText(field));
        return cut === undefined ? [field] : [scoresInfo(cut.output, ELEMENT.float, cut.labels.length)];
      }
      return number === 1 ? renamed(field, names, byOutput) : [field];
    });
  return rebuilt(bytes, (number, field) => [number === 7 ? rewriteGraph(field) : field]);
}

/** A message whose length-delimited fields are replaced by what `change` makes of each. */
function rebuilt(
  message: Uint8Array,
  change: (number: number, field: Uint8Array) => readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const { number, varint, bytes } of protoFields(message)) {
    if (bytes !== null) parts.push(...change(number, bytes).map((field) => bytesField(number, field)));
    else if (varint !== null && Number.isSafeInteger(varint)) parts.push(varintField(number, varint));
  }
  return concatBytes(parts);
}

// NodeProto: input 1, output 2. The ZipMap itself goes, or becomes an Identity.
function renamed(
  node: Uint8Array,
  names: ReadonlyMap<string, string>,
  cuts: ReadonlyMap<string, Cut>,
): readonly Uint8Array[] {
  const ends = [...protoFields(node)].filter(({ number }) => number === 1 || number === 2);
  const cut = cuts.get(protoText(ends.find(({ number }) => number === 2)?.bytes ?? null));
  if (cut !== undefined) return cut.renames === null ? [identity(cut)] : [];
  if (!ends.some(({ bytes }) => names.has(protoText(bytes)))) return [node];
  return [
    rebuilt(node, (number, field) => {
      const name = number === 1 || number === 2 ? names.get(protoText(field)) : undefined;
      return [name === undefined ? field : new TextEncoder().encode(name)];
    }),
  ];
}

function identity({ map, output }: Cut): Uint8Array {
  return concatBytes([textField(1, map.inputs[0] ?? ''), textField(2, output), textField(4, 'Identity')]);
}

function firstText(value: Uint8Array): string {
  for (const { number, bytes } of protoFields(value)) if (number === 1) return protoText(bytes);
  return '';
}
