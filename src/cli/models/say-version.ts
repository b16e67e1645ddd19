import type { ListedVersion, VersionRecord } from '../../base/contract/registry.ts';
import type { TensorSignature } from '../../base/contract/signature.ts';
import { oneLine } from '../../base/errors/prescore-error.ts';
import { sayBytes, sayMany } from '../../base/telemetry/progress-line.ts';
import type { ModelRow } from '../output/say-model.ts';

/** What there is to say of a version, a line each. */
export function* versionRows(one: ListedVersion, uri: string): Generator<ModelRow> {
  const { name, version, state, digest, record, tombstone, labels } = one;
  yield ['version', `${name}/${version}, ${state}`];
  if (labels.length > 0) yield ['labels', labels.join(', ')];
  if (digest !== null) yield ['sha256', digest];
  yield ['place', uri];
  if (tombstone !== null) yield ['deleted', `${tombstone.at} by ${tombstone.by}: ${tombstone.reason}`];
  if (record !== null) yield* recordRows(record);
}

function* recordRows(record: VersionRecord): Generator<ModelRow> {
  const { kind, files, signature, lineage, createdAt, createdBy, note } = record;
  yield ['kind', kind];
  yield ['opset', sayOpset(record)];
  for (const [i, file] of files.entries()) yield [i === 0 ? 'files' : '', `${file.path}, ${sayBytes(file.bytes)}`];
  if (signature === null) yield ['signature', 'not known: added without being loaded'];
  else {
    yield ['inputs', signature.inputs.map(sayTensor).join(', ')];
    yield ['outputs', signature.outputs.map(sayTensor).join(', ')];
  }
  yield ['added', `${createdAt} by ${createdBy}`];
  if (note !== null) yield ['note', note];
  const { trainedAt, dataset, params, metrics, code, source, parent } = lineage;
  if (trainedAt !== null) yield ['trained', trainedAt];
  if (dataset !== null) yield ['dataset', sayDataset(dataset)];
  if (Object.keys(params).length > 0) yield ['params', sayPairs(params)];
  if (Object.keys(metrics).length > 0) yield ['metrics', sayPairs(metrics)];
  if (code !== null)
    yield ['code', [code.commit ?? '', code.repository ?? ''].filter((text) => text !== '').join(' of ')];
  if (source !== null)
    yield ['source', `${source.kind}: ${source.uri}${source.runId === null ? '' : `, run ${source.runId}`}`];
  if (parent !== null) yield ['parent', parent];
}

const LONGEST_CELL = 200;

/** Cells of a table on a terminal: notes, reasons and names in a registry are other people's. */
export function shownCells(rows: readonly (readonly string[])[]): string[][] {
  return rows.map((row) => row.map((cell) => oneLine(cell, LONGEST_CELL)));
}

/** `ai.onnx 17`; nothing where it has none. */
export function sayOpset({ opset }: VersionRecord): string {
  const all = Object.entries(opset ?? {}).map(([domain, version]) => `${domain} ${version}`);
  return all.length === 0 ? 'none' : all.join(', ');
}

/** `features float32 [N, 256]`. */
export function sayTensor({ name, type, declared, dims, axes, isShapeless }: TensorSignature): string {
  const shape = dims.map((dim, i) => dim ?? axes?.[i] ?? (i === 0 ? 'N' : '?')).join(', ');
  return `${name} ${type ?? declared}${isShapeless === true ? '' : ` [${shape}]`}`;
}

export function sayPairs(pairs: Readonly<Record<string, string | number>>): string {
  return Object.entries(pairs)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ');
}

export function sayDataset(dataset: NonNullable<VersionRecord['lineage']['dataset']>): string {
  const { uri, name, rows, sha256, digest } = dataset;
  const parts = [
    uri,
    name,
    rows === null ? null : sayMany(rows, 'row'),
    sha256 === null ? null : `sha256 ${sha256}`,
    digest,
  ];
  return parts.filter((part) => part !== null && part !== undefined).join(', ');
}
