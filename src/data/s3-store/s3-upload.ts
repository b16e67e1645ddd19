import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { LocalPart, StagedPart } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { withFileErrors } from '../file-store/file-errors.ts';
import { readFully } from '../file-store/file-io.ts';
import { requireSize } from '../object-store/bounds.ts';
import type { S3Calls, S3Head, S3Upload, S3UploadMark, S3UploadPage } from './s3-calls.ts';
import { failureOf, headOrNull, isMissing, vanished } from './s3-failure.ts';
import { readPinned } from './s3-read.ts';
import type { S3Session } from './s3-session.ts';

export type OpenUpload = StagedPart & { readonly kind: 's3' };

const MIB = 2 ** 20;
const SMALLEST_PART = 8 * MIB;
const MOST_PARTS = 10_000;
const PARTS_IN_FLIGHT = 4;
const COMPARE_BYTES = 8 * MIB;

/** Bytes of each part of an upload but the last: 8 MiB, more where that would make over 10,000 parts; whole MiB. */
export function partSizeOf(size: number): number {
  return Math.max(SMALLEST_PART, Math.ceil(size / MOST_PARTS / MIB) * MIB);
}

/** Uploads a local file as a multipart upload that is left open. Holds at most four parts in memory. */
export async function stageUpload(session: S3Session, key: string, local: LocalPart): Promise<OpenUpload> {
  const handle = await withFileErrors(local.path, () => open(local.path, 'r'));
  try {
    const { size } = await handle.stat();
    requireSize(local, size);
    const uploadId = await session.run({ action: 'open upload', key }, (calls, { signal }) =>
      calls.createUpload(key, { sha256: local.sha256 }, signal),
    );
    try {
      const etags = await uploadParts(session, { key, uploadId }, handle, local);
      return { kind: 's3', uploadId, etags, size, sha256: local.sha256 };
    } catch (error) {
      // Nobody knows this upload's id yet, so nobody else can need it.
      await abortUpload(session, { key, uploadId }).catch(() => {});
      throw error;
    }
  } finally {
    await handle.close();
  }
}

async function uploadParts(
  session: S3Session,
  upload: S3Upload,
  handle: FileHandle,
  local: LocalPart,
): Promise<string[]> {
  const partSize = partSizeOf(local.size);
  // An upload needs one part, if only an empty one.
  const count = Math.max(1, Math.ceil(local.size / partSize));
  const etags: string[] = new Array(count);
  let next = 0;
  let hasFailed = false;
  const lane = async (): Promise<void> => {
    const buffer = new Uint8Array(Math.min(partSize, local.size));
    while (next < count && !hasFailed) {
      const index = next++;
      const start = index * partSize;
      const body = buffer.subarray(0, Math.min(partSize, local.size - start));
      const done = await withFileErrors(local.path, () => readFully(handle, body, start));
      if (done < body.length)
        throw new PrescoreError('INTERNAL', { what: 'A part shrank while it was staged', where: local.path });
      etags[index] = await session.run({ action: 'upload', key: upload.key, bytes: body.length }, (calls, { signal }) =>
        calls.uploadPart(upload, index + 1, body, signal),
      );
    }
  };
  const lanes = Array.from({ length: Math.min(PARTS_IN_FLIGHT, count) }, () =>
    lane().catch((error: unknown) => {
      hasFailed = true;
      throw error;
    }),
  );
  // All lanes have ended before the buffers and the file are let go.
  const ends = await Promise.allSettled(lanes);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return etags;
}

/**
 * Completes an open upload. `isGuarded`: the store refuses to replace an object when completing. Repeat: safe.
 *
 * Errors: NONDETERMINISTIC when the key holds other bytes.
 */
export async function completeUpload(
  session: S3Session,
  key: string,
  staged: OpenUpload,
  isGuarded: boolean,
): Promise<'completed' | 'gone'> {
  const upload = { key, uploadId: staged.uploadId };
  const outcome = await session.run({ action: 'complete', key }, async (calls, { signal }) => {
    try {
      return await tryComplete(calls, upload, staged.etags, isGuarded, signal);
    } catch (error) {
      if (!isGuarded || failureOf(error).status !== 501) throw error;
      // Not every process probes; a look beforehand has to do.
      return await tryComplete(calls, upload, staged.etags, false, signal);
    }
  });
  if (outcome.kind !== 'there') return outcome.kind;
  if (!(await holds(session, outcome.head, staged))) {
    throw new PrescoreError('NONDETERMINISTIC', {
      what: 'The output holds a part with other bytes',
      where: session.uriOf(key),
      expected: `${staged.size} bytes, sha256 ${staged.sha256}`,
      got: `${outcome.head.info.size} bytes, sha256 ${outcome.head.metadata['sha256'] ?? 'not recorded'}`,
    });
  }
  // Another attempt at the same chunk may have been the one; then this upload would stay open for ever.
  await abortUpload(session, upload);
  return 'completed';
}

type Completion = { readonly kind: 'completed' | 'gone' } | { readonly kind: 'there'; readonly head: S3Head };

async function tryComplete(
  calls: S3Calls,
  upload: S3Upload,
  etags: readonly string[],
  isGuarded: boolean,
  signal: AbortSignal,
): Promise<Completion> {
  if (!isGuarded) {
    const head = await headOrNull(calls, upload.key, signal);
    if (head !== null) return { kind: 'there', head };
  }
  try {
    await calls.completeUpload(upload, etags, isGuarded, signal);
    return { kind: 'completed' };
  } catch (error) {
    // Someone's object is there (perhaps ours, from a try whose answer was lost), or the upload is used up.
    if (!isTaken(error) && !isLost(error)) throw error;
    const head = await headOrNull(calls, upload.key, signal);
    if (head !== null) return { kind: 'there', head };
    if (isLost(error)) return { kind: 'gone' };
    throw vanished();
  }
}

/** Drops an open upload; no error when there is none. */
export function abortUpload(session: S3Session, upload: S3Upload): Promise<void> {
  return session.run({ action: 'abort upload', key: upload.key }, async (calls, { signal }) => {
    try {
      await calls.abortUpload(upload, signal);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  });
}

/** The open uploads below a prefix that belong to parts of a run. */
export async function* uploadsOf(session: S3Session, prefix: string, runId: string): AsyncGenerator<S3Upload> {
  let after: S3UploadMark | null = null;
  do {
    const page: S3UploadPage = await uploadPage(session, prefix, after);
    yield* page.items.filter((upload) => upload.key.startsWith(prefix) && runOfPart(upload.key) === runId);
    after = page.next;
  } while (after !== null);
}

/** The run that a part's name gives, whole: ids of other runs may begin or end alike. */
function runOfPart(key: string): string | null {
  return /(?:^|\/)part-\d+-([^/]+)\.[^./]+$/.exec(key)?.[1] ?? null;
}

function uploadPage(session: S3Session, prefix: string, after: S3UploadMark | null): Promise<S3UploadPage> {
  return session.run({ action: 'list uploads', key: prefix }, (calls, { signal }) =>
    calls.listUploads(prefix, after, signal),
  );
}

async function holds(session: S3Session, { info, metadata }: S3Head, staged: OpenUpload): Promise<boolean> {
  if (info.size !== staged.size) return false;
  if (metadata['sha256'] !== undefined) return metadata['sha256'] === staged.sha256;
  // The store dropped the metadata, or another tool wrote the object: only the bytes tell.
  const hash = createHash('sha256');
  const buffer = new Uint8Array(Math.min(COMPARE_BYTES, info.size));
  for (let offset = 0; offset < info.size; offset += buffer.length) {
    const length = Math.min(buffer.length, info.size - offset);
    await readPinned(session, info.key, { offset, length }, info.etag, buffer);
    hash.update(buffer.subarray(0, length));
  }
  return hash.digest('hex') === staged.sha256;
}

function isTaken(error: unknown): boolean {
  const { code, status } = failureOf(error);
  return status === 412 || code === 'PreconditionFailed';
}

function isLost(error: unknown): boolean {
  return ['NoSuchUpload', 'InvalidPart', 'InvalidPartOrder'].includes(failureOf(error).code);
}
