import type { DeletedRows } from '../../base/contract/plan.ts';
import { decodeZ85 } from '../../data/parquet/z85.ts';
import { dataPlace } from './data-place.ts';
import { damaged, type Fields, notSupported } from './log-fault.ts';

const UUID_SIGNS = 20;

/**
 * Where the deletion vector of a data file lies, by its descriptor in the log; null for one that deletes nothing. `root`: the URI of
 * the table, with its slash.
 *
 * Errors: INPUT_TABLE_LOG, INPUT_UNSUPPORTED.
 */
export function deletedRows(vector: Fields, root: string, where: string): DeletedRows | null {
  const { storageType: kind, pathOrInlineDv: text, sizeInBytes: bytes, cardinality: rows } = vector;
  const offset = vector['offset'] ?? 0;
  if (typeof text !== 'string' || !isCount(bytes) || !isCount(rows) || !isCount(offset)) {
    throw damaged('a data file has a deletion vector that cannot be read', where);
  }
  if (rows === 0) return null;
  if (kind === 'i') return { uri: null, inline: text, offset: 0, bytes, rows };
  if (kind === 'u') return { uri: root + relativeName(text, where), inline: null, offset, bytes, rows };
  const place = kind === 'p' ? dataPlace(text, root) : null;
  if (place?.kind === 'place') return { uri: place.uri, inline: null, offset, bytes, rows };
  const fix = 'Copy the table as a whole, so that its log names its own files (a deep clone).';
  throw notSupported('the table has a deletion vector in another kind of place', where, fix);
}

/** A random folder, which may be none, and a UUID in Z85. */
function relativeName(text: string, where: string): string {
  const folder = text.slice(0, -UUID_SIGNS);
  const hex = Buffer.from(decodeZ85(text.slice(-UUID_SIGNS)) ?? []).toString('hex');
  if (hex.length !== 32) throw damaged('the name of a deletion vector cannot be decoded', where, JSON.stringify(text));
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return `${folder === '' ? '' : `${folder}/`}deletion_vector_${uuid}.bin`;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
