import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { bytesField, concatBytes, textField, varintField } from '../../src/base/formats/protobuf-write.ts';

/** One layer: `wide` inputs, `narrow` outputs. */
interface Layer {
  readonly wide: number;
  readonly narrow: number;
}

/**
 * Writes a seeded MLP (ReLU between layers, sigmoid at the end) as ONNX without any package, so that a machine that has only
 * Node can make it. Input `features` [N, widths[0]], output `score` [N, 1]; opset 17. Gives the file's sha256.
 */
export function writeMlp(path: string, widths: readonly number[]): string {
  const layers = widths.slice(1).map((narrow, i): Layer => ({ wide: widths[i]!, narrow }));
  const nodes: Uint8Array[] = [];
  const weights: Uint8Array[] = [];
  const next = seeded(20_131_231);
  let value = 'features';
  layers.forEach(({ wide, narrow }, k) => {
    const isLast = k === layers.length - 1;
    const scale = Math.sqrt(3 / wide);
    weights.push(tensor(`w${k}`, [wide, narrow], next, scale), tensor(`b${k}`, [narrow], next, 0.1));
    nodes.push(node('Gemm', [value, `w${k}`, `b${k}`], `sum${k}`));
    value = isLast ? 'score' : `h${k}`;
    nodes.push(node(isLast ? 'Sigmoid' : 'Relu', [`sum${k}`], value));
  });
  const graph = [
    ...nodes.map((n) => bytesField(1, n)),
    textField(2, 'mlp'),
    ...weights.map((w) => bytesField(5, w)),
    bytesField(11, valueInfo('features', widths[0]!)),
    bytesField(12, valueInfo('score', 1)),
  ];
  const model = [varintField(1, 8), bytesField(7, concatBytes(graph)), bytesField(8, varintField(2, 17))];
  const bytes = concatBytes(model);
  const file = openSync(path, 'w');
  writeSync(file, bytes);
  closeSync(file);
  return createHash('sha256').update(bytes).digest('hex');
}

// NodeProto: input 1, output 2, op_type 4.
function node(operator: string, inputs: readonly string[], output: string): Uint8Array {
  return concatBytes([...inputs.map((name) => textField(1, name)), textField(2, output), textField(4, operator)]);
}

// TensorProto: dims 1, data_type 2 (1 = float), name 8, raw_data 9.
function tensor(name: string, dims: readonly number[], next: () => number, scale: number): Uint8Array {
  const values = new Float32Array(dims.reduce((product, d) => product * d, 1));
  for (let i = 0; i < values.length; i++) values[i] = next() * scale;
  const raw = new Uint8Array(values.buffer);
  return concatBytes([
    ...dims.map((d) => varintField(1, d)),
    varintField(2, 1),
    textField(8, name),
    bytesField(9, raw),
  ]);
}

// ValueInfoProto: name 1, type 2; TypeProto: tensor_type 1; its elem_type 1, shape 2; shape: dim 1; dim: value 1, param 2.
function valueInfo(name: string, width: number): Uint8Array {
  const shape = concatBytes([bytesField(1, textField(2, 'N')), bytesField(1, varintField(1, width))]);
  const type = concatBytes([varintField(1, 1), bytesField(2, shape)]);
  return concatBytes([textField(1, name), bytesField(2, bytesField(1, type))]);
}

/** Numbers between -1 and 1, the same on every machine (xorshift). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  };
}
