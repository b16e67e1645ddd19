import { type FileKind, sayFileKind } from '../../base/formats/file-kinds.ts';
import { sampleOf } from '../../base/formats/file-sample.ts';
import { recogniseFile } from '../../base/formats/recognise-file.ts';
import { readCatboostCbm, readCatboostJson } from './catboost-model.ts';
import { readLightGbm } from './lightgbm-model.ts';
import type { NativeModel } from './native-model.ts';
import { type RefuseModel, refusalsOf } from './refuse-model.ts';
import { readXgboostJson, readXgboostUbj } from './xgboost-model.ts';

const READERS: Partial<Record<FileKind, (bytes: Uint8Array, refuse: RefuseModel) => NativeModel>> = {
  'lightgbm-text': readLightGbm,
  'xgboost-json': readXgboostJson,
  'xgboost-ubj': readXgboostUbj,
  'catboost-json': readCatboostJson,
  'catboost-cbm': readCatboostCbm,
};

/** Whether files of the kind are read. */
export function isNativeKind(kind: FileKind): boolean {
  return READERS[kind] !== undefined;
}

/**
 * Reads a model as its trainer saved it: LightGBM's text, XGBoost's JSON and UBJSON, CatBoost's JSON and cbm, told by its content. `where`
 * names the file in messages.
 *
 * Owns: `bytes` stay the caller's; nothing of the answer is a view of them. Errors: MODEL_INVALID, with the place, for what is damaged, is
 * none of these formats, or uses what is not supported.
 */
export function readNativeModel(bytes: Uint8Array, where: string): NativeModel {
  const refuse = refusalsOf(where);
  const found = recogniseFile(sampleOf(bytes, where));
  const read = found === null ? undefined : READERS[found.kind];
  if (read !== undefined) return read(bytes, refuse);
  return refuse('the file is no model of a tree trainer that is read', '', {
    got: found === null ? 'a file of an unknown kind' : sayFileKind(found),
  });
}
