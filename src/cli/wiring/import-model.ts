import { join } from 'node:path';
import { MODEL_NAME } from '../../base/contract/model-ref.ts';
import type { RegistryWriter, VersionRecord } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type Contradiction, compareSignature } from '../../registry/import/compare-signature.ts';
import type { DeclaredSignature, ForeignModel } from '../../registry/import/foreign-model.ts';
import { readVersion, type VersionTools } from './new-version.ts';

/** How a model is to stand in the registry. */
export interface ImportWish {
  /** Null: as the other tool calls it. */
  readonly name: string | null;
  readonly by: string;
  readonly note: string | null;
}

/** A model that was imported. */
export interface Imported {
  readonly record: VersionRecord;
  /** False: its bytes were there already. */
  readonly isNew: boolean;
  /** Where the other tool's description contradicts the file, which counts. */
  readonly contradictions: readonly Contradiction[];
  readonly declaredBy: string | null;
}

/**
 * Opens a model as `models add` does, compares it with what the other tool says of it, and adds it.
 *
 * Errors: USAGE without a name; IMPORT_REFUSED where the tool itself would not load it; those of whoever refuses the model, of the registry and of the disk.
 */
export async function importModel(
  registry: RegistryWriter,
  model: ForeignModel,
  wish: ImportWish,
  tools: VersionTools,
): Promise<Imported> {
  const name = nameOf(model, wish);
  const { folder, main, declared, lineage } = model;
  const { by, note } = wish;
  const wanted = { name, files: [join(folder, main)], lineage, by, note, isChecked: true };
  const { version, featureNames } = await readVersion(wanted, tools);
  const { signature } = version;
  const isComparable = declared !== null && signature !== null;
  const contradictions = isComparable ? compareSignature(declared, signature, featureNames) : [];
  if (declared?.isBinding === true && contradictions.length > 0)
    throw contradicted(declared, contradictions, model.where);
  const added = await registry.add(version);
  return { ...added, contradictions, declaredBy: declared?.by ?? null };
}

/** In words, for people. */
export function sayContradiction(by: string, { what, declared, found }: Contradiction): string {
  return `${what}: ${by} says ${declared}, the file has ${found}`;
}

function contradicted(declared: DeclaredSignature, all: readonly Contradiction[], where: string): PrescoreError {
  const lines = all.map((one) => sayContradiction(declared.by, one));
  return new PrescoreError('IMPORT_REFUSED', {
    what: `${declared.by} contradicts the model: ${lines[0]}`,
    where,
    fix: 'Mend the configuration; Triton itself does not load such a model.',
    ...(lines.length === 1 ? {} : { detail: lines.join('\n') }),
  });
}

function nameOf({ name, where }: ForeignModel, wish: ImportWish): string {
  if (wish.name !== null) return wish.name;
  if (name !== null && MODEL_NAME.test(name)) return name;
  throw new PrescoreError('USAGE', {
    what: name === null ? 'nothing says what the model is called' : 'its name cannot be a name here',
    where,
    ...(name === null ? {} : { got: JSON.stringify(name) }),
    fix: 'Give the name behind the source: prescore models import SOURCE NAME.',
  });
}
