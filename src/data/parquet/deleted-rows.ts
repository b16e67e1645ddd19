import { crc32 } from 'node:zlib';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { DeletedRows } from '../../base/contract/plan.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { readRoaringArray } from './roaring.ts';
import { decodeZ85 } from './z85.ts';

/**
 * The rows of a file that its table has deleted, ascending, by their place in the file. `fileRows`: how many the file has.
 *
 * Errors: INPUT_GONE when the vector is not there, INPUT_TABLE_LOG when it is damaged or another than the log says; those of the store.
 */
export async function readDeletedRows(
  deleted: DeletedRows,
  fileRows: number,
  stores: StoreResolver,
  where: string,
): Promise<Uint32Array> {
  const fault = (what: string): PrescoreError =>
    new PrescoreError('INPUT_TABLE_LOG', {
      what: `the deletion vector of a data file ${what}`,
      where: deleted.uri ?? where,
    });
  const bytes = deleted.uri === null ? inlineBytes(deleted) : await storedBytes(deleted, deleted.uri, stores, fault);
  if (bytes === null) throw fault('cannot be decoded');
  try {
    const rows = readRoaringArray(bytes, Math.min(fileRows, 2 ** 32));
    if (rows.length === deleted.rows) return rows;
  } catch (error) {
    if (error instanceof RangeError) throw fault(`cannot be read (${error.message})`);
    throw error;
  }
  throw fault('has another number of rows than the log says');
}

function inlineBytes({ inline, bytes }: DeletedRows): Uint8Array | null {
  const decoded = inline === null ? null : decodeZ85(inline);
  return decoded === null || decoded.length < bytes ? null : decoded.subarray(0, bytes);
}

// Length, bitmap, checksum; numbers of the frame are big endian, those of the bitmap little.
async function storedBytes(
  { offset, bytes }: DeletedRows,
  uri: string,
  stores: StoreResolver,
  fault: (what: string) => PrescoreError,
): Promise<Uint8Array> {
  const { store, key } = stores.at(uri);
  const info = await store.head(key);
  if (info === null) {
    const what = 'a deletion vector of the Delta table is not there: it was deleted, as by a vacuum';
    throw new PrescoreError('INPUT_GONE', {
      what,
      where: uri,
      fix: 'Read a newer version of the table, or restore the file.',
    });
  }
  if (offset + bytes + 8 > info.size) throw fault('lies beyond the end of its file');
  const frame = new Uint8Array(bytes + 8);
  await store.readRange(key, { offset, length: frame.length }, info.etag, frame);
  const view = new DataView(frame.buffer);
  if (view.getUint32(0) !== bytes) throw fault('has another length than the log says');
  const bitmap = frame.subarray(4, 4 + bytes);
  if (crc32(bitmap) !== view.getUint32(4 + bytes)) throw fault('does not fit its checksum');
  return bitmap;
}
