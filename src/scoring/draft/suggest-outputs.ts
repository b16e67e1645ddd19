import type { Signature } from '../../base/contract/signature.ts';
import type { DraftOutput } from './draft-binding.ts';

/** Names that a column of the output cannot have, folded: those that are there already. */
export type TakenNames = ReadonlySet<string>;

/**
 * A column for every tensor that the model gives. Of two classes the second one's probability is taken; what is no tensor is left
 * out and told in `notes`. Errors: none.
 */
export function suggestOutputs(signature: Signature, taken: TakenNames, notes: string[]): DraftOutput[] {
  const outputs: DraftOutput[] = [];
  const names = new Set(taken);
  for (const tensor of signature.outputs) {
    if (tensor.isOnRequest === true) continue;
    if (tensor.type === null) {
      notes.push(
        `output ${tensor.name} is a ${tensor.declared} and is left out; export with zipmap=False, or cut it off with onnx.utils.extract_model, to have it`,
      );
      continue;
    }
    const isClasses = tensor.isPerTarget !== true && tensor.type !== 'string';
    const isBinary = isClasses && tensor.dims.length === 2 && tensor.dims[1] === 2;
    const plain = tensor.name.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^_+(?=[A-Za-z])/, '') || 'prediction';
    const column = freeName(isBinary ? plain.replace(/ies$/, 'y') : plain, names);
    names.add(column.toLowerCase());
    const text = isBinary ? 'guess: of two classes, that of the second' : '';
    outputs.push({ column, tensor: tensor.name, ...(isBinary ? { index: 1 } : {}), text });
  }
  return outputs;
}

const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

function freeName(name: string, names: ReadonlySet<string>): string {
  const wanted = FORBIDDEN.has(name) ? `${name}_` : name;
  if (!names.has(wanted.toLowerCase())) return wanted;
  for (let i = 1; ; i++) {
    const next = `predicted_${wanted}${i === 1 ? '' : `_${i}`}`;
    if (!names.has(next.toLowerCase())) return next;
  }
}
