import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ModelKind } from '../../base/contract/registry.ts';
import { FILE_KINDS, type FileKind, type Recognised } from '../../base/formats/file-kinds.ts';
import { readSample } from '../../base/formats/file-sample.ts';
import { recogniseFile } from '../../base/formats/recognise-file.ts';
import type { ForeignFolder } from './foreign-folder.ts';

/** Files that are read, the name each has in prescore, and whose it is. */
const NAMES: Partial<Record<FileKind, readonly [name: string, kind: ModelKind]>> = {
  onnx: ['model.onnx', 'onnx'],
  'lightgbm-text': ['model.txt', 'lightgbm'],
  'xgboost-json': ['model.json', 'xgboost'],
  'xgboost-ubj': ['model.ubj', 'xgboost'],
  'catboost-cbm': ['model.cbm', 'catboost'],
  'catboost-json': ['model.json', 'catboost'],
};

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
  const recognised = await recogniseAt(waiting, path);
  const [main, kind] = (recognised === null ? undefined : NAMES[recognised.kind]) ?? [];
  if (main === undefined || kind === undefined) throw refuse(sayKind(recognised));
  await rename(waiting, join(folder, main));
  return { main, kind };
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

async function recogniseAt(path: string, name: string): Promise<Recognised | null> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      const into = new Uint8Array(length);
      await file.read(into, 0, length, offset);
      return into;
    };
    return recogniseFile(await readSample(read, size, name));
  } finally {
    await file.close();
  }
}

function sayKind(recognised: Recognised | null): string {
  return recognised === null ? 'none that is known' : FILE_KINDS[recognised.kind];
}
