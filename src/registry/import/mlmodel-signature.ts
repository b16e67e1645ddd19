import type { TensorType } from '../../base/contract/signature.ts';
import type { DeclaredSignature, DeclaredValue } from './foreign-model.ts';
import { asObject, type JsonObject, objectsOf, parseJson, textOf } from './json-values.ts';

/** Types of columns, and those of NumPy that tensors have. */
const TYPES: ReadonlyMap<string, TensorType> = new Map<string, TensorType>([
  ['float', 'float32'],
  ['double', 'float64'],
  ['integer', 'int32'],
  ['long', 'int64'],
  ['boolean', 'bool'],
  ['string', 'string'],
  ['float32', 'float32'],
  ['float64', 'float64'],
  ['float16', 'float16'],
  ['int8', 'int8'],
  ['int16', 'int16'],
  ['int32', 'int32'],
  ['int64', 'int64'],
  ['uint8', 'uint8'],
  ['uint16', 'uint16'],
  ['uint32', 'uint32'],
  ['uint64', 'uint64'],
  ['bool', 'bool'],
  ['str', 'string'],
  ['object', 'string'],
]);

/**
 * The signature of an MLmodel file, which keeps it as JSON in texts; null where there is none that can be read.
 *
 * Errors: none.
 */
export function mlmodelSignature(inputs: string | null, outputs: string | null): DeclaredSignature | null {
  const [takes, gives] = [valuesOf(inputs), valuesOf(outputs)];
  return takes === null && gives === null ? null : { by: 'MLmodel', isBinding: false, inputs: takes, outputs: gives };
}

function valuesOf(text: string | null): readonly DeclaredValue[] | null {
  const found = parseJson(text);
  return Array.isArray(found) && found.length > 0 ? objectsOf(found).map(declaredOf) : null;
}

function declaredOf(value: JsonObject): DeclaredValue {
  const name = textOf(value['name']);
  const spec = asObject(value['tensor-spec']);
  if (spec === null) {
    const declared = textOf(value['type']) ?? 'a type without a name';
    return { name, type: TYPES.get(declared) ?? null, declared, dims: null };
  }
  const declared = textOf(spec['dtype']) ?? 'a type without a name';
  const shape: readonly unknown[] = Array.isArray(spec['shape']) ? spec['shape'] : [];
  const dims = shape.map((dim) => (typeof dim === 'number' && dim >= 0 ? dim : null));
  return { name, type: TYPES.get(declared.replace(/^<U\d+$/, 'str')) ?? null, declared, dims };
}
