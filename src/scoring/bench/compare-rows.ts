import { gathered, rowsOf } from '../../model/certify/tensor-rows.ts';
import type { FeedTensor, TensorValue } from '../../model/elements/elements.ts';
import { readFeeds, readKept } from '../tensor/kept-feeds.ts';
import { type MadeInputs, type MadeRows, madeFeeds } from './made-inputs.ts';

export type Feeds = ReadonlyMap<string, TensorValue>;

/** Rows of one batch: the first `rows.length` of the feeds; more fill up a batch of fixed length. */
export interface RowsPiece {
  readonly rows: readonly number[];
  readonly feeds: Feeds;
  /** Inputs that are the same for all rows. */
  readonly shared: ReadonlySet<string>;
}

/** Rows to compare two models on. */
export interface RowsToCompare {
  /** Rows of every batch, where the model fixes them. */
  readonly fixedBatch: number | null;
  readonly pieces: Iterable<RowsPiece>;
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
export function keptRows(folder: string): RowsToCompare {
  return { fixedBatch: readKept(folder).fixedBatch, pieces: keptPieces(folder) };
}

function* keptPieces(folder: string): Generator<RowsPiece> {
  const { batches, fixedBatch, shared: names } = readKept(folder);
  const shared = new Set(names);
  for (const batch of batches) {
    const feeds = readFeeds(folder, batch);
    const all = batch.rows.length;
    const most = fixedBatch === null ? pieceRows(bytesOfRow(feeds, all)) : all;
    for (let from = 0; from < all; from += most) {
      const rows = batch.rows.slice(from, from + most);
      yield { rows, feeds: rows.length === all ? feeds : cutFeeds(feeds, shared, from, rows.length), shared };
    }
  }
}

/** Made-up rows, piece by piece, `most` of them at most. */
export function madeRows(found: MadeRows, most: number): RowsToCompare {
  return { fixedBatch: found.made.fixedBatch, pieces: madePieces(found, most) };
}

function* madePieces({ made, style }: MadeRows, most: number): Generator<RowsPiece> {
  const shared = new Set(made.inputs.flatMap((input) => ('same' in input ? [input.name] : [])));
  const all = made.fixedBatch ?? Math.max(1, Math.min(most, Math.floor(MADE_BYTES / Math.max(1, made.rowBytes))));
  const feeds = madeFeeds(made, all, style);
  const size = made.fixedBatch ?? pieceRows(made.rowBytes);
  for (let from = 0; from < all; from += size) {
    const count = Math.min(size, all - from);
    const rows = Array.from({ length: count }, (_, i) => from + i);
    yield { rows, feeds: count === all ? feeds : cutMade(feeds, made, from, count), shared };
  }
}

/** Made-up rows are all in memory. */
const MADE_BYTES = 256 * 1024 * 1024;

/** The rows of a piece again and again, until there are `batch` of them. */
export function repeated({ rows, feeds, shared }: RowsPiece, batch: number): Feeds {
  return ordered(
    feeds,
    shared,
    Int32Array.from({ length: batch }, (_, i) => i % rows.length),
  );
}

function cutFeeds(
  feeds: ReadonlyMap<string, FeedTensor>,
  shared: ReadonlySet<string>,
  from: number,
  count: number,
): Feeds {
  return ordered(
    feeds,
    shared,
    Int32Array.from({ length: count }, (_, i) => from + i),
  );
}

function ordered(feeds: Feeds, shared: ReadonlySet<string>, order: Int32Array): Feeds {
  return new Map([...feeds].map(([name, value]) => [name, shared.has(name) ? value : gathered(value, order)]));
}

function cutMade(feeds: Feeds, made: MadeInputs, from: number, count: number): Feeds {
  return new Map(
    made.inputs.map((input) => [
      input.name,
      'same' in input ? input.same(count) : rowsOf(feeds.get(input.name)!, from, count),
    ]),
  );
}
