import type { FeatureSpec } from '../../base/contract/job.ts';
import type { ModelInfo, Signature, TensorSignature } from '../../base/contract/signature.ts';
import type { ColumnInfo } from '../../base/contract/table.ts';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import { bindFeatures, describeTensor } from '../tensor/bind-features.ts';
import { outputTypeError } from '../tensor/bind-outputs.ts';
import { columnRoles, type DraftColumn, isIdName } from './column-roles.ts';
import { type DraftBinding, type DraftFeature, type DraftWishes, SURE } from './draft-binding.ts';
import { feedByCount } from './feed-by-count.ts';
import { askForName, feedByAlikeName, feedByNames, feedBySameName } from './feed-by-name.ts';
import { feedCompanion, isCompanion } from './feed-companion.ts';
import { isCandidate, isSingle, widthOf } from './fits.ts';
import { suggestOutputs } from './suggest-outputs.ts';

/**
 * A first binding of a table to a model, for `init`. What is certain is bound: what the user said, names that are the same, the
 * names of the model's metadata, the only column that fits. The rest is a guess, or a question (`Certainty`).
 *
 * `columns` has the path columns too; `taken` are folded names that no output column may have; `where` is shown in errors.
 *
 * Errors: SIGNATURE_MISMATCH for inputs that prescore cannot feed at all; MODEL_BATCH_AXIS, MODEL_STATEFUL; MODEL_OUTPUT_TYPE
 * where no output is a tensor.
 */
export function suggestBinding(
  model: Pick<ModelInfo, 'signature' | 'featureNames'>,
  columns: readonly ColumnInfo[],
  wishes: DraftWishes,
  reserved: readonly string[],
  where: string,
): DraftBinding {
  const { signature } = model;
  const notes: string[] = [];
  const roles = columnRoles(columns, signature.outputs, wishes);
  const found = feedInputs(model, roles, wishes, notes);
  const features = withMismatches(found, signature, columns, where);
  if (signature.outputs.every(({ type }) => type === null))
    throw outputTypeError(signature.outputs[0], signature, where);
  const used = new Set(features.flatMap(({ feed }) => ('columns' in feed ? feed.columns : [])));
  const id = suggestId(roles, used, wishes, reserved);
  const outputs = suggestOutputs(signature, new Set([...id.columns, ...reserved].map((n) => n.toLowerCase())), notes);
  return { features, outputs, id, leftOut: leftOut(roles, signature, used, id.columns, wishes), notes };
}

function feedInputs(
  { signature, featureNames }: Pick<ModelInfo, 'signature' | 'featureNames'>,
  roles: readonly DraftColumn[],
  wishes: DraftWishes,
  notes: string[],
): DraftFeature[] {
  const { inputs } = signature;
  const fed = new Map<string, DraftFeature>();
  const feed = (tensor: TensorSignature, feature: DraftFeature | null): void => {
    if (feature !== null && !fed.has(tensor.name)) fed.set(tensor.name, feature);
  };
  const usable = roles.filter(({ name }) => !wishes.exclude.has(name));
  const free = (): DraftColumn[] => {
    const used = new Set([...fed.values()].flatMap((f) => ('columns' in f.feed ? f.feed.columns : [])));
    return usable.filter(({ name, isOut }) => !used.has(name) && !isOut);
  };
  const left = (): TensorSignature[] => inputs.filter(({ name }) => !fed.has(name));
  for (const tensor of inputs) feed(tensor, said(tensor, wishes));
  for (const tensor of left()) feed(tensor, feedBySameName(tensor, usable));
  const names = inputs.map(({ name }) => name);
  for (const tensor of left()) feed(tensor, feedByAlikeName(tensor, free(), names));
  for (const tensor of left()) if (tensor.dims.length === 0) feed(tensor, askForValue(tensor));
  const only = inputs.length === 1 ? left()[0] : undefined;
  if (only !== undefined && featureNames !== undefined) feed(only, byMetadata(only, featureNames, usable, notes));
  // One of several inputs is fed by its name or not at all; a model with one input may take any column.
  for (const tensor of left()) if (isSingle(tensor) && inputs.length > 1) feed(tensor, askForName(tensor, free()));
  for (const tensor of [...left().filter((t) => !isCompanion(t)), ...left().filter(isCompanion)]) {
    feed(tensor, feedCompanion(tensor, inputs, fed, usable));
    feed(tensor, feedByCount(tensor, free(), isConfirmed(tensor, wishes)));
  }
  return inputs.flatMap(({ name }) => fed.get(name) ?? []);
}

function said(tensor: TensorSignature, { features }: DraftWishes): DraftFeature | null {
  const columns = features.get(tensor.name);
  return columns === undefined || columns[0] === '*' ? null : { tensor: tensor.name, feed: { columns }, ...SURE };
}

function isConfirmed(tensor: TensorSignature, { features }: DraftWishes): boolean {
  return features.get(tensor.name)?.[0] === '*';
}

function byMetadata(
  tensor: TensorSignature,
  names: readonly string[],
  columns: readonly DraftColumn[],
  notes: string[],
): DraftFeature | null {
  const width = widthOf(tensor);
  if (width !== null && width !== names.length) {
    notes.push(
      `the model's metadata names ${names.length} features, but ${tensor.name} takes ${width}: they are not used`,
    );
    return null;
  }
  notes.push(`the names of the features and their order are those of the model's metadata`);
  return feedByNames(tensor, names, columns);
}

function askForValue(tensor: TensorSignature): DraftFeature {
  const value = tensor.type === 'string' ? '' : tensor.type === 'bool' ? false : 0;
  const text = `${tensor.name} takes one ${describeTensor(tensor)} for all rows: which?`;
  return { tensor: tensor.name, feed: { value }, certainty: 'question', text };
}

/** What cannot be bound as it was suggested becomes a question with the binder's own words. */
function withMismatches(
  features: readonly DraftFeature[],
  signature: Signature,
  columns: readonly ColumnInfo[],
  where: string,
): readonly DraftFeature[] {
  const types = new Map(columns.map((c) => [c.name, c.type]));
  const spec = ({ feed }: DraftFeature): FeatureSpec => {
    if ('columns' in feed) return { kind: 'columns', columns: feed.columns, nulls: null };
    return 'maskOf' in feed ? { kind: 'mask', of: feed.maskOf } : { kind: 'value', value: feed.value };
  };
  try {
    bindFeatures(Object.fromEntries(features.map((f) => [f.tensor, spec(f)])), signature, types, where);
    return features;
  } catch (error) {
    const isMismatch = isPrescoreError(error) && error.code === 'SIGNATURE_MISMATCH';
    if (!isMismatch || signature.inputs.some(({ type }) => type === null)) throw error;
    const whys = mismatchesOf(error.details.data);
    if ([...whys.keys()].some((tensor) => !features.some((f) => f.tensor === tensor))) throw error;
    return features.map((feature): DraftFeature => {
      const why = whys.get(feature.tensor);
      return why === undefined || feature.certainty === 'question'
        ? feature
        : { ...feature, certainty: 'question', text: why };
    });
  }
}

function mismatchesOf(data: Readonly<Record<string, unknown>> | undefined): Map<string, string> {
  const list: unknown = data?.['mismatches'];
  const found = new Map<string, string>();
  for (const item of Array.isArray(list) ? (list as readonly { tensor: string; wants: string; why: string }[]) : [])
    found.set(item.tensor, `the model wants ${item.wants}: ${item.why}`);
  return found;
}

function suggestId(
  roles: readonly DraftColumn[],
  used: ReadonlySet<string>,
  { id, exclude }: DraftWishes,
  reserved: readonly string[],
): DraftBinding['id'] {
  if (id.length > 0) return { columns: id, ...SURE };
  const banned = new Set(reserved.map((name) => name.toLowerCase()));
  const free = roles.filter(({ name, kind }) => !banned.has(name.toLowerCase()) && kind !== null && !kind.list);
  // A column of a question that is named like an id is more likely the id than a feature.
  const named = free.find(({ name }) => isIdName(name) && (!used.has(name) || exclude.has(name)));
  const text = free.find(({ name, type }) => !used.has(name) && (type === 'VARCHAR' || type === 'UUID'));
  const chosen = named ?? text;
  if (chosen === undefined) return { columns: [], ...SURE };
  const why = named === undefined ? 'a text that is no feature' : 'an id by its name';
  return { columns: [chosen.name], certainty: 'guess', text: `${why}; it should name each row once` };
}

function leftOut(
  roles: readonly DraftColumn[],
  { inputs }: Signature,
  used: ReadonlySet<string>,
  id: readonly string[],
  { exclude }: DraftWishes,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const column of roles) {
    const { name, isOut, doubt } = column;
    const could = inputs.some((tensor) => isCandidate(tensor, { ...column, isOut: false }));
    if (used.has(name) || id.includes(name) || exclude.has(name) || !could) continue;
    found.set(name, isOut ? 'an index that pandas wrote' : doubt === null ? 'no input takes it' : `guess: ${doubt}`);
  }
  return found;
}
