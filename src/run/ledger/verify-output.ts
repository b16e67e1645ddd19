import { createHash } from 'node:crypto';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Manifest } from '../../base/contract/records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

const PIECE = 8 * 1024 * 1024;

/** One difference between a manifest and what is there. */
export interface Difference {
  readonly part: string;
  readonly what: string;
  readonly expected: string;
  readonly got: string;
}

/** Counts the rows of a Parquet object from its footer; given in, because the columnar room owns Parquet. */
export type CountRows = (uri: string, size: number, etag: string) => Promise<number>;

/**
 * Re-reads every part of a manifest: presence, size, sha256, and rows by the footer; and finds parts that no manifest names
 * (a glob reader would count them). All differences are listed.
 */
export async function verifyOutput(
  manifest: Manifest,
  outputUri: string,
  stores: StoreResolver,
  countRows: CountRows,
): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const part of manifest.parts) {
    const { store, key, uri } = stores.at(`${outputUri}/${part.name}`);
    const info = await store.head(key);
    const differ = (what: string, expected: string, got: string): void => {
      differences.push({ part: part.name, what, expected, got });
    };
    if (info === null) {
      differ('part is missing', 'present', 'absent');
      continue;
    }
    if (info.size !== part.size) {
      differ('size', `${part.size} bytes`, `${info.size} bytes`);
      continue;
    }
    const hash = createHash('sha256');
    for (let offset = 0; offset < info.size; offset += PIECE) {
      const piece = new Uint8Array(Math.min(PIECE, info.size - offset));
      await store.readRange(key, { offset, length: piece.length }, info.etag, piece);
      hash.update(piece);
    }
    const digest = hash.digest('hex');
    if (digest !== part.sha256) {
      differ('sha256', part.sha256, digest);
      continue;
    }
    const rows = await countRows(uri, info.size, info.etag);
    if (rows !== part.rows) differ('rows', `${part.rows}`, `${rows}`);
  }
  const total = manifest.parts.reduce((sum, p) => sum + p.rows, 0);
  if (total !== manifest.rows)
    differences.push({
      part: 'manifest',
      what: 'rows of the parts do not add up',
      expected: `${manifest.rows}`,
      got: `${total}`,
    });
  differences.push(...(await strayParts(manifest, outputUri, stores)));
  return differences;
}

async function strayParts(manifest: Manifest, outputUri: string, stores: StoreResolver): Promise<Difference[]> {
  const named = new Set(manifest.parts.map((p) => p.name));
  const { store, key } = stores.at(`${outputUri}/`);
  const prefix = key.endsWith('/') ? key : `${key}/`;
  const stray: Difference[] = [];
  for await (const info of store.list(prefix)) {
    const name = info.key.slice(prefix.length);
    if (name.includes('/') || !name.endsWith('.parquet') || named.has(name)) continue;
    stray.push({
      part: name,
      what: 'part that the manifest does not name',
      expected: 'absent',
      got: `${info.size} bytes`,
    });
  }
  return stray;
}

/** The manifest that is current for an output, from its convenience copy. Errors: VERIFY_FAILED when there is none. */
export async function readOutputManifest(outputUri: string, stores: StoreResolver): Promise<Manifest> {
  const { store, key, uri } = stores.at(`${outputUri}/_manifest.json`);
  const found = await store.get(key);
  if (found === null)
    throw new PrescoreError('VERIFY_FAILED', {
      what: 'there is no _manifest.json',
      where: uri,
      fix: 'Give the folder of a committed output (with its partition).',
    });
  try {
    return JSON.parse(new TextDecoder().decode(found.bytes)) as Manifest;
  } catch (error) {
    throw new PrescoreError('VERIFY_FAILED', { what: '_manifest.json is not JSON', where: uri, cause: error });
  }
}
