import { randomUUID } from 'node:crypto';
import type {
  ByteRange,
  LocalPart,
  ObjectInfo,
  ObjectStore,
  StagedPart,
  StoreAbilities,
  StoredBytes,
} from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { SMALL_OBJECT_BYTES } from '../object-store/bounds.ts';
import type { StoreSettings } from '../object-store/store-options.ts';
import type { S3Calls, S3ListFrom, S3Page } from './s3-calls.ts';
import { failureOf, headOrNull, isMissing, vanished } from './s3-failure.ts';
import { probeS3 } from './s3-probe.ts';
import { readPinned, readWhole } from './s3-read.ts';
import { S3Session } from './s3-session.ts';
import { abortUpload, completeUpload, type OpenUpload, stageUpload, uploadsOf } from './s3-upload.ts';

/** Metadata that tells our own put from another writer's. */
const PUT_TOKEN = 'prescore-put';

/** One bucket of an S3-compatible store. The SDK is loaded by `connect`, with the first request. */
export class S3Store implements ObjectStore {
  readonly kind = 's3';
  readonly #session: S3Session;
  #abilities: StoreAbilities | null = null;
  #bucketChecked: Promise<void> | null = null;

  constructor(bucket: string, connect: () => Promise<S3Calls>, settings: StoreSettings) {
    this.#session = new S3Session(bucket, connect, settings);
  }

  uriOf(key: string): string {
    return this.#session.uriOf(key);
  }

  localPath(): null {
    return null;
  }

  stagingPath(): Promise<null> {
    return Promise.resolve(null);
  }

  async head(key: string): Promise<ObjectInfo | null> {
    const info = await this.#session.run({ action: 'head', key }, async (calls, { signal }) => {
      const found = await headOrNull(calls, key, signal);
      return found?.info ?? null;
    });
    if (info === null) await this.#checkBucket();
    return info;
  }

  async *list(prefix: string, after?: string): AsyncGenerator<ObjectInfo> {
    let from: S3ListFrom = after === undefined ? {} : { key: after };
    for (;;) {
      const page: S3Page<ObjectInfo> = await this.#page(prefix, from);
      yield* page.items;
      if (page.next === null) return;
      from = { token: page.next };
    }
  }

  get(key: string, options: { readonly maxBytes?: number } = {}): Promise<StoredBytes | null> {
    return readWhole(this.#session, key, options.maxBytes ?? SMALL_OBJECT_BYTES);
  }

  async readRange(key: string, range: ByteRange, etag: string, into: Uint8Array, intoOffset = 0): Promise<void> {
    const target = into.subarray(intoOffset, intoOffset + range.length);
    if (range.length > 0) return readPinned(this.#session, key, range, etag, target);
    const where = this.uriOf(key);
    const now = await this.head(key);
    if (now === null) throw new PrescoreError('INPUT_GONE', { what: 'The object is gone', where });
    if (now.etag !== etag)
      throw new PrescoreError('INPUT_CHANGED', { what: 'The object changed', where, expected: etag, got: now.etag });
  }

  put(key: string, body: Uint8Array): Promise<void> {
    return this.#session.run({ action: 'put', key, bytes: body.length }, (calls, { signal }) =>
      calls.put(key, body, { ifAbsent: false }, signal),
    );
  }

  putIfAbsent(key: string, body: Uint8Array): Promise<{ readonly created: boolean }> {
    // Without conditions a look beforehand is all that can be done; the probe says so.
    const isGuarded = this.#abilities?.conditionalPut ?? true;
    const token = randomUUID();
    const options = { ifAbsent: isGuarded, metadata: { [PUT_TOKEN]: token } };
    return this.#session.run({ action: 'put', key, bytes: body.length }, async (calls, { number, signal }) => {
      if (!isGuarded) {
        const there = await headOrNull(calls, key, signal);
        if (there !== null) return { created: there.metadata[PUT_TOKEN] === token };
      }
      try {
        await calls.put(key, body, options, signal);
        return { created: true };
      } catch (error) {
        if (failureOf(error).status !== 412) throw error;
        // An earlier try whose answer was lost may be what is in the way.
        if (number === 1) return { created: false };
        const there = await headOrNull(calls, key, signal);
        if (there === null) throw vanished();
        return { created: there.metadata[PUT_TOKEN] === token };
      }
    });
  }

  delete(key: string): Promise<void> {
    return this.#session.run({ action: 'delete', key }, async (calls, { signal }) => {
      try {
        await calls.delete(key, signal);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    });
  }

  stage(key: string, local: LocalPart): Promise<StagedPart> {
    return stageUpload(this.#session, key, local);
  }

  async completeStaged(key: string, staged: StagedPart): Promise<'completed' | 'gone'> {
    return completeUpload(this.#session, key, ownUpload(staged), this.#abilities?.conditionalComplete ?? true);
  }

  async abortStaged(key: string, staged: StagedPart): Promise<void> {
    await abortUpload(this.#session, { key, uploadId: ownUpload(staged).uploadId });
  }

  async dropStaged(prefix: string, runId: string): Promise<void> {
    // Taken together first: markers of a listing do not survive changes under it on every store.
    const uploads = await Array.fromAsync(uploadsOf(this.#session, prefix, runId));
    for (const upload of uploads) await abortUpload(this.#session, upload);
  }

  async hasStaged(prefix: string, runId: string): Promise<boolean> {
    for await (const _upload of uploadsOf(this.#session, prefix, runId)) return true;
    return false;
  }

  async probe(prefix: string): Promise<StoreAbilities> {
    this.#abilities ??= await probeS3(this.#session, prefix);
    return this.#abilities;
  }

  close(): Promise<void> {
    this.#session.close();
    return Promise.resolve();
  }

  #page(prefix: string, from: S3ListFrom): Promise<S3Page<ObjectInfo>> {
    return this.#session.run({ action: 'list', key: prefix }, (calls, { signal }) => calls.list(prefix, from, signal));
  }

  /** HEAD answers a missing bucket like a missing key; the difference is looked up once. */
  #checkBucket(): Promise<void> {
    this.#bucketChecked ??= this.#session.run({ action: 'head bucket', key: '' }, async (calls, { signal }) => {
      try {
        await calls.headBucket(signal);
      } catch (error) {
        const { status } = failureOf(error);
        if (status === 404) throw Object.assign(new Error('the bucket does not exist'), { name: 'NoSuchBucket' });
        // Without the right to list nothing can be said.
        if (status !== 403) throw error;
      }
    });
    const checked = this.#bucketChecked;
    checked.catch(() => {
      this.#bucketChecked = null;
    });
    return checked;
  }
}

function ownUpload(staged: StagedPart): OpenUpload {
  if (staged.kind === 's3') return staged;
  throw new PrescoreError('INTERNAL', { what: 'A part that was staged on a file system was given to an S3 store' });
}
