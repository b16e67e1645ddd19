import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type FileKind, type Recognised, sayFileKind } from '../../base/formats/file-kinds.ts';
import { type FileSample, plainName } from '../../base/formats/file-sample.ts';
import { recogniseFile } from '../../base/formats/recognise-file.ts';

type Advice = (file: string, found: Recognised) => string;

const python = (code: string): string => `python -c "${code}"`;

/** What is read without a conversion. */
const asItIs: Advice = () => 'Name it as the model: it is scored as it is (prescore help trees).';

const sklearn: Advice = (file) =>
  `Convert it (pip install skl2onnx): ${python(`import joblib, numpy, skl2onnx; m = joblib.load('${file}'); open('model.onnx', 'wb').write(skl2onnx.to_onnx(m, numpy.zeros((1, m.n_features_in_), 'float32')).SerializeToString())`)}; a pipeline over named columns takes a row of its table in place of the zeros.`;

/** The booster inside of a pickled wrapper, as the file of its own format. */
const pickled =
  (save: string, then: string): Advice =>
  (file) =>
    `Save the booster in its own format, ${python(`import joblib; joblib.load('${file}').${save}`)}, and name ${then}.`;

const torch: Advice = () =>
  "Build the module in Python, load the weights into it and export it: torch.onnx.export(model.eval(), (example,), 'model.onnx', input_names=['input'], output_names=['output'], dynamic_axes={'input': {0: 'batch'}, 'output': {0: 'batch'}})";

const tf2onnx =
  (flag: string): Advice =>
  (file) =>
    `Convert it (pip install tf2onnx): python -m tf2onnx.convert --${flag} ${file} --output model.onnx --opset 18`;

const unpack =
  (command: string): Advice =>
  (file, { inside }) =>
    inside === undefined || inside === 'onnx'
      ? `Unpack it: ${command} ${file}`
      : `Unpack it (${command} ${file}) and name what is in it: prescore says how to convert it.`;

const swapped: Advice = () =>
  'It is a table: prescore init takes the model first, then the data (prescore init MODEL DATA).';

const named: Advice = () => 'Name the ONNX file.';

/** What to do with a file of each kind that cannot be a model for prescore as it is. */
const ADVICE: Partial<Record<FileKind, Advice>> = {
  'lightgbm-text': asItIs,
  'lightgbm-json': () =>
    "A dump cannot be read back. Save the model itself, booster.save_model('model.txt'), and name that file.",
  'xgboost-json': asItIs,
  'xgboost-ubj': asItIs,
  'xgboost-binary': (file) =>
    `Save it as JSON with the XGBoost that wrote it, ${python(`import xgboost; xgboost.Booster(model_file='${file}').save_model('model.json')`)}, then name model.json.`,
  'xgboost-dump': () =>
    "A dump cannot be read back. Save the model itself, booster.save_model('model.json'), and name that file.",
  'catboost-cbm': asItIs,
  'catboost-json': asItIs,
  'sklearn-pickle': sklearn,
  pickle: (file, found) => `A pickle is read by Python only. Of scikit-learn: ${sklearn(file, found)}`,
  'lightgbm-pickle': pickled("booster_.save_model('model.txt')", 'model.txt'),
  'xgboost-pickle': pickled("get_booster().save_model('model.json')", 'model.json'),
  'catboost-pickle': pickled("save_model('model.cbm')", 'model.cbm'),
  torch,
  'torch-script': () =>
    "TorchScript has to be exported again from its module: torch.onnx.export(model.eval(), (example,), 'model.onnx', input_names=['input'], output_names=['output'], dynamic_axes={'input': {0: 'batch'}, 'output': {0: 'batch'}})",
  'torch-export': (file) =>
    `Convert it (pip install onnxscript): ${python(`import torch; torch.onnx.export(torch.export.load('${file}'), f='model.onnx')`)}`,
  safetensors: () =>
    'Weights alone are no model. Of a Hugging Face model: optimum-cli export onnx --model FOLDER onnx/, then name onnx/model.onnx; of a module of your own: torch.onnx.export.',
  keras: (file) =>
    `Convert it (pip install keras tensorflow tf2onnx): ${python(`import keras; m = keras.saving.load_model('${file}'); m.export('model.onnx', format='onnx', input_signature=m.inputs)`)}`,
  hdf5: (file) =>
    `If it is a Keras model (pip install keras tensorflow tf2onnx): ${python(`import keras; m = keras.saving.load_model('${file}'); m.export('model.onnx', format='onnx', input_signature=m.inputs)`)}`,
  'saved-model': (file, found) => tf2onnx('saved-model')(file.endsWith('.pb') ? 'ITS_FOLDER' : file, found),
  'frozen-graph': (file) =>
    `Convert it (pip install tf2onnx): python -m tf2onnx.convert --graphdef ${file} --inputs INPUT:0 --outputs OUTPUT:0 --output model.onnx --opset 18`,
  tflite: tf2onnx('tflite'),
  'onnx-data': () => 'Name the .onnx file beside it: weights are found by the names that it gives.',
  ort: () => 'Use the .onnx file that it was made from.',
  coreml: () => 'Core ML cannot be turned back. Export the model that it was made from as ONNX.',
  openvino: () => 'OpenVINO cannot be turned back. Use the ONNX file that it was made from.',
  tensorrt: () => 'An engine cannot be turned back. Use the ONNX file that it was built from.',
  pmml: () =>
    'PMML cannot be read. Export the model as ONNX with the tool that trained it (skl2onnx, onnxmltools, catboost).',
  gguf: () => 'GGUF holds language models for other runtimes. Export the model that it was made from as ONNX.',
  mojo: () => 'H2O writes no ONNX. Train the model with scikit-learn, LightGBM or XGBoost, or score it with H2O.',
  mlflow: () => 'Name the model file that lies beside it: prescore says how to convert it.',
  lfs: () => 'Run git lfs pull.',
  page: () => 'Fetch the file itself: what answered was a page, such as one to log in on.',
  'store-error': () => 'Fetch the file again: what was saved is the answer of a store that refused.',
  job: () => 'Name the ONNX file, not a job file.',
  gzip: unpack('gunzip'),
  zlib: (file, found) =>
    found.inside === undefined ? `Unpack ${file}.` : (ADVICE[found.inside] ?? sklearn)(file, found),
  zstd: unpack('unzstd'),
  xz: unpack('unxz'),
  bzip2: unpack('bunzip2'),
  lz4: unpack('unlz4'),
  zip: unpack('unzip'),
  tar: unpack('tar -xf'),
  sevenzip: unpack('7z x'),
  parquet: swapped,
  arrow: swapped,
  feather1: swapped,
  orc: swapped,
  avro: swapped,
  csv: swapped,
  jsonl: swapped,
  xlsx: swapped,
  xls: swapped,
  sqlite: swapped,
  duckdb: swapped,
  'pandas-pickle': swapped,
  npy: swapped,
  npz: swapped,
  rds: () => 'R objects cannot be read. Export the model as ONNX from Python.',
  json: named,
  yaml: named,
  xml: named,
  text: named,
  pdf: named,
  image: named,
};

/** The advice for a kind of file, of a file of that name; for the documentation. Errors: none. */
export function modelAdvice(kind: FileKind, file: string): string | null {
  return ADVICE[kind]?.(file, { kind }) ?? null;
}

/** Pickles that joblib has packed: it reads them as they are. */
const PACKED_PICKLE = /\.(pkl|pickle|joblib)(\.(gz|xz|bz2|lzma|lz4|z))?$/i;

/**
 * The refusal of a file that is known not to be ONNX: what it is, and the line that converts it. Null for what is not recognised,
 * or looks like ONNX: then reading it says what is wrong.
 */
export function foreignModel(sample: FileSample, where: string): PrescoreError | null {
  const found = recogniseFile(sample);
  if (found === null || found.kind === 'onnx') return null;
  if (found.kind === 'empty') return new PrescoreError('MODEL_INVALID', { what: 'model file has zero bytes', where });
  return foreignError(found, `model file is ${sayFileKind(found)}, not ONNX`, where);
}

/** The same for what is known to be of a kind, such as a folder. `what` is the sentence. */
export function foreignError(found: Recognised, what: string, where: string): PrescoreError {
  const file = plainName(where, 'MODEL');
  const isPacked = PACKED_PICKLE.test(where) && ['gzip', 'xz', 'bzip2', 'lz4', 'zlib'].includes(found.kind);
  const kind = isPacked ? (found.inside ?? 'pickle') : found.kind;
  const fix = ADVICE[kind]?.(file, found);
  return new PrescoreError('MODEL_INVALID', {
    what,
    where,
    ...(fix === undefined ? {} : { fix }),
    data: { format: found.kind },
  });
}
