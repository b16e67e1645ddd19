import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { type CaseFile, describeCase } from '../cases.ts';
import { ROOT } from '../paths.ts';
import { writeMlp } from './onnx-writer.ts';

/** A model with the table that it scores. */
export interface Subject {
  readonly name: string;
  readonly file: CaseFile;
  /** Largest difference to the CPU that is no fault. */
  readonly tolerance: number;
}

const FIXTURES = join(ROOT, 'fixtures');

/** Names of `checkSubjects`, in its order. */
export const CHECKED: readonly string[] = ['lgbm', 'histgb', 'mlp', 'mixed', 'fp16'];

/** The models of the checks: `rows` of the fixtures each, copied into `folder`. */
export async function checkSubjects(folder: string, rows: number): Promise<Subject[]> {
  mkdirSync(folder, { recursive: true });
  const flights = await cut(folder, 'flights', parquetOf('flights', 'month=01'), rows);
  const mixed = await cut(folder, 'mixed', parquetOf('mixed', 'month=01'), rows);
  const vectors = await cut(folder, 'vectors', parquetOf('vectors'), rows);
  const heavy = describeCase('heavy', rows, [flights], '');
  const mlp = vectorCase(vectors, rows, join(FIXTURES, 'models/delay_mlp.onnx'), 'delay_mlp');
  const half = vectorCase(vectors, rows, join(FIXTURES, 'models/delay_mlp_fp16_io32.onnx'), 'delay_mlp_fp16_io32');
  return [
    { name: 'lgbm', file: lgbm(heavy), tolerance: 1e-5 },
    { name: 'histgb', file: heavy, tolerance: 1e-5 },
    { name: 'mlp', file: mlp, tolerance: 1e-4 },
    { name: 'mixed', file: describeCase('mixed', rows, [mixed], ''), tolerance: 1e-4 },
    { name: 'fp16', file: half, tolerance: 5e-3 },
  ];
}

/** The models of the benchmark; `scale` 1 is the full size. Tables and the large model are made once in `folder`. */
export async function benchSubjects(folder: string, scale: number): Promise<Subject[]> {
  mkdirSync(folder, { recursive: true });
  const rows = (full: number): number => Math.max(2048, Math.round(full * scale));
  const [small, large] = [rows(262_144), rows(65_536)];
  const model = join(folder, 'mlp-1024-4096-4096-1.onnx');
  if (!existsSync(model)) writeMlp(model, [1024, 4096, 4096, 1]);
  const trees = rows(262_144);
  const months = readdirSync(join(FIXTURES, 'flights')).filter((name) => name.startsWith('month='));
  const flights = await cut(
    folder,
    'all-flights',
    months.flatMap((month) => parquetOf('flights', month)),
    trees,
  );
  const narrow = await makeVectors(folder, small, 256);
  const wide = await makeVectors(folder, large, 1024);
  return [
    {
      name: 'delay_mlp',
      file: vectorCase(narrow, small, join(FIXTURES, 'models/delay_mlp.onnx'), 'delay_mlp'),
      tolerance: 1e-4,
    },
    { name: 'mlp_4096', file: vectorCase(wide, large, model, 'mlp_4096'), tolerance: 1e-4 },
    { name: 'lgbm', file: lgbm(describeCase('heavy', trees, [flights], '')), tolerance: 1e-5 },
  ];
}

function lgbm(heavy: CaseFile): CaseFile {
  return { ...heavy, model: join(FIXTURES, 'flights/delay_lgbm.onnx'), modelName: 'delay_lgbm' };
}

function vectorCase(input: string, rows: number, model: string, modelName: string): CaseFile {
  return {
    name: 'light',
    rows,
    inputs: [input],
    model,
    modelName,
    modelVersion: '1',
    id: 'flight_id',
    features: [{ tensor: 'features', columns: ['features'], type: 'float32' }],
    outputs: [{ column: 'score', tensor: 'score', type: 'float32' }],
  };
}

function parquetOf(...path: string[]): string[] {
  const folder = join(FIXTURES, ...path);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.parquet'))
    .sort()
    .map((name) => join(folder, name));
}

async function cut(folder: string, name: string, files: readonly string[], rows: number): Promise<string> {
  const list = files.map((file) => `'${file}'`).join(', ');
  const source = `select * from read_parquet([${list}], hive_partitioning=false) limit ${rows}`;
  return copyOnce(source, join(folder, `${name}-${rows}.parquet`));
}

// Values between -1 and 1 from a hash: the same table on every machine.
async function makeVectors(folder: string, rows: number, width: number): Promise<string> {
  const value = `((hash(i * ${width} + k) % 2000001)::DOUBLE / 1000000 - 1)::FLOAT`;
  const source = `select i as flight_id, list_transform(range(${width}), lambda k: ${value}) as features from range(${rows}) t(i)`;
  return copyOnce(source, join(folder, `vectors-${width}-${rows}.parquet`));
}

async function copyOnce(source: string, path: string): Promise<string> {
  if (existsSync(path)) return path;
  const database = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await database.connect();
  await connection.run(`copy (${source}) to '${path}.part' (format parquet, row_group_size 16384)`);
  await connection.run(
    `copy (select * from read_parquet('${path}.part')) to '${path}' (format parquet, row_group_size 16384)`,
  );
  connection.closeSync();
  return path;
}
