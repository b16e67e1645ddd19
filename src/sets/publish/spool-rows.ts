import { join } from 'node:path';
import { hasOrigins, type Publication } from './publication.ts';
import { type PartTools, readPart } from './read-part.ts';
import { RowEncoder } from './row-encoder.ts';
import { RowSpool } from './row-spool.ts';

/** Bytes that a residue aims at: small enough for the caches of a core while its pages are packed. */
const RESIDUE_BYTES = 512 * 1024;
const ROW_BYTES = 40;
const MAX_RESIDUES = 4096;

export interface SpooledRows {
  readonly spool: RowSpool;
  readonly withoutKey: number;
  /** Bytes that all keys begin with. */
  readonly prefixBytes: number;
}

/**
 * Reads all rows of a publication into a spool, in the order of runs, parts and rows.
 *
 * Errors: those of `readPart` and `RowEncoder`; `stop` ends it with its reason. Owns: the caller closes the spool.
 */
export async function spoolRows(
  publication: Publication,
  tools: PartTools,
  memoryBytes: number,
  onRows: (rows: number) => void,
  stop: AbortSignal,
): Promise<SpooledRows> {
  const spool = new RowSpool(residuesFor(publication.rows), memoryBytes, join(tools.scratchDir, 'rows.spool'));
  const encoder = new RowEncoder(spool, publication.columns, publication.hasNulls, hasOrigins(publication));
  try {
    for (const [origin, manifest] of publication.manifests.entries()) {
      for (const part of manifest.parts) {
        for await (const batch of readPart(publication, manifest, part, tools)) {
          stop.throwIfAborted();
          encoder.encode(batch, origin, `${manifest.outputUri}/${part.name}`);
          await spool.settle();
          onRows(batch.rows);
        }
      }
    }
    return { spool, withoutKey: encoder.withoutKey, prefixBytes: Math.max(0, encoder.prefixBytes) };
  } catch (error) {
    await spool.close();
    throw error;
  }
}

/** A power of two that follows from the rows alone: every attempt cuts the same residues. */
export function residuesFor(rows: number): number {
  let residues = 1;
  while (residues < MAX_RESIDUES && residues * RESIDUE_BYTES < rows * ROW_BYTES) residues *= 2;
  return residues;
}
