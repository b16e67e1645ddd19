import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from './paths.ts';

/** The tables that are measured. */
export const CASES = [
  'heavy',
  'forest',
  'light',
  'mixed',
  'lists',
  'files',
  'row-groups',
  'wide',
  'activations',
] as const;
export type CaseName = (typeof CASES)[number];

export interface CaseFeature {
  readonly tensor: string;
  readonly columns: readonly string[];
  readonly type: 'float32' | 'int64' | 'string';
  /** Elements a row, where the one column is of lists. */
  readonly width?: number;
  /** What a null text becomes. */
  readonly fill?: string;
}

export interface CaseOutput {
  readonly column: string;
  readonly tensor: string;
  readonly index?: number;
  readonly type: 'float32' | 'int64';
}

/** What a case is, for contenders in any language: written as JSON for the Python ones. */
export interface CaseFile {
  readonly name: CaseName;
  readonly rows: number;
  readonly inputs: readonly string[];
  readonly model: string;
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly features: readonly CaseFeature[];
  readonly outputs: readonly CaseOutput[];
}

/** Rows of a case when `--rows` is left out; heavy is every flight of the fixtures four times. */
export const FULL_ROWS: Readonly<Record<CaseName, number>> = {
  heavy: 4 * 336_776,
  forest: 100_000,
  light: 1_000_000,
  mixed: 1_000_000,
  lists: 500_000,
  files: 1_000_000,
  'row-groups': 1_000_000,
  wide: 40_000,
  activations: 20_000,
};

export const FLIGHT_COLUMNS =
  `month day dow doy hour minute dep_min arr_min distance origin_hour_load carrier_code origin_code
  dest_code temp dewp humid wind_dir wind_speed wind_gust precip pressure visib plane_year engines seats manufacturer_code
  engine_code dest_lat dest_lon dest_alt`.split(/\s+/);

const LATE: readonly CaseOutput[] = [
  { column: 'prediction', tensor: 'label', type: 'int64' },
  { column: 'probability', tensor: 'probabilities', index: 1, type: 'float32' },
];

/** Rows of each file of the case of many small ones. */
export const FILE_ROWS = 100;

/** The case over given inputs. `seededModel`: where the model of a case whose rows are seeded was written. */
export function describeCase(name: CaseName, rows: number, inputs: readonly string[], seededModel: string): CaseFile {
  const fixture = (model: string): string => join(ROOT, 'fixtures', 'models', model);
  const common = { name, rows, inputs, modelVersion: '1' };
  const score = [{ column: 'score', tensor: 'score', type: 'float32' } as const];
  if (name === 'light' || name === 'files' || name === 'row-groups') {
    const columns = Array.from({ length: 20 }, (_, k) => `f${String(k).padStart(2, '0')}`);
    return {
      ...common,
      model: seededModel,
      modelName: 'light_mlp',
      id: 'id',
      features: [{ tensor: 'input', columns, type: 'float32' }],
      outputs: score,
    };
  }
  if (name === 'wide') {
    const columns = Array.from({ length: 3000 }, (_, k) => `f${String(k).padStart(4, '0')}`);
    const features = [{ tensor: 'input', columns, type: 'float32' } as const];
    return { ...common, model: seededModel, modelName: 'wide_linear', id: 'id', features, outputs: score };
  }
  if (name === 'activations') {
    const features = [{ tensor: 'input', columns: ['features'], type: 'float32', width: 256 } as const];
    return { ...common, model: seededModel, modelName: 'activations_conv', id: 'id', features, outputs: score };
  }
  if (name === 'lists') {
    return {
      ...common,
      model: fixture('delay_mlp.onnx'),
      modelName: 'delay_mlp',
      id: 'id',
      features: [{ tensor: 'features', columns: ['features'], type: 'float32', width: 256 }],
      outputs: [{ column: 'score', tensor: 'score', type: 'float32' }],
    };
  }
  const model = name === 'forest' ? seededModel : fixture(name === 'heavy' ? 'delay_histgb.onnx' : 'delay_mixed.onnx');
  const features =
    name !== 'mixed' ? [{ tensor: 'input', columns: FLIGHT_COLUMNS, type: 'float32' } as const] : mixedFeatures();
  return {
    ...common,
    model,
    modelName: basename(model, '.onnx'),
    id: 'flight_id',
    features,
    outputs: LATE,
  };
}

/** The job file with which prescore scores the case (JSON is a job file too). */
export function jobFile(file: CaseFile, inputs: readonly string[], output: string, extra: object): object {
  const sha256 = createHash('sha256').update(readFileSync(file.model)).digest('hex');
  const features = file.features.map((f): [string, object] => [
    f.tensor,
    { columns: f.columns, ...(f.fill === undefined ? {} : { nulls: { fill: f.fill } }) },
  ]);
  const outputs = file.outputs.map((o): [string, object] => [
    o.column,
    { tensor: o.tensor, ...(o.index === undefined ? {} : { index: o.index }) },
  ]);
  return {
    prescore: 1,
    name: `bench-${file.name}`,
    model: { uri: file.model, name: file.modelName, version: file.modelVersion, sha256 },
    input: { uri: inputs },
    features: Object.fromEntries(features),
    outputs: Object.fromEntries(outputs),
    id: [file.id],
    output: { uri: output, compression: 'zstd', lineage: true },
    ...extra,
  };
}

// One tensor a column, bound by name; the model was trained with empty texts for missing ones.
function mixedFeatures(): CaseFeature[] {
  const of = (type: CaseFeature['type'], names: string): CaseFeature[] =>
    names.split(' ').map((name) => ({ tensor: name, columns: [name], type }));
  return [
    ...of('string', 'carrier origin dest manufacturer engine').map((f) => ({ ...f, fill: '' })),
    ...of('int64', 'month dow hour'),
    ...of('float32', 'dep_min distance origin_hour_load temp humid wind_speed precip pressure visib seats plane_year'),
  ];
}
