import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type {
  ModelLineage,
  NewVersion,
  RegistryFile,
  RegistryWriter,
  VersionRecord,
} from '../../base/contract/registry.ts';
import { fileDigest } from '../../base/disk/file-digest.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { describeModel } from '../processes/describe-model.ts';
import { fetchBeside } from '../processes/fetch-beside.ts';
import { fetchModel } from '../processes/fetch-model.ts';
import type { ModelBench } from '../processes/model-bench.ts';

/** Files that are to become a version. */
export interface VersionFiles {
  readonly name: string;
  /** URIs or paths: that of the model first; its weights are found by themselves, and others come along under their own names. */
  readonly files: readonly string[];
  readonly lineage: ModelLineage;
  /** As `whoAmI` says it. */
  readonly by: string;
  readonly note: string | null;
  /** False: it is not loaded, and nothing is known of its inputs and outputs. */
  readonly isChecked: boolean;
}

/** What it takes to look at files; all of it stays the caller's. */
export interface VersionTools {
  readonly stores: StoreResolver;
  readonly bench: ModelBench;
  /** A folder that the caller removes. */
  readonly scratchDir: string;
}

/**
 * Copies files to the scratch folder and says what a registry writes down of them. The model is loaded as `model inspect` does.
 *
 * Errors: those of `fetchModel` and of whoever refuses the model; INPUT_NOT_FOUND and USAGE for files that come along; those of the stores.
 */
export async function newVersionOf(wanted: VersionFiles, tools: VersionTools): Promise<NewVersion> {
  return (await readVersion(wanted, tools)).version;
}

/** The same, with the names of its features where the file has them. Errors: those of `newVersionOf`. */
export async function readVersion(
  wanted: VersionFiles,
  tools: VersionTools,
): Promise<{ readonly version: NewVersion; readonly featureNames: readonly string[] | null }> {
  const [uri, ...others] = wanted.files;
  if (uri === undefined) throw new PrescoreError('USAGE', { what: 'no file of the model is named' });
  const { stores, scratchDir } = tools;
  const job = { model: { uri, name: wanted.name, version: null, sha256: null }, features: null };
  const local = await fetchModel(job, stores, scratchDir, true);
  const { weights, sha256: digest } = local;
  const model = { path: local.path, weights, where: uri, sha256: null };
  const { kind, main, signature, opset, featureNames } = await describeModel(
    model,
    wanted.isChecked ? tools.bench : null,
  );
  const folder = dirname(local.path);
  if (basename(local.path) !== main) await rename(local.path, join(folder, main));
  const bytes = local.bytes - weights.reduce((sum, part) => sum + part.bytes, 0);
  const graph = { path: main, bytes, sha256: weights.length === 0 ? digest : await fileDigest(join(folder, main)) };
  const parts: RegistryFile[] = [
    graph,
    ...weights.map((part) => ({ path: part.name, bytes: part.bytes, sha256: part.sha256 })),
  ];
  const beside = await fetchBeside(uri, others, parts, folder, stores);
  const { name, lineage, by, note } = wanted;
  const files = [...parts, ...beside];
  const described = { kind, signature, opset };
  const version = { name, folder, files, modelFiles: parts.length, digest, ...described, lineage, by, note };
  return { version, featureNames };
}

/** The same, added. Errors: those of `newVersionOf` and of `RegistryWriter.add`; before anything is written where the model is refused. */
export async function addFiles(
  registry: RegistryWriter,
  wanted: VersionFiles,
  tools: VersionTools,
): Promise<{ readonly record: VersionRecord; readonly isNew: boolean }> {
  return registry.add(await newVersionOf(wanted, tools));
}
