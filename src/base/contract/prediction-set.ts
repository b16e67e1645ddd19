import type { TensorType } from './signature.ts';

/** What a value column of a set holds. Lists hold numbers, flags or texts. */
export type ScalarType = Exclude<TensorType, 'float16'>;
export type ValueType = ScalarType | `list<${ScalarType}>`;

export interface ValueColumn {
  readonly name: string;
  readonly type: ValueType;
}

/** 64-bit integers are BigInt; everything else is what JSON would have. */
export type PredictionValue = null | boolean | number | bigint | string | readonly PredictionValue[];

/** A run whose rows are in a generation. */
export interface Origin {
  readonly runId: string;
  readonly partition: string | null;
  /** Number of the manifest. */
  readonly manifest: number;
  readonly model: { readonly name: string; readonly version: string | null; readonly sha256: string };
  /** ISO, UTC. */
  readonly scoredAt: string;
}

/**
 * How new a generation is. `latest`: one text per run that sorts as runs do. `union`: the manifest number of every
 * partition.
 */
export type SetOrder =
  | { readonly scope: 'latest'; readonly key: string }
  | { readonly scope: 'union'; readonly manifests: Readonly<Record<string, number>> };

/** What pages of one generation have in common; written before its first page and never changed. */
export interface GenerationMeta {
  readonly format: 1;
  readonly set: string;
  readonly generation: number;
  /** Digest of what is in it (runs, key, columns): two publications with one id have the same pages. */
  readonly publication: string;
  readonly key: { readonly columns: readonly string[]; readonly kind: KeyKind };
  readonly columns: readonly ValueColumn[];
  readonly bucketHash: 'crc32';
  readonly buckets: number;
  /** Rows that were read with a key; twins among them count. */
  readonly rows: number;
  /** Rows that have no key. */
  readonly withoutKey: number;
  readonly origins: readonly Origin[];
  readonly order: SetOrder;
  /** ISO, UTC; `expiresAt` is null without a ttl. */
  readonly createdAt: string;
  readonly expiresAt: string | null;
}

export type KeyKind = 'string' | 'integer' | 'binary' | 'composite';

/** What a reader needs to find pages. `generation` 0: nothing is published. */
export interface SetPointer {
  readonly epoch: number;
  readonly generation: number;
  /** ISO, UTC; empty when nothing is published. */
  readonly publishedAt: string;
  readonly expiresAt: string | null;
  /** Whether single keys were ever written beside the pages. */
  readonly hasOverlay: boolean;
}

/** A generation as the set's state knows it. */
export interface GenerationEntry {
  readonly generation: number;
  readonly publication: string;
  /** building: pages are being written. ready: complete. reclaiming: its pages are being removed. */
  readonly state: 'building' | 'ready' | 'reclaiming';
  readonly createdAt: string;
  readonly publishedAt: string | null;
  readonly expiresAt: string | null;
  readonly rows: number;
  readonly buckets: number;
  readonly bytes: number;
  /** Run ids, newest last, at most 3; and how many there are. */
  readonly runs: readonly string[];
  readonly runCount: number;
  /** When it left `keep`; reclaimed no earlier than 60 s after that. */
  readonly leftKeepAt: string | null;
}

/** Who may write into a set. Times are the store's own. */
export interface SetLease {
  readonly token: string;
  readonly host: string;
  readonly bootId: string;
  readonly pid: number;
  readonly processStart: number | null;
  readonly untilMs: number;
}

/** Everything about a set that changes, as one document that is only ever replaced by compare-and-set. */
export interface SetState {
  readonly format: 1;
  /** Counts every change. */
  readonly version: number;
  readonly pointer: SetPointer;
  readonly nextGeneration: number;
  readonly keep: number;
  readonly generations: readonly GenerationEntry[];
  /** The newest order ever published; null before the first. */
  readonly highest: SetOrder | null;
  /** Set by a rollback: publications that are not newer than `highest` change nothing. */
  readonly isPinned: boolean;
  readonly lease: SetLease | null;
  /** Somebody asked for a publication while one was going on: whoever publishes looks again when it is done. */
  readonly isAgainAsked: boolean;
}

/** Pages and what goes with them, written by one publisher. */
export interface GenerationWriter {
  /** Pages that an earlier attempt has finished, by residue (`bucket % residues`). */
  doneResidues(): Promise<ReadonlySet<number>>;
  /** Writes all pages of one residue. Resolves when the store has them. Owns: the pages until then. */
  writePages(pages: readonly Page[], residue: number): Promise<void>;
  /** Makes the pages durable and readable; before that no reader sees them. */
  finish(): Promise<void>;
  /** Drops what this writer holds; the pages stay for the next attempt where the store can. */
  abandon(): Promise<void>;
}

export interface Page {
  readonly bucket: number;
  readonly bytes: Uint8Array;
}

export interface PageCount {
  readonly pages: number;
  readonly bytes: number;
}

/** One row of an overlay: a single key's own prediction. */
export interface OverlayEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * A place where sets live. All methods may fail with PREDICTIONS_UNAVAILABLE, PREDICTIONS_DENIED, PREDICTIONS_FULL or
 * PREDICTIONS_READONLY.
 */
export interface PredictionStore {
  readonly url: string;
  /** The store's clock, in milliseconds since 1970. */
  now(): Promise<number>;
  listSets(): Promise<string[]>;
  readState(set: string): Promise<SetState | null>;
  /** Replaces the state if its version is still `version` (0: there is none); false when somebody was faster. */
  swapState(set: string, version: number, next: SetState): Promise<boolean>;
  /** The part of the state that readers need, cheaper than all of it. */
  readPointer(set: string): Promise<SetPointer | null>;
  readMeta(set: string, generation: number): Promise<GenerationMeta | null>;
  /** Stores the meta unless there is one; returns the one that holds. */
  createMeta(meta: GenerationMeta): Promise<GenerationMeta>;
  writer(meta: GenerationMeta): Promise<GenerationWriter>;
  /** Page bytes in the order asked; null where there is none. Owns: the caller, until its next call. */
  readPages(set: string, generation: number, buckets: readonly number[]): Promise<(Uint8Array | null)[]>;
  /** How many of the buckets 0 … buckets - 1 have a page, and the bytes of all of them, read back from the store. */
  countPages(set: string, generation: number, buckets: number): Promise<PageCount>;
  /** Removes pages and meta of a generation, slowly; safe to repeat. */
  dropGeneration(set: string, generation: number, buckets: number): Promise<void>;
  readOverlay(set: string, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]>;
  writeOverlay(set: string, entries: readonly OverlayEntry[]): Promise<void>;
  /** Writes entries unless one of a later time is there, by compare-and-set; says how many were written. */
  writeNewerOverlay(set: string, entries: readonly OverlayEntry[]): Promise<number>;
  /** All entries, in no order. */
  scanOverlay(set: string): AsyncIterable<OverlayEntry>;
  /** Removes entries that still have exactly these bytes; returns how many. */
  removeOverlay(set: string, entries: readonly OverlayEntry[]): Promise<number>;
  close(): Promise<void>;
}
