import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));

/** The 30 columns of the flight models, in the order of their input. */
export const FLIGHT_FEATURES = [
  'month',
  'day',
  'dow',
  'doy',
  'hour',
  'minute',
  'dep_min',
  'arr_min',
  'distance',
  'origin_hour_load',
  'carrier_code',
  'origin_code',
  'dest_code',
  'temp',
  'dewp',
  'humid',
  'wind_dir',
  'wind_speed',
  'wind_gust',
  'precip',
  'pressure',
  'visib',
  'plane_year',
  'engines',
  'seats',
  'manufacturer_code',
  'engine_code',
  'dest_lat',
  'dest_lon',
  'dest_alt',
] as const;

/** A temporary folder that goes with the test. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'prescore-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Writes a job file (as JSON, which is YAML) into a folder and gives its path. */
export function writeJob(folder: string, job: Readonly<Record<string, unknown>>, name = 'job.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify({ prescore: 1, name: 'test-job', ...job }, null, 1));
  return path;
}

/** A job over one month of flights (27,004 rows in two row groups) with the small tree model, on `file://`. */
export function flightJob(
  folder: string,
  changes: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const model = join(fixtures, 'models/delay_histgb.onnx');
  return {
    model: { uri: model, version: '1', sha256: sha256Of(model) },
    input: { uri: join(fixtures, 'flights/month=01/part-0.parquet') },
    features: { input: { columns: FLIGHT_FEATURES } },
    outputs: { prediction: { tensor: 'label' }, probability: { tensor: 'probabilities', index: 1 } },
    id: ['flight_id'],
    output: { uri: join(folder, 'out'), lineage: true },
    execution: { scorers: 1 },
    ...changes,
  };
}
