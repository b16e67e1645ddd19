import type { Signature, TensorSignature } from '../../base/contract/signature.ts';
import type { DraftOutput } from './draft-binding.ts';

/** Names that a column of the output cannot have, folded: those that are there already. */
export type TakenNames = ReadonlySet<string>;

/**
 * A column for every tensor that the model gives, and for each of its classes where their labels are known. Of the classes 0 and 1, and of
 * two without labels, the second one's probability is taken; what is no tensor is left out and told in `notes`. Errors: none.
 */
export function suggestOutputs(signature: Signature, taken: TakenNames, notes: string[]): DraftOutput[] {
  const outputs: DraftOutput[] = [];
  const names = new Set(taken);
  for (const tensor of signature.outputs) {
    if (tensor.isOnRequest === true) continue;
    if (tensor.type === null) {
      notes.push(
        `output ${tensor.name} is a ${tensor.declared} and is left out; cut it off with onnx.utils.extract_model, so that a tensor is the output, to have it`,
      );
      continue;
    }
    const plain = tensor.name.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^_+(?=[A-Za-z])/, '') || 'prediction';
    for (const { name, ...line } of linesOf(tensor, plain, isScore(tensor, signature))) {
      const column = freeName(name, names);
      names.add(column.toLowerCase());
      outputs.push({ column, tensor: tensor.name, ...line });
    }
  }
  return outputs;
}

type Line = { readonly name: string; readonly index?: number; readonly text: string };

/** More than these are one list column. */
const MOST_CLASSES = 20;

function linesOf(tensor: TensorSignature, plain: string, isScores: boolean): Line[] {
  const { classes, dims } = tensor;
  const isClasses = tensor.isPerTarget !== true && tensor.type !== 'string' && dims.length === 2;
  const one = plain.replace(/ies$/, 'y');
  if (isClasses && dims[1] === 2 && (classes === undefined ? isScores : isYesOrNo(classes)))
    return [{ name: one, index: 1, text: 'guess: of two classes, that of the second' }];
  if (!isClasses || classes === undefined || (dims[1] ?? classes.length) !== classes.length)
    return [{ name: plain, text: '' }];
  if (classes.length > MOST_CLASSES) return [{ name: plain, text: `a list, one value a class: ${sayFirst(classes)}` }];
  return classes.map((label, index) => ({ name: `${one}.${label}`, index, text: '' }));
}

const SCORE_NAMES = /prob|score|logit|softmax|sigmoid|class|pred/i;

// Two numbers a row may be two targets, or a place: those of classes have a name, or a label beside them.
function isScore({ name }: TensorSignature, { outputs }: Signature): boolean {
  return (
    SCORE_NAMES.test(name) ||
    outputs.some((o) => o.name !== name && (o.type === 'string' || o.type === 'int64' || o.type === 'bool'))
  );
}

// What everybody means by the probability then is that of the second.
function isYesOrNo(classes: readonly (string | number)[]): boolean {
  return classes.length === 2 && classes[0] === 0 && classes[1] === 1;
}

function sayFirst(classes: readonly (string | number)[]): string {
  return `${classes.slice(0, 3).join(', ')}, … (${classes.length})`;
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
