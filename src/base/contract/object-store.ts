/**
 * Where bytes live: one interface, two adapters (`file`, `s3`), one conformance suite (`test/conformance/object-store.test.ts`).
 *
 * Keys are slash-separated and never start with a slash. A store is opened for one root (a bucket, or the file system's
 * root) by `cli/wiring/open-store.ts`. Only put-if-absent is relied on for correctness; there is no rename, and
 * no listing decides truth. Every method raises STORE_UNAVAILABLE after its deadline, STORE_DENIED, STORE_NO_SPACE or
 * STORE_CONFIG as PrescoreError, and never hangs.
 */
export interface ObjectStore {
  readonly kind: 'file' | 's3';

  /** The URI of a key, as it is shown to people and kept in plans. */
  uriOf(key: string): string;

  /** Size and version of one object; null when there is none. */
  head(key: string): Promise<ObjectInfo | null>;

  /**
   * All objects whose key starts with `prefix`, paged; never decides truth. Byte order of the keys on file and AWS, but
   * some stores differ around slashes: who needs an order sorts. With `after` (a whole key) those up to it may be left out: a store that
   * can do so does not walk them.
   */
  list(prefix: string, after?: string): AsyncIterable<ObjectInfo>;

  /** A small object whole. Null when there is none; STORE_CORRUPT above `maxBytes` (default 64 MiB). */
  get(key: string, options?: { readonly maxBytes?: number }): Promise<StoredBytes | null>;

  /**
   * Exactly `length` bytes from `offset`, written into `into` at `intoOffset`. Resumed from the last good byte.
   *
   * Errors: INPUT_CHANGED when the object is not at `etag` any more, INPUT_GONE when it is gone, INPUT_TRUNCATED when it
   * is shorter than asked for. Repeat: safe. Owns: the caller owns `into`.
   */
  readRange(key: string, range: ByteRange, etag: string, into: Uint8Array, intoOffset?: number): Promise<void>;

  /** Creates or replaces a small object (at most 64 MiB), durably. */
  put(key: string, body: Uint8Array): Promise<void>;

  /**
   * Creates an object if there is none. `created: false` means that some object is there; it may be our own earlier
   * attempt, so the caller compares bytes. Durable (file: fsync of file and folder) before it answers.
   */
  putIfAbsent(key: string, body: Uint8Array): Promise<{ readonly created: boolean }>;

  /** Removes an object; no error when there is none. */
  delete(key: string): Promise<void>;

  /**
   * Where a writer should put the bytes of a part before `stage`: for `file` a write-once path on the output's own file
   * system (in `.prescore-<run>/` beside the key), else null (any scratch file will do).
   */
  stagingPath(key: string, runId: string): Promise<string | null>;

  /**
   * Makes a local file ready to become `key`, durably, without making it visible. On S3: a multipart upload that is
   * left open; on file: the file itself, flushed. Owns: the store may keep using the local file (file) or not (s3).
   */
  stage(key: string, local: LocalPart): Promise<StagedPart>;

  /**
   * Makes a staged part visible under its key. Unknown outcomes are read back. Repeat: safe.
   *
   * 'completed': it is there with the recorded bytes (now or from an earlier try). 'gone': the staged bytes are lost and
   * the key does not hold them. NONDETERMINISTIC: the key holds other bytes.
   */
  completeStaged(key: string, staged: StagedPart): Promise<'completed' | 'gone'>;

  /** Drops a staged part that will not be used; no error when it is gone already. */
  abortStaged(key: string, staged: StagedPart): Promise<void>;

  /**
   * Drops everything a run has staged and not completed below `prefix` (a folder, ending in a slash): waiting files, open
   * multipart uploads of keys named `part-<n>-<run>.<extension>`. For use after its commit and by garbage collection. Repeat: safe.
   */
  dropStaged(prefix: string, runId: string): Promise<void>;

  /** Whether a run has anything staged below `prefix`, by the same rule. */
  hasStaged(prefix: string, runId: string): Promise<boolean>;

  /** The path of an object on this machine, for stores whose objects can be read in place; else null. */
  localPath(key: string): string | null;

  /** What the store can do, found by trying in a folder of its own under `prefix`; cached per store. */
  probe(prefix: string): Promise<StoreAbilities>;

  /** Closes sockets. The store must not be used afterwards. */
  close(): Promise<void>;
}

export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Version token: the ETag on S3; mtime in nanoseconds, inode and size on file. Changes when the content is replaced. */
  readonly etag: string;
  /** Milliseconds since the epoch, for people and garbage collection only. */
  readonly modifiedMs: number;
}

export interface StoredBytes {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** Bytes [offset, offset + length). */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface LocalPart {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex of the whole file. */
  readonly sha256: string;
  readonly runId: string;
}

/** A part that is written but not visible yet. Plain data: it is kept in the chunk record. */
export type StagedPart =
  | { readonly kind: 'file'; readonly waiting: string; readonly size: number; readonly sha256: string }
  | {
      readonly kind: 's3';
      readonly uploadId: string;
      readonly etags: readonly string[];
      readonly size: number;
      readonly sha256: string;
    };

export interface StoreAbilities {
  /** PUT with If-None-Match (or link()) admits one winner. */
  readonly conditionalPut: boolean;
  /** The same for completing a multipart upload. */
  readonly conditionalComplete: boolean;
}

/** A store together with a key in it. */
export interface Location {
  readonly store: ObjectStore;
  readonly key: string;
  readonly uri: string;
}

/** Resolves a URI to its store; given to every room that touches bytes. One store per root is opened and kept. */
export interface StoreResolver {
  /** Errors: URI_INVALID, STORE_CONFIG. */
  at(uri: string): Location;
  close(): Promise<void>;
}

/** A store block of the job file, with defaults filled in. Credentials never stand here. */
export interface StoreConfig {
  readonly endpoint: string | null;
  readonly region: string | null;
  readonly pathStyle: boolean;
  /** Buckets that this store serves; empty for `main`, which serves all others. */
  readonly buckets: readonly string[];
}
