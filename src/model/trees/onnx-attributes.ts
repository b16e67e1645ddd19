import type { OnnxAttribute, OnnxNode } from './onnx-node.ts';

export function attributeOf(node: OnnxNode, name: string): OnnxAttribute | undefined {
  return node.attributes.get(name);
}

export function integersOf(node: OnnxNode, name: string, count?: number): Float64Array {
  return counted(attributeOf(node, name)?.integers ?? new Float64Array(0), name, count);
}

export function floatsOf(node: OnnxNode, name: string, count?: number): Float64Array {
  return counted(attributeOf(node, name)?.floats ?? new Float64Array(0), name, count);
}

export function textsOf(node: OnnxNode, name: string): readonly string[] {
  return attributeOf(node, name)?.texts ?? [];
}

export function counted(values: Float64Array, name: string, count?: number): Float64Array {
  if (count !== undefined && values.length !== count)
    throw new RangeError(`${name} has ${values.length} values of ${count}`);
  return values;
}
