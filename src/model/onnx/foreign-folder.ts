import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { FILE_KINDS, type FileKind } from '../../base/formats/file-kinds.ts';
import { foreignError } from './foreign-model.ts';

/** Files by which a folder that a tool has written is known; relative to the folder. The first that fits decides. */
const FOLDERS: readonly (readonly [file: RegExp, kind: FileKind])[] = [
  [/^saved_model\.pb$/, 'saved-model'],
  [/^MLmodel$/, 'mlflow'],
  [/^(model.*\.safetensors|pytorch_model.*\.bin)$/, 'safetensors'],
  [/^(keras_metadata\.pb|model\.weights\.h5)$/, 'keras'],
  [/\.mlmodel$/, 'coreml'],
];

/**
 * The refusal of a folder that was named as a model. `files` are some of the files in it, relative to it.
 *
 * Errors: none, it gives one: MODEL_INVALID for what is known; MODEL_NOT_FOUND when it holds ONNX files, or nothing that is known.
 */
export function folderAsModel(files: readonly string[], where: string): PrescoreError {
  const onnx = files.filter((file) => /\.onnx$/i.test(file));
  if (onnx.length > 0) {
    const fix = `Name the file: ${where.replace(/\/+$/, '')}/${onnx[0]}`;
    return new PrescoreError('MODEL_NOT_FOUND', { what: 'the model is a folder, not a file', where, fix });
  }
  for (const [pattern, kind] of FOLDERS) {
    if (!files.some((file) => pattern.test(file))) continue;
    return foreignError({ kind }, `model is a folder that holds ${FILE_KINDS[kind]}, not an ONNX file`, where);
  }
  return new PrescoreError('MODEL_NOT_FOUND', { what: 'there is no model', where });
}
