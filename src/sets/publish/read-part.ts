import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Manifest, ManifestPart } from '../../base/contract/records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type Duck, type ExpectedTypes, parquetSource, quoteName } from '../../data/duckdb/duckdb.ts';
import type { VectorBatch } from '../../data/duckdb/vector-batch.ts';
import { pinnedSource } from '../../data/object-store/pinned-source.ts';
import { readParquetFooter } from '../../data/parquet/parquet-footer.ts';
import { parquetFrame, wantedRanges, writeSparse } from '../../data/parquet/sparse-file.ts';
import type { Publication } from './publication.ts';

export interface PartTools {
  readonly stores: StoreResolver;
  readonly duck: Duck;
  readonly scratchDir: string;
}

/**
 * Streams the rows of one committed part in order: the key's bytes (column 0) and the values. Of a part in S3 only these columns
 * are fetched.
 *
 * Errors: INPUT_GONE, INPUT_CORRUPT, INPUT_CHANGED when the part is not what the manifest says, a type of a column among it. Owns: as `Duck.stream`.
 */
export async function* readPart(
  publication: Publication,
  manifest: Manifest,
  part: ManifestPart,
  tools: PartTools,
): AsyncGenerator<VectorBatch> {
  const uri = `${manifest.outputUri}/${part.name}`;
  const place = tools.stores.at(uri);
  const found = await place.store.head(place.key);
  if (found === null) throw new PrescoreError('INPUT_GONE', { what: 'a part of the output was deleted', where: uri });
  if (found.size !== part.size) {
    throw new PrescoreError('INPUT_CHANGED', {
      what: 'a part of the output is not the one of the manifest',
      where: uri,
      expected: `${part.size} bytes`,
      got: `${found.size} bytes`,
    });
  }
  const wanted = new Set([...publication.key.columns, ...publication.columns.map((c) => c.name)]);
  const local = place.store.localPath(place.key);
  const path = local ?? join(tools.scratchDir, `part-${randomBytes(8).toString('hex')}`);
  try {
    if (local === null) {
      const source = pinnedSource(place, found.size, found.etag);
      const footer = await readParquetFooter(source, uri);
      await writeSparse(source, path, parquetFrame(footer, found.size), wantedRanges(footer, wanted, 0, part.rows));
    }
    let rows = 0;
    const expected = { where: uri, columns: expectedColumns(publication, manifest) };
    for await (const batch of tools.duck.stream(selectSql(publication, manifest, path), expected)) {
      rows += batch.rows;
      yield batch;
    }
    if (rows !== part.rows) {
      throw new PrescoreError('INPUT_CORRUPT', {
        what: 'a part of the output has another number of rows than the manifest says',
        where: uri,
        expected: `${part.rows}`,
        got: `${rows}`,
      });
    }
  } finally {
    if (local === null) await rm(path, { force: true });
  }
}

function selectSql(publication: Publication, manifest: Manifest, path: string): string {
  const { key, columns } = publication;
  const types = new Map(manifest.columns.map((c) => [c.name, c.type]));
  const parts = key.columns.map((name) => keyPart(name, types.get(name) === 'BLOB'));
  const [only] = parts;
  const keySql = parts.length === 1 ? only! : parts.map(withLength).join(' || ');
  const values = columns.map(({ name, type }, i) =>
    // A list of a fixed length lies in memory in another way than one of any length.
    type.startsWith('list<')
      ? `${quoteName(name)}::${listType(types.get(name)!)} as v${i}`
      : `${quoteName(name)} as v${i}`,
  );
  return `select ${[`${keySql} as k`, ...values].join(', ')} from ${parquetSource(path)}`;
}

function expectedColumns({ columns }: Publication, manifest: Manifest): ExpectedTypes['columns'] {
  const types = new Map(manifest.columns.map((c) => [c.name, c.type]));
  const values = columns.map(({ name }) => ({ name, types: new Set([listType(types.get(name)!)]) }));
  return [{ name: 'key', types: new Set(['BLOB']) }, ...values];
}

function keyPart(name: string, isBlob: boolean): string {
  return isBlob ? quoteName(name) : `encode(${quoteName(name)}::VARCHAR)`;
}

function withLength(part: string): string {
  return `encode(octet_length(${part}) || ':') || ${part}`;
}

function listType(type: string): string {
  return type.replace(/\[\d*\]$/, '[]');
}
