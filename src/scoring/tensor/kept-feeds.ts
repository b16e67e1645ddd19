import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TensorType } from '../../base/contract/signature.ts';
import { elementView, type FeedTensor } from '../../model/elements/elements.ts';

/** Feeds of some rows as files, for this process and for others: `index.json` says what lies where. */
export interface KeptFeeds {
  readonly batches: readonly KeptBatch[];
  /** Rows of every batch, where the model fixes them: a short one is filled up with copies of its last row. */
  readonly fixedBatch: number | null;
  /** Inputs that are the same for all rows of a batch; the first axis of the others is the batch. */
  readonly shared: readonly string[];
}

export interface KeptBatch {
  /** Which rows they are, counted over all that are kept; a batch that is filled up has more. */
  readonly rows: readonly number[];
  readonly tensors: readonly KeptTensor[];
}

/** Little-endian elements, rows one behind another; of texts a JSON list. */
export interface KeptTensor {
  readonly name: string;
  readonly type: TensorType;
  readonly dims: readonly number[];
  readonly file: string;
}

const INDEX = 'index.json';

/** Writes batches into a folder, and in the end what they are. Errors: those of the file system. */
export class FeedsWriter {
  private readonly folder: string;
  private readonly batches: KeptBatch[] = [];
  private files = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Owns: the feeds stay the caller's. */
  add(rows: readonly number[], feeds: ReadonlyMap<string, FeedTensor>): void {
    const tensors = [...feeds].map(([name, { type, dims, data }]): KeptTensor => {
      const file = `feed-${this.files++}.bin`;
      const bytes = ArrayBuffer.isView(data)
        ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        : JSON.stringify(data);
      writeFileSync(join(this.folder, file), bytes);
      return { name, type, dims: [...dims], file };
    });
    this.batches.push({ rows: [...rows], tensors });
  }

  /** How many batches there are; `forgetAfter` goes back to it. */
  get count(): number {
    return this.batches.length;
  }

  forgetAfter(count: number): void {
    this.batches.length = count;
  }

  close(facts: Pick<KeptFeeds, 'fixedBatch' | 'shared'>): void {
    writeFileSync(join(this.folder, INDEX), JSON.stringify({ batches: this.batches, ...facts } satisfies KeptFeeds));
  }
}

/** What a folder holds. Errors: those of the file system. */
export function readKept(folder: string): KeptFeeds {
  return JSON.parse(readFileSync(join(folder, INDEX), 'utf8')) as KeptFeeds;
}

/** The feeds of a batch. Owns: the caller. */
export function readFeeds(folder: string, { tensors }: KeptBatch): Map<string, FeedTensor> {
  const feeds = new Map<string, FeedTensor>();
  for (const { name, type, dims, file } of tensors) {
    const bytes = readFileSync(join(folder, file));
    const count = dims.reduce((product, d) => product * d, 1);
    // A copy of its own: elements lie at multiples of their size.
    const data =
      type === 'string'
        ? (JSON.parse(bytes.toString()) as string[])
        : elementView(type, new Uint8Array(bytes).buffer, 0, count);
    feeds.set(name, { type, dims, data });
  }
  return feeds;
}
