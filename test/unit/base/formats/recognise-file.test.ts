import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { FileKind } from '../../../../src/base/formats/file-kinds.ts';
import { plainName, sampleOf } from '../../../../src/base/formats/file-sample.ts';
import { recogniseFile } from '../../../../src/base/formats/recognise-file.ts';
import { fixtures } from '../../../harness/temp-job.ts';

const contact = join(fixtures, 'first-contact');
const kindOf = (bytes: Uint8Array | string, name = 'file'): FileKind | null =>
  recogniseFile(sampleOf(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, name))?.kind ?? null;

/** The files of real tools, by what they are. */
const FOREIGN: Readonly<Record<string, FileKind>> = {
  'catboost.cbm': 'catboost-cbm',
  'catboost.json': 'catboost-json',
  'catboost.mlmodel': 'coreml',
  'catboost.pkl': 'catboost-pickle',
  'catboost.pmml': 'pmml',
  'external.onnx': 'onnx',
  'external.onnx.data': 'onnx-data',
  'forest.onnx.gz': 'gzip',
  'lightgbm.json': 'lightgbm-json',
  'lightgbm.pkl': 'lightgbm-pickle',
  'lightgbm.txt': 'lightgbm-text',
  'model.h5': 'keras',
  'model.keras': 'keras',
  'model.tflite': 'tflite',
  'sklearn.joblib': 'sklearn-pickle',
  'sklearn.pkl': 'sklearn-pickle',
  'sklearn.pkl.gz': 'gzip',
  'sklearn.pkl.xz': 'xz',
  'sklearn_old.pkl': 'sklearn-pickle',
  'sklearn_packed.joblib': 'zlib',
  'xgboost.json': 'xgboost-json',
  'xgboost.pkl': 'xgboost-pickle',
  'xgboost.txt': 'xgboost-dump',
  'xgboost.ubj': 'xgboost-ubj',
};

const TABLES: Readonly<Record<string, FileKind>> = {
  'duckdb.parquet': 'parquet',
  'other.avro': 'avro',
  'other.csv': 'csv',
  'other.dta': 'stata',
  'other.jsonl': 'jsonl',
  'other.npy': 'npy',
  'other.orc': 'orc',
  'other.pkl': 'pandas-pickle',
  'other.xlsx': 'xlsx',
  'pandas.parquet': 'parquet',
  'pandas_index.parquet': 'parquet',
  'polars.arrow': 'arrow',
  'polars.parquet': 'parquet',
  'pyarrow.parquet': 'parquet',
};

describe('what a file is', () => {
  it.each([
    ['foreign', FOREIGN],
    ['tables', TABLES],
  ])('of real tools, whatever its name is: %s', (folder, expected) => {
    const path = join(contact, folder);
    const files = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isFile());
    const found = files.map(({ name }) => [name, kindOf(readFileSync(join(path, name)), 'model')]);
    expect(Object.fromEntries(found)).toEqual(expected);
  });

  it('every ONNX model of the fixtures is one, and a cut one still looks like one', () => {
    const models = [join(contact, 'models'), join(fixtures, 'models')].flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.onnx'))
        .map((name) => readFileSync(join(folder, name))),
    );
    expect(models.length).toBeGreaterThan(10);
    for (const bytes of models) {
      expect(kindOf(bytes)).toBe('onnx');
      expect(kindOf(bytes.subarray(0, bytes.length >> 1))).toBe('onnx');
    }
    expect(kindOf(readFileSync(join(contact, 'foreign/saved_model/saved_model.pb')))).toBe('saved-model');
  });

  it('what is packed says what is inside', () => {
    const inside = (name: string): unknown => recogniseFile(sampleOf(readFileSync(join(contact, name)), name))?.inside;
    expect(inside('foreign/forest.onnx.gz')).toBe('onnx');
    expect(inside('foreign/sklearn.pkl.gz')).toBe('sklearn-pickle');
    expect(inside('foreign/sklearn_packed.joblib')).toBe('sklearn-pickle');
    const csv = gzipSync(readFileSync(join(contact, 'tables/other.csv')));
    expect(recogniseFile(sampleOf(csv, 'x'))).toMatchObject({ kind: 'gzip', inside: 'csv' });
  });

  it('LightGBM and XGBoost say how many features they take', () => {
    const features = (name: string): unknown =>
      recogniseFile(sampleOf(readFileSync(join(contact, 'foreign', name)), name))?.features;
    expect([features('lightgbm.txt'), features('xgboost.json')]).toEqual([4, 4]);
  });

  it.each<[FileKind | null, string]>([
    ['empty', ''],
    ['lfs', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'],
    ['page', '<!DOCTYPE html><html><body>404</body></html>'],
    ['page', '\n <HTML lang="en">'],
    ['store-error', '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>'],
    ['xml', '<?xml version="1.0"?><rows/>'],
    ['openvino', '<?xml version="1.0"?>\n<net name="x" version="11">'],
    ['torch', '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.'],
    ['pickle', '\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}.'],
    ['safetensors', '\x10\x00\x00\x00\x00\x00\x00\x00{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}\0\0\0\0'],
    ['gguf', 'GGUF\x03\0\0\0'],
    ['ort', '\x12\x06\0\0ORTM'],
    ['sqlite', 'SQLite format 3\0'],
    ['duckdb', '\0\0\0\0\0\0\0\0DUCK'],
    ['xls', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'],
    ['zstd', '\x28\xb5\x2f\xfd\x04'],
    ['job', '# mine\nprescore: 1\nname: x\n'],
    ['mlflow', 'artifact_path: model\nflavors:\n  python_function:\n'],
    ['csv', '"a;b";c\n1;2\n'],
    ['csv', 'a\tb\n1\t2'],
    ['text', 'city\nBerlin\nParis\n'],
    ['json', '{"message": "not found"\n}'],
    ['jsonl', '{"a": 1}\n{"a": 2}\n'],
    ['text', 'one, two\nthree\n'],
    [null, '\x07\x01\x02\x03\x9a\xff\x00\x00\xfe'],
  ])('by its first bytes: %s', (kind, bytes) => {
    expect(kindOf(bytes)).toBe(kind);
  });

  it.each<[FileKind, readonly string[]]>([
    ['torch', ['archive/data.pkl', 'archive/data/0', 'archive/version']],
    ['torch-script', ['m/data.pkl', 'm/code/__torch__.py', 'm/constants.pkl']],
    ['torch-export', ['m/archive_format', 'm/models/model.json']],
    ['keras', ['metadata.json', 'config.json', 'model.weights.h5']],
    ['npz', ['x.npy']],
    ['mojo', ['model.ini', 'trees/t00_000.bin']],
    ['zip', ['model.onnx']],
    ['zip', ['anything']],
  ])('by the names in an archive: %s', (kind, names) => {
    expect(kindOf(zip(names))).toBe(kind);
  });

  it('raw weights by their values, and by the name where the values say nothing', () => {
    const floats = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i) / 7);
    expect(kindOf(new Uint8Array(floats.buffer))).toBe('onnx-data');
    const noise = Uint8Array.from({ length: 4001 }, (_, i) => (i * 7919 + 13) % 251);
    expect(kindOf(noise, 'weights')).toBe(null);
    expect(kindOf(noise, 's3://models/net.onnx.data')).toBe('onnx-data');
    expect(kindOf(noise, 'net.onnx_data')).toBe('onnx-data');
  });

  it('is never decided by an ending alone where the bytes say something else', () => {
    const model = readFileSync(join(contact, 'models/forest.onnx'));
    for (const name of ['a.pkl', 'a.txt', 'a.onnx.data', 'a.parquet']) expect(kindOf(model, name)).toBe('onnx');
  });
});

it('a name goes into a command line as it is only where no sign of it means something to a shell', () => {
  expect(plainName('/data/a-b_c.1.txt', 'FILE')).toBe('/data/a-b_c.1.txt');
  expect(plainName('s3://bucket/day=1/x.csv', 'FILE')).toBe('x.csv');
  for (const name of ["/x/a'; rm -rf ~ #.csv", '/x/$(id)', '/x/a b', '-rf', '/x/a\nb', '/x/"', '/x/`id`'])
    expect(plainName(name, 'FILE')).toBe('FILE');
});

/** An archive with these files, each a few bytes. */
function zip(names: readonly string[]): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const name of names) {
    const data = deflateRawSync(Buffer.from('content'));
    const local = Buffer.alloc(30);
    local.write('PK\x03\x04', 'latin1');
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.write('PK\x01\x02', 'latin1');
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    parts.push(local, Buffer.from(name), data);
    directory.push(entry, Buffer.from(name));
    at += 30 + name.length + data.length;
  }
  return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06', 'latin1')]);
}
