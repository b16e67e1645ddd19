import type { Signature } from '../../base/contract/signature.ts';
import { gathered, rowsOf } from '../../model/certify/tensor-rows.ts';
import type { TrialStyle } from '../../model/certify/trial-rows.ts';
import type { FeedTensor, TensorValue } from '../../model/elements/elements.ts';
import { readFeeds, readKept } from '../tensor/kept-feeds.ts';
import { type MadeInputs, madeFeeds } from './made-inputs.ts';

export type Feeds = ReadonlyMap<string, TensorValue>;

/** Rows of one batch: the first `rows.length` of the feeds; more fill up a batch of fixed length. */
export interface RowsPiece {
  readonly rows: readonly number[];
  readonly feeds: Feeds;
}

/** Rows of a piece at most, and bytes of their feeds: what a model makes of wide rows, such as images, is large too. */
const PIECE_ROWS = 256;
const PIECE_BYTES = 1024 * 1024;

function pieceRows(rowBytes: number): number {
  return Math.max(1, Math.min(PIECE_ROWS, Math.floor(PIECE_BYTES / Math.max(1, rowBytes))));
}

/** Bytes of the feeds of a row, texts by their number. */
export function bytesOfRow(feeds: Feeds, rows: number): number {
  let bytes = 0;
  for (const { data } of feeds.values()) bytes += ArrayBuffer.isView(data) ? data.byteLength : 8 * data.length;
  return bytes / rows;
}

/** The rows of a folder of feeds, piece by piece. Errors: those of the file system. */
export function* keptPieces(folder: string, signature: Signature, fixedBatch: number | null): Generator<RowsPiece> {
  for (const batch of readKept(folder).batches) {
    const feeds = readFeeds(folder, batch);
    const all = batch.rows.length;
    const most = fixedBatch ?? pieceRows(bytesOfRow(feeds, all));
    for (let from = 0; from < all; from += most) {
      const rows = batch.rows.slice(from, from + most);
      yield { rows, feeds: cutFeeds(feeds, signature, all, from, rows.length, fixedBatch ?? rows.length) };
    }
  }
}

/** Made-up rows, piece by piece, `most` of them at most. */
export function* madePieces(made: MadeInputs, style: TrialStyle, most: number): Generator<RowsPiece> {
  const all = made.fixedBatch ?? Math.max(1, Math.min(most, Math.floor(MADE_BYTES / Math.max(1, made.rowBytes))));
  const feeds = madeFeeds(made, all, style);
  const size = made.fixedBatch ?? pieceRows(made.rowBytes);
  for (let from = 0; from < all; from += size) {
    const count = Math.min(size, all - from);
    const rows = Array.from({ length: count }, (_, i) => from + i);
    yield { rows, feeds: cutMade(feeds, made, all, from, count) };
  }
}

/** Made-up rows are all in memory. */
const MADE_BYTES = 256 * 1024 * 1024;

/** The rows of a piece again and again, until there are `batch` of them. */
export function repeated({ rows, feeds }: RowsPiece, signature: Signature, batch: number): Feeds {
  return ordered(
    feeds,
    signature,
    Int32Array.from({ length: batch }, (_, i) => i % rows.length),
  );
}

function cutFeeds(
  feeds: ReadonlyMap<string, FeedTensor>,
  signature: Signature,
  all: number,
  from: number,
  count: number,
  batch: number,
): Feeds {
  if (count === all && batch === count) return feeds;
  return ordered(
    feeds,
    signature,
    Int32Array.from({ length: batch }, (_, i) => from + Math.min(i, count - 1)),
  );
}

function ordered(feeds: Feeds, signature: Signature, order: Int32Array): Feeds {
  return new Map(
    [...feeds].map(([name, value]) => [name, isBatched(name, value, signature) ? gathered(value, order) : value]),
  );
}

function cutMade(feeds: Feeds, made: MadeInputs, all: number, from: number, count: number): Feeds {
  if (count === all) return feeds;
  return new Map(
    made.inputs.map((input) => [
      input.name,
      'same' in input ? input.same(count) : rowsOf(feeds.get(input.name)!, from, count),
    ]),
  );
}

// Constants that have no axis for rows go in as they are.
function isBatched(name: string, { dims }: TensorValue, { inputs }: Signature): boolean {
  const input = inputs.find((one) => one.name === name);
  return (
    dims.length > 0 && input !== undefined && (input.dims[0] === null || inputs.every((one) => one.dims[0] !== null))
  );
}
