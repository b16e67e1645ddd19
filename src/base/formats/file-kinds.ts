/**
 * What a file can turn out to be, in words that stand after "is". One table for both questions that are asked of a file: whether it
 * is a table, and whether it is a model. What to do about a kind is said where it is asked: `model/onnx/foreign-model.ts`,
 * `data/duckdb/foreign-table.ts`.
 */
export const FILE_KINDS = {
  empty: 'an empty file',
  // Tables
  parquet: 'a Parquet table',
  arrow: 'an Arrow table',
  feather1: 'a table in Feather version 1',
  orc: 'an ORC table',
  avro: 'an Avro table',
  csv: 'a CSV table',
  jsonl: 'JSON Lines',
  json: 'a JSON document',
  xlsx: 'an Excel workbook',
  xls: 'an Excel workbook of the old format',
  sqlite: 'a SQLite database',
  duckdb: 'a DuckDB database',
  npy: 'a NumPy array',
  npz: 'an archive of NumPy arrays',
  'pandas-pickle': 'a pandas table in a pickle',
  rds: 'an R object',
  stata: 'a Stata table',
  sas: 'a SAS table',
  spss: 'an SPSS table',
  // Models
  onnx: 'an ONNX model',
  ort: 'a model in ORT format',
  'onnx-data': 'raw weights, such as the data file beside an ONNX model',
  'lightgbm-text': 'a LightGBM model',
  'lightgbm-json': 'a JSON dump of a LightGBM model',
  'xgboost-json': 'an XGBoost model (JSON)',
  'xgboost-ubj': 'an XGBoost model (UBJSON)',
  'xgboost-binary': 'an XGBoost model of the old binary format',
  'xgboost-dump': 'a text dump of an XGBoost model',
  'catboost-cbm': 'a CatBoost model',
  'catboost-json': 'a CatBoost model (JSON)',
  pickle: 'a Python pickle',
  'sklearn-pickle': 'a scikit-learn model in a pickle',
  'lightgbm-pickle': 'a LightGBM model in a pickle',
  'xgboost-pickle': 'an XGBoost model in a pickle',
  'catboost-pickle': 'a CatBoost model in a pickle',
  torch: 'a PyTorch checkpoint',
  'torch-script': 'a TorchScript model',
  'torch-export': 'an exported PyTorch program',
  safetensors: 'weights in safetensors format',
  keras: 'a Keras model',
  hdf5: 'an HDF5 file',
  'saved-model': 'a TensorFlow SavedModel',
  'frozen-graph': 'a frozen TensorFlow graph',
  tflite: 'a TensorFlow Lite model',
  coreml: 'a Core ML model',
  openvino: 'an OpenVINO model',
  tensorrt: 'a TensorRT engine',
  pmml: 'a PMML model',
  gguf: 'a GGUF model',
  mojo: 'an H2O model (MOJO)',
  mlflow: "MLflow's description of a model",
  // Neither
  lfs: 'a Git LFS pointer',
  page: 'a web page',
  'store-error': 'the error answer of a store',
  xml: 'an XML document',
  job: 'a job file of prescore',
  yaml: 'a YAML document',
  text: 'a text',
  pdf: 'a PDF',
  image: 'an image',
  gzip: 'packed with gzip',
  zlib: 'packed with zlib',
  zstd: 'packed with zstd',
  xz: 'packed with xz',
  bzip2: 'packed with bzip2',
  lz4: 'packed with LZ4',
  zip: 'a zip archive',
  tar: 'a tar archive',
  sevenzip: 'a 7z archive',
} as const satisfies Record<string, string>;

export type FileKind = keyof typeof FILE_KINDS;

/** A file that was recognised. */
export interface Recognised {
  readonly kind: FileKind;
  /** What is in it, where it is packed or an archive of one. */
  readonly inside?: FileKind;
  /** Of models that say it: how many features they take. */
  readonly features?: number;
  /** One word more for people, such as the error code of a store's answer. */
  readonly note?: string;
}

/** `packed with gzip (inside: an ONNX model)`. */
export function sayFileKind({ kind, inside, features, note }: Recognised): string {
  const more = [
    ...(inside === undefined ? [] : [`inside: ${FILE_KINDS[inside]}`]),
    ...(features === undefined ? [] : [`${features} features`]),
    ...(note === undefined ? [] : [note]),
  ];
  return more.length === 0 ? FILE_KINDS[kind] : `${FILE_KINDS[kind]} (${more.join(', ')})`;
}
