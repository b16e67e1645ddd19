import { VERSION_NUMBER } from '../../base/contract/model-ref.ts';
import { NO_LINEAGE } from '../../base/contract/registry.ts';
import type { ForeignFile, ForeignFolder } from './foreign-folder.ts';
import type { ForeignModel } from './foreign-model.ts';
import { plainPath } from './plain-path.ts';
import { refused } from './refusals.ts';
import { takeFile, takeWeights } from './take-file.ts';
import { CONFIG, MOST_CONFIG, readTritonConfig, type TritonConfig, tritonSignature } from './triton-config.ts';

/** A model of a Triton repository. */
export interface TritonModel {
  readonly from: ForeignFolder;
  /** Null where there is no config.pbtxt: then Triton asks the graph, as is done here. */
  readonly config: TritonConfig | null;
  /** Lowest first. */
  readonly versions: readonly number[];
}

const ONNX_FILE = 'model.onnx';
const NONE: readonly string[] = ['', 'onnxruntime', 'onnxruntime_onnx'];

/**
 * Looks at the folder of a model. `only`: one of its versions; null: all.
 *
 * Errors: IMPORT_REFUSED for other backends by name, and where there are no such versions; those of the place.
 */
export async function openTriton(from: ForeignFolder, only: number | null): Promise<TritonModel> {
  const bytes = await from.read(CONFIG, MOST_CONFIG);
  const config = bytes === null ? null : readTritonConfig(new TextDecoder().decode(bytes), `${from.where}/${CONFIG}`);
  if (config !== null) refuseOthers(config, from.where);
  const files = await from.list();
  const steps = [...new Set(files.filter(({ path }) => path.includes('/')).map(({ path }) => path.split('/')[0]!))];
  const versions = steps.filter((step) => VERSION_NUMBER.test(step)).map(Number);
  if (versions.length === 0) throw noVersions(files, from.where);
  if (only !== null && !versions.includes(only)) {
    throw refused(`there is no version ${only}`, from.where, `It has ${versions.join(', ')}.`);
  }
  return { from, config, versions: only === null ? versions.sort((a, b) => a - b) : [only] };
}

/** Copies one version into the empty `folder`. Errors: IMPORT_REFUSED; those of the place and of the disk. */
export async function takeTriton(model: TritonModel, version: number, folder: string): Promise<ForeignModel> {
  const { from, config } = model;
  const where = `${from.where}/${version}`;
  const name = plainPath(config?.fileName === undefined || config.fileName === '' ? ONNX_FILE : config.fileName, where);
  const path = `${version}/${name}`;
  const files = await from.list();
  // A graph with weights in other files may be a folder of that name.
  const isThere = files.some((file) => file.path === path);
  const main = isThere ? path : `${path}/${ONNX_FILE}`;
  if (!isThere && !files.some((file) => file.path === main))
    throw refused(`there is no ${name} in it`, where, sayOther(files, version));
  const taken = await takeFile(from, main, folder, (is) =>
    refused(`${name} is ${is}, not an ONNX model`, where, 'Export the model to ONNX.'),
  );
  if (taken.kind !== 'onnx')
    throw refused(`${name} is a model of ${taken.kind}, which Triton does not read as ONNX`, where);
  await takeWeights(from, main, folder);
  const source = { kind: 'triton', uri: from.where, runId: null, version: String(version) } as const;
  const declared = config === null ? null : tritonSignature(config);
  const own = config?.name === undefined || config.name === '' ? lastStep(from.where) : config.name;
  return { name: own, folder, ...taken, declared, lineage: { ...NO_LINEAGE, source }, where };
}

function refuseOthers({ platform, backend, isEnsemble }: TritonConfig, where: string): void {
  if (isEnsemble || platform === 'ensemble') {
    throw refused(
      'it is an ensemble of other models, which no file holds',
      where,
      'Import the models that it is made of.',
    );
  }
  const other = [backend, platform].find((name) => !NONE.includes(name));
  if (other === undefined) return;
  const fix =
    other === 'fil'
      ? 'Take the file of the trainer itself: prescore models add NAME DIR/1/xgboost.json (or the model.txt of LightGBM).'
      : 'Export the model to ONNX, then prescore models add NAME model.onnx.';
  throw refused(`models of backend ${other} are not taken, those of onnxruntime are`, where, fix);
}

function noVersions(files: readonly ForeignFile[], where: string): Error {
  const models = files.flatMap(({ path }) => /^([^/]+)\/(?:config\.pbtxt$|[1-9][0-9]*\/)/.exec(path)?.[1] ?? []);
  const first = models[0];
  if (first === undefined)
    return refused('there is no folder of a version in it', where, `Name the folder that holds 1/${ONNX_FILE}.`);
  const all = [...new Set(models)];
  const what = `it holds ${all.length === 1 ? 'a model' : `${all.length} models`}, and is none itself`;
  return refused(what, where, `Name one: ${all.slice(0, 10).join(', ')}.`);
}

function sayOther(files: readonly ForeignFile[], version: number): string {
  const there = files.filter(({ path }) => path.startsWith(`${version}/`)).map(({ path }) => path);
  return `It has ${there.slice(0, 5).join(', ')}; export the model to ONNX where that is another format.`;
}

function lastStep(where: string): string | null {
  return where.replace(/\/+$/, '').split('/').at(-1) ?? null;
}
