import type { Signature, TensorSignature } from '../../base/contract/signature.ts';
import type { ColumnInfo } from '../../base/contract/table.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sourceKind } from '../../data/duckdb/source-kind.ts';
import { bindFeatures, describeTensor } from './bind-features.ts';

export interface SuggestedBinding {
  readonly features: Readonly<Record<string, { readonly columns: readonly string[] }>>;
  readonly outputs: Readonly<Record<string, { readonly tensor: string; readonly index?: number }>>;
  readonly id: readonly string[];
  /** What was guessed, for people. */
  readonly notes: readonly string[];
}

/**
 * A first binding of a table to a model, for `init`: inputs by their names; else one vector input from a list column, or
 * from as many number columns as it has values, in file order.
 *
 * Errors: SIGNATURE_MISMATCH when nothing fits.
 */
export function suggestBinding(signature: Signature, columns: readonly ColumnInfo[], where: string): SuggestedBinding {
  const notes: string[] = [];
  const features: Record<string, { columns: string[] }> = {};
  const byName = new Set(columns.map((c) => c.name));
  for (const tensor of signature.inputs) {
    features[tensor.name] = {
      columns: byName.has(tensor.name) ? [tensor.name] : guessColumns(tensor, signature, columns, where, notes),
    };
  }
  const types = new Map(columns.map((c) => [c.name, c.type]));
  bindFeatures(
    Object.fromEntries(
      Object.entries(features).map(([name, f]) => [
        name,
        { kind: 'columns' as const, columns: f.columns, nulls: null },
      ]),
    ),
    signature,
    types,
    where,
  );
  const used = new Set(Object.values(features).flatMap((f) => f.columns));
  const id = guessId(columns, used);
  if (id === null) notes.push('no id column was found; add id: to keep rows identifiable');
  return { features, outputs: suggestOutputs(signature, notes), id: id === null ? [] : [id], notes };
}

function guessColumns(
  tensor: TensorSignature,
  signature: Signature,
  columns: readonly ColumnInfo[],
  where: string,
  notes: string[],
): string[] {
  const width = tensor.dims.slice(1).reduce<number>((product, d) => product * (d ?? 1), 1);
  const kinds = columns.map((c) => ({ name: c.name, kind: sourceKind(c.type), type: c.type }));
  const lists = kinds.filter((k) => k.kind?.list === true);
  if (signature.inputs.length === 1 && lists.length === 1) return [lists[0]!.name];
  const floats = kinds.filter((k) => k.kind !== null && !k.kind.list && (k.type === 'FLOAT' || k.type === 'DOUBLE'));
  const numbers = kinds.filter(
    (k) => k.kind !== null && !k.kind.list && k.kind.carrier !== 'str' && k.kind.unit === null,
  );
  for (const candidates of [floats, numbers]) {
    if (candidates.length !== width) continue;
    notes.push(
      `${tensor.name} takes the ${width} number columns in file order; check that the model was trained on this order`,
    );
    return candidates.map((k) => k.name);
  }
  throw new PrescoreError('SIGNATURE_MISMATCH', {
    what: `cannot guess which columns feed ${tensor.name}`,
    where,
    expected: describeTensor(tensor),
    got: `${numbers.length} number columns, ${lists.length} list columns`,
    fix: 'Write the job file by hand: features: { TENSOR: { columns: [...] } }.',
    detail: columns.map((c) => `  ${c.name}: ${c.type}`).join('\n'),
  });
}

function suggestOutputs(signature: Signature, notes: string[]): Record<string, { tensor: string; index?: number }> {
  const outputs: Record<string, { tensor: string; index?: number }> = {};
  for (const tensor of signature.outputs) {
    if (tensor.type === null) {
      notes.push(`output ${tensor.name} is a ${tensor.declared} and is left out`);
      continue;
    }
    const name = tensor.name.replace(/[^A-Za-z0-9_]+/g, '_');
    const isBinary = tensor.dims.length === 2 && tensor.dims[1] === 2;
    outputs[isBinary ? name.replace(/ies$/, 'y') : name] = isBinary
      ? { tensor: tensor.name, index: 1 }
      : { tensor: tensor.name };
    if (isBinary) notes.push(`${tensor.name} has two classes: the column holds class 1`);
  }
  return outputs;
}

function guessId(columns: readonly ColumnInfo[], used: ReadonlySet<string>): string | null {
  const free = columns.filter((c) => !used.has(c.name));
  const named = free.find((c) => /(^|_)(id|key|uuid)$/i.test(c.name));
  return (named ?? free.find((c) => c.type === 'VARCHAR' || c.type === 'UUID'))?.name ?? null;
}
