import { mkdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ModelKind } from '../../base/contract/registry.ts';
import { FILE_KINDS, type Recognised } from '../../base/formats/file-kinds.ts';
import { sampleOfFile } from '../../base/formats/file-sample.ts';
import { modelNameOf } from '../../base/formats/model-names.ts';
import { recogniseFile } from '../../base/formats/recognise-file.ts';
import type { ForeignFolder } from './foreign-folder.ts';

/** A model's file by what it is; its name where it came from says nothing. */
export interface TakenFile {
  readonly main: string;
  readonly kind: ModelKind;
}

/**
 * Copies one file of a foreign folder into an own one, and names it by its bytes.
 *
 * Errors: what `refuse` gives for other files; those of the folder and of the disk.
 */
export async function takeFile(
  from: ForeignFolder,
  path: string,
  folder: string,
  refuse: (is: string) => Error,
): Promise<TakenFile> {
  const waiting = join(folder, 'model.part');
  await from.copy(path, waiting);
  const recognised = recogniseFile(await sampleOfFile(waiting, path));
  const named = recognised === null ? null : modelNameOf(recognised.kind);
  if (named === null) throw refuse(sayKind(recognised));
  await rename(waiting, join(folder, named.main));
  return named;
}

/** Files beside a graph that may be its weights: those below its folder that MLflow and Triton do not write for themselves. */
const OTHERS =
  /(^|\/)(MLmodel|conda\.yaml|python_env\.yaml|requirements\.txt|input_example\.json|serving_input_example\.json|registered_model_meta|config\.pbtxt)$/;

/**
 * Copies the files beside the graph at `path` whose names are in its bytes, under the names that they have beside it: its weights are among them, and whoever opens
 * the graph says which.
 *
 * Errors: those of the folder and of the disk.
 */
export async function takeWeights(from: ForeignFolder, path: string, folder: string): Promise<void> {
  const beside = path.slice(0, path.lastIndexOf('/') + 1);
  const others = (await from.list()).filter(
    (file) => file.path.startsWith(beside) && file.path !== path && !OTHERS.test(file.path),
  );
  if (others.length === 0) return;
  const graph = await readFile(join(folder, 'model.onnx'));
  for (const file of others) {
    const name = file.path.slice(beside.length);
    if (name === 'model.onnx' || !graph.includes(name)) continue;
    const target = join(folder, name);
    await mkdir(dirname(target), { recursive: true });
    await from.copy(file.path, target);
  }
}

function sayKind(recognised: Recognised | null): string {
  return recognised === null ? 'none that is known' : FILE_KINDS[recognised.kind];
}
