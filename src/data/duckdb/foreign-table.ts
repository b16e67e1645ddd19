import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type FileKind, type Recognised, sayFileKind } from '../../base/formats/file-kinds.ts';
import { plainName } from '../../base/formats/file-sample.ts';

type Advice = (file: string, found: Recognised) => string;

const python = (code: string): string => `python -c "${code}"`;

const pandas =
  (read: string, needs: string): Advice =>
  (file) =>
    `Convert it (pip install pandas pyarrow${needs === '' ? '' : ` ${needs}`}): ${python(`import pandas; pandas.${read.replace('FILE', `'${file}'`)}.to_parquet('table.parquet', index=False)`)}`;

const duckdb =
  (from: string): Advice =>
  (file) =>
    `Convert it (pip install duckdb): ${python(`import duckdb; duckdb.sql('''COPY (FROM ${from.replace('FILE', file)}) TO 'table.parquet' ''')`)}`;

const model: Advice = () =>
  'It is a model: prescore init takes the model first, then the data (prescore init MODEL DATA); input.uri names tables only.';

const unpack =
  (command: string): Advice =>
  (file) =>
    `Unpack it: ${command} ${file}`;

/** What to do with a file of each kind that is no table for prescore as it is. */
const ADVICE: Partial<Record<FileKind, Advice>> = {
  // Read where they are not called a table of another kind.
  csv: () => 'Set input.format: csv, or rename it: a file called .parquet or .arrow is not read as text.',
  jsonl: () => 'Set input.format: jsonl, or rename it: a file called .parquet or .arrow is not read as text.',
  json: duckdb("read_json('FILE')"),
  feather1: pandas('read_feather(FILE)', ''),
  orc: pandas('read_orc(FILE)', ''),
  avro: (file) =>
    `Convert it (pip install polars): ${python(`import polars; polars.read_avro('${file}').write_parquet('table.parquet')`)}`,
  xlsx: pandas('read_excel(FILE)', 'openpyxl'),
  xls: pandas('read_excel(FILE)', 'xlrd'),
  stata: pandas('read_stata(FILE)', ''),
  sas: pandas("read_sas(FILE, encoding='utf-8')", ''),
  spss: pandas('read_spss(FILE)', 'pyreadstat'),
  hdf5: pandas('read_hdf(FILE)', 'tables'),
  'pandas-pickle': pandas('read_pickle(FILE)', ''),
  npy: (file) =>
    `Convert it (pip install pandas pyarrow): ${python(`import numpy, pandas; a = numpy.load('${file}'); pandas.DataFrame(a, columns=[f'x{i}' for i in range(a.shape[1])]).to_parquet('table.parquet', index=False)`)}`,
  npz: (file) =>
    `Choose an array of it (pip install pandas pyarrow): ${python(`import numpy, pandas; a = numpy.load('${file}')['x']; pandas.DataFrame(a, columns=[f'x{i}' for i in range(a.shape[1])]).to_parquet('table.parquet', index=False)`)}`,
  rds: (file) => `Convert it in R: Rscript -e "arrow::write_parquet(readRDS('${file}'), 'table.parquet')"`,
  sqlite: (file) =>
    `Convert a table of it (pip install pandas pyarrow): ${python(`import pandas, sqlite3; pandas.read_sql('select * from TABLE', sqlite3.connect('${file}')).to_parquet('table.parquet', index=False)`)}`,
  duckdb: (file) =>
    `Convert a table of it (pip install duckdb): ${python(`import duckdb; duckdb.connect('${file}', read_only=True).sql('''COPY TABLE_NAME TO 'table.parquet' ''')`)}`,
  gzip: (file, { inside }) =>
    inside === 'csv' || inside === 'jsonl' || inside === 'json'
      ? ADVICE[inside]!(file, { kind: inside })
      : unpack('gunzip')(file, { kind: 'gzip' }),
  zstd: unpack('unzstd'),
  xz: unpack('unxz'),
  bzip2: unpack('bunzip2'),
  lz4: unpack('unlz4'),
  zip: unpack('unzip'),
  tar: unpack('tar -xf'),
  sevenzip: unpack('7z x'),
  lfs: () => 'Run git lfs pull.',
  page: () => 'Fetch the file itself: what answered was a page, such as one to log in on.',
  'store-error': () => 'Fetch the file again: what was saved is the answer of a store that refused.',
  job: () => 'Give the data a folder of its own, or name its files: input.uri: data/*.parquet.',
  yaml: () => 'Name the files of the table: input.uri: data/*.parquet.',
  text: () => 'Name the files of the table: input.uri: data/*.parquet.',
};

/** The advice for a kind of file, of a file of that name; for the documentation. Errors: none. */
export function tableAdvice(kind: FileKind, file: string): string | null {
  return ADVICE[kind]?.(file, { kind }) ?? null;
}

/**
 * The refusal of an input file that is neither Parquet nor Arrow but was recognised: what it is, and the line that converts it. A
 * reader for one more format takes its kind out of the table here.
 *
 * Errors: none, it gives one: INPUT_FORMAT.
 */
export function foreignTable(found: Recognised, uri: string): PrescoreError {
  const advice = ADVICE[found.kind] ?? (isModel(found.kind) ? model : undefined);
  return new PrescoreError('INPUT_FORMAT', {
    what: `file is ${sayFileKind(found)}, neither Parquet nor Arrow`,
    where: uri,
    ...(advice === undefined ? {} : { fix: advice(plainName(uri, 'FILE'), found) }),
    data: { format: found.kind },
  });
}

const MODELS =
  /^(onnx|ort$|lightgbm|xgboost|catboost|sklearn|pickle|torch|safetensors|keras|saved-model|frozen|tflite|coreml|openvino|tensorrt|pmml|gguf|mojo|mlflow)/;

function isModel(kind: FileKind): boolean {
  return MODELS.test(kind);
}
