import type { FileKind } from './file-kinds.ts';

/** Kinds of model files that are read: whose they are, and what each is called in a version's folder. */
export const MODEL_NAMES = {
  onnx: { kind: 'onnx', main: 'model.onnx' },
  'lightgbm-text': { kind: 'lightgbm', main: 'model.txt' },
  'xgboost-json': { kind: 'xgboost', main: 'model.json' },
  'xgboost-ubj': { kind: 'xgboost', main: 'model.ubj' },
  'catboost-json': { kind: 'catboost', main: 'model.json' },
  'catboost-cbm': { kind: 'catboost', main: 'model.cbm' },
} as const satisfies Partial<Record<FileKind, { readonly kind: string; readonly main: string }>>;

export type NamedModel = (typeof MODEL_NAMES)[keyof typeof MODEL_NAMES];

/** Null for kinds of which no model is read. */
export function modelNameOf(kind: FileKind): NamedModel | null {
  return (MODEL_NAMES as Partial<Record<FileKind, NamedModel>>)[kind] ?? null;
}
