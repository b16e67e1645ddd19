import {
  type CsvSettings,
  columnsOfOutput,
  type FeatureSpec,
  type JobPartitions,
  type JobPredictions,
  type JobSchedule,
  type OutputSpec,
  type WrittenJob,
} from '../../base/contract/job.ts';
import type { FEATURE, OUTPUT_COLUMN } from '../fields/binding-fields.ts';
import type { Value } from '../fields/field.ts';
import type { JobFile } from '../fields/job-fields.ts';
import { defaultState, stripSlashes } from '../slots/table-root.ts';
import { duckdbType } from '../values/column-types.ts';

/** Features that `explain: top` gives where the job does not say how many. */
const REASONS = 3;

/**
 * Turns a checked file into the job that every other room works with: units in the names, one form for each thing that
 * has several spellings, types as DuckDB writes them. Deeply frozen.
 *
 * Errors: none.
 */
export function compileJob(file: JobFile): WrittenJob {
  const outputUri = stripSlashes(file.output.uri);
  return deepFreeze({
    name: file.name,
    stores: file.stores,
    state: file.state === null ? defaultState(outputUri) : stripSlashes(file.state),
    model: compileModel(file),
    input: {
      uris: file.input.uri,
      format: file.input.format,
      ...(file.input.csv === null ? {} : { csv: compileCsv(file.input.csv) }),
      schema: file.input.schema === null ? null : mapValues(file.input.schema, compileType),
      ...compileTable(file.input),
      pathColumns: mapValues(file.input.pathColumns, compileType),
      onBadFile: file.input.onBadFile,
      lossy: file.input.lossy,
    },
    partitions: compilePartitions(file.partitions),
    ...(file.where === null ? {} : { where: file.where }),
    ...(file.columns === null ? {} : { columns: file.columns }),
    features: file.features === null ? null : mapValues(file.features, compileFeature),
    outputs: file.outputs === null ? null : mapValues(file.outputs, compileOutput),
    id: file.id,
    passthrough: file.passthrough,
    output: {
      uri: outputUri,
      compression: file.output.compression,
      rowGroupRows: file.output.rowGroupRows,
      lineage: file.output.lineage,
      gcGraceMs: file.output.gcGrace,
    },
    predictions: compilePredictions(file),
    execution: {
      scorers: file.execution.scorers,
      intraOpThreads: file.execution.intraOpThreads,
      trees: file.execution.trees,
      ...(file.execution.exact === 'prefer' ? {} : { exact: file.execution.exact }),
      batchRows: file.execution.batchRows,
      chunkRows: file.execution.chunkRows,
      memoryBytes: file.execution.memory,
      scratchBytes: file.execution.scratch,
      device: file.execution.device,
      cuda: file.execution.cuda,
      batchDeadlineMs: file.execution.batchDeadline,
    },
    rejects: { limit: file.rejects.limit },
    schedule: compileSchedule(file.schedule),
    notify: file.notify,
  });
}

function compileModel({ model, registry }: JobFile): WrittenJob['model'] {
  const { uri, ref, background, name, version, sha256 } = model;
  const beside = background === null ? {} : { background };
  if (ref !== null) return { ref, registry: registry === null ? null : stripSlashes(registry), ...beside };
  const known = uri ?? '';
  return { uri: known, name: name ?? stemOf(known), version, sha256, ...beside };
}

function compileCsv(csv: NonNullable<JobFile['input']['csv']>): CsvSettings {
  return { ...csv, delimiter: csv.delimiter === 'tab' ? '\t' : csv.delimiter };
}

// Only a table with a log has versions: to name one says what it is.
function compileTable({ table, version }: JobFile['input']): Pick<WrittenJob['input'], 'table'> {
  return table === null && version === null ? {} : { table: { format: 'delta', version } };
}

function compilePredictions({ predictions, name, partitions, outputs }: JobFile): JobPredictions | null {
  if (predictions === null) return null;
  const { set, values, scope, ttl, ...rest } = predictions;
  return {
    ...rest,
    set: set ?? name,
    values: values ?? (outputs === null ? null : outputNames(outputs)),
    scope: scope ?? (partitions === null ? 'latest' : 'union'),
    ttlMs: ttl,
  };
}

function compilePartitions(partitions: JobFile['partitions']): JobPartitions | null {
  if (partitions === null) return null;
  const { values, every, format, start } = partitions;
  if (values !== null) return { kind: 'values', values };
  return every === null || format === null || start === null ? null : { kind: 'every', every, format, start };
}

function compileSchedule(schedule: JobFile['schedule']): JobSchedule | null {
  if (schedule === null) return null;
  const { jitter, waitForInput, ...rest } = schedule;
  return {
    ...rest,
    jitterMs: jitter,
    waitForInput:
      waitForInput === null
        ? null
        : { forMs: waitForInput.for, everyMs: waitForInput.every, marker: waitForInput.marker },
  };
}

function compileFeature({ columns, nulls, pad, maxLength, maskOf, value }: Value<typeof FEATURE>): FeatureSpec {
  if (columns !== null) {
    const padding = pad === null ? {} : { pad };
    return { kind: 'columns', columns, nulls, ...padding, ...(maxLength === null ? {} : { maxLength }) };
  }
  if (maskOf !== null) return { kind: 'mask', of: maskOf };
  return { kind: 'value', value: value ?? 0 };
}

function compileOutput({ tensor, index, argmax, labels, explain, count }: Value<typeof OUTPUT_COLUMN>): OutputSpec {
  if (explain === null) return { tensor: tensor ?? '', index, argmax, labels };
  return { explain, count: explain === 'top' ? (count ?? REASONS) : count, index };
}

function outputNames(outputs: NonNullable<JobFile['outputs']>): string[] {
  return Object.entries(outputs).flatMap(([name, output]) => [...columnsOfOutput(name, compileOutput(output))]);
}

function compileType(text: string): string {
  return duckdbType(text) ?? text;
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Readonly<Record<string, B>> {
  const mapped: Record<string, B> = Object.create(null);
  for (const [key, value] of Object.entries(record)) mapped[key] = map(value);
  return mapped;
}

/** `delay_lgbm` of `s3://models/delay_lgbm.onnx`. */
function stemOf(uri: string): string {
  const name = uri.slice(uri.lastIndexOf('/') + 1);
  const stem = name.replace(/\.[^.]*$/, '');
  return stem === '' ? name : stem;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) deepFreeze(item);
  }
  return value;
}
