import type { Readable } from 'node:stream';
import type { ObjectInfo } from '../../base/contract/object-store.ts';

/**
 * One bucket, one request a call: no retries, no meaning given to failures. Implemented over the AWS SDK by
 * `s3-client.ts`; everything else of the S3 adapter stands on this.
 */
export interface S3Calls {
  headBucket(signal: AbortSignal): Promise<void>;
  head(key: string, signal: AbortSignal): Promise<S3Head>;
  list(prefix: string, from: S3ListFrom, signal: AbortSignal): Promise<S3Page<ObjectInfo>>;
  /** The caller must read the body to its end or destroy it. */
  get(key: string, range: S3Range | null, signal: AbortSignal): Promise<S3Body>;
  put(key: string, body: Uint8Array, options: S3PutOptions, signal: AbortSignal): Promise<void>;
  delete(key: string, signal: AbortSignal): Promise<void>;
  createUpload(key: string, metadata: S3Metadata, signal: AbortSignal): Promise<string>;
  /** Returns the part's ETag. */
  uploadPart(upload: S3Upload, number: number, body: Uint8Array, signal: AbortSignal): Promise<string>;
  completeUpload(upload: S3Upload, etags: readonly string[], ifAbsent: boolean, signal: AbortSignal): Promise<void>;
  abortUpload(upload: S3Upload, signal: AbortSignal): Promise<void>;
  listUploads(prefix: string, after: S3UploadMark | null, signal: AbortSignal): Promise<S3UploadPage>;
}

export type S3Metadata = Readonly<Record<string, string>>;

export interface S3Head {
  readonly info: ObjectInfo;
  readonly metadata: S3Metadata;
}

export interface S3Page<T> {
  readonly items: readonly T[];
  /** Where the next page starts; null after the last one. */
  readonly next: string | null;
}

/** Where a page of a listing starts: behind a key, or where the page before it ended. */
export interface S3ListFrom {
  readonly key?: string;
  readonly token?: string;
}

/** Bytes first..last, both included, of the version with this ETag. */
export interface S3Range {
  readonly first: number;
  readonly last: number;
  readonly etag: string;
}

export interface S3Body {
  readonly body: Readable;
  readonly etag: string;
  /** As the server says; null when it does not (chunked). */
  readonly length: number | null;
  /** What the server says it sends; null when it ignored the range. */
  readonly range: { readonly first: number; readonly last: number; readonly total: number | null } | null;
}

export interface S3PutOptions {
  readonly ifAbsent: boolean;
  readonly metadata?: S3Metadata;
}

export interface S3Upload {
  readonly key: string;
  readonly uploadId: string;
}

export interface S3UploadMark {
  readonly key: string;
  readonly uploadId: string;
}

export interface S3UploadPage {
  readonly items: readonly S3Upload[];
  readonly next: S3UploadMark | null;
}
