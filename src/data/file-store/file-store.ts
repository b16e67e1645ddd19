import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type {
  ByteRange,
  LocalPart,
  ObjectInfo,
  ObjectStore,
  StagedPart,
  StoreAbilities,
  StoredBytes,
} from '../../base/contract/object-store.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { SMALL_OBJECT_BYTES, tooLarge, tooShort } from '../object-store/bounds.ts';
import { formatUri, joinKey } from '../object-store/uri.ts';
import { fileError, nullIfMissing, withFileErrors } from './file-errors.ts';
import { createFile, etagOf, readFully, replaceFile, syncFolder } from './file-io.ts';
import { infoOf, listFiles } from './file-list.ts';
import { completeFile, dropWaiting, stageFile, waitingFolders, waitingPath } from './file-stage.ts';
import { PromptFiles } from './prompt-files.ts';

const READ_TRIES = 3;
const PROMPT_BYTES = 64 * 1024;

/** The file system as an object store; keys are absolute paths without the leading slash. */
export class FileStore implements ObjectStore {
  readonly kind = 'file';
  #abilities: StoreAbilities | null = null;
  readonly #prompt: PromptFiles | null;

  /** `isPatient`: nobody waits for this thread, so that small reads are made in it where the file system answers at once. */
  constructor({ isPatient = false }: { readonly isPatient?: boolean } = {}) {
    this.#prompt = isPatient ? new PromptFiles() : null;
  }

  uriOf(key: string): string {
    return formatUri({ kind: 'file', key });
  }

  localPath(key: string): string {
    return `/${key}`;
  }

  head(key: string): Promise<ObjectInfo | null> {
    const path = this.localPath(key);
    return withFileErrors(path, async () => {
      const info = this.#prompt?.isPrompt ? this.#prompt.stat(path) : await nullIfMissing(stat(path, { bigint: true }));
      return info?.isFile() ? infoOf(key, info) : null;
    });
  }

  async *list(prefix: string, after?: string): AsyncGenerator<ObjectInfo> {
    try {
      yield* listFiles(prefix, after);
    } catch (error) {
      throw fileError(error, this.localPath(prefix));
    }
  }

  get(key: string, options: { readonly maxBytes?: number } = {}): Promise<StoredBytes | null> {
    const path = this.localPath(key);
    const maxBytes = options.maxBytes ?? SMALL_OBJECT_BYTES;
    return withFileErrors(path, async () => {
      for (let i = 0; i < READ_TRIES; i++) {
        const handle = await openFile(path);
        if (handle === null) return null;
        const stored = await readWhole(handle, maxBytes, path).finally(() => handle.close());
        if (stored !== null) return stored;
      }
      throw new PrescoreError('STORE_CORRUPT', { what: 'The file changes while it is read', where: path });
    });
  }

  readRange(key: string, range: ByteRange, etag: string, into: Uint8Array, intoOffset = 0): Promise<void> {
    const path = this.localPath(key);
    return withFileErrors(path, async () => {
      const target = into.subarray(intoOffset, intoOffset + range.length);
      if (range.length <= PROMPT_BYTES && this.#prompt?.isPrompt) {
        const read = this.#prompt.read(path, range.offset, target);
        if (read === null) throw gone(path);
        assertEtag(etagOf(read.before), etag, path);
        assertEtag(etagOf(read.after), etag, path);
        if (read.done < range.length) throw tooShort('file', path, range, range.offset + read.done);
        return;
      }
      const handle = await openFile(path);
      if (handle === null) throw gone(path);
      try {
        await assertUnchanged(handle, etag, path);
        const done = await readFully(handle, target, range.offset);
        // Only a second look shows a writer that was at work meanwhile.
        await assertUnchanged(handle, etag, path);
        if (done < range.length) throw tooShort('file', path, range, range.offset + done);
      } finally {
        await handle.close();
      }
    });
  }

  put(key: string, body: Uint8Array): Promise<void> {
    return withFileErrors(this.localPath(key), () => replaceFile(this.localPath(key), body));
  }

  putIfAbsent(key: string, body: Uint8Array): Promise<{ readonly created: boolean }> {
    return withFileErrors(this.localPath(key), async () => ({ created: await createFile(this.localPath(key), body) }));
  }

  delete(key: string): Promise<void> {
    const path = this.localPath(key);
    return withFileErrors(path, async () => {
      if ((await nullIfMissing(unlink(path).then(() => true))) !== null) await syncFolder(dirname(path));
    });
  }

  stagingPath(key: string, runId: string): Promise<string> {
    return withFileErrors(this.localPath(key), () => waitingPath(this.localPath(key), runId));
  }

  stage(key: string, local: LocalPart): Promise<StagedPart> {
    return withFileErrors(this.localPath(key), () => stageFile(this.localPath(key), local));
  }

  completeStaged(key: string, staged: StagedPart): Promise<'completed' | 'gone'> {
    return withFileErrors(this.localPath(key), () => completeFile(this.localPath(key), ownPart(staged)));
  }

  abortStaged(key: string, staged: StagedPart): Promise<void> {
    return withFileErrors(this.localPath(key), () => dropWaiting(ownPart(staged)));
  }

  dropStaged(prefix: string, runId: string): Promise<void> {
    return withFileErrors(this.localPath(prefix), async () => {
      for await (const folder of waitingFolders(this.localPath(prefix), runId)) {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }

  hasStaged(prefix: string, runId: string): Promise<boolean> {
    return withFileErrors(this.localPath(prefix), async () => {
      for await (const folder of waitingFolders(this.localPath(prefix), runId)) {
        if (((await nullIfMissing(readdir(folder))) ?? []).length > 0) return true;
      }
      return false;
    });
  }

  async probe(prefix: string): Promise<StoreAbilities> {
    this.#abilities ??= await this.#tryOut(await nearestFolder(prefix)).catch((error: unknown) => {
      // It is the place that was asked for which cannot be written, not the file of the trial.
      const { code, details } = toPrescoreError(error);
      throw new PrescoreError(code, { ...details, where: this.localPath(prefix) });
    });
    return this.#abilities;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #tryOut(folder: string): Promise<StoreAbilities> {
    const key = joinKey(folder, `.probe-${randomBytes(8).toString('hex')}/link`);
    try {
      const first = await this.putIfAbsent(key, new Uint8Array(1));
      const second = await this.putIfAbsent(key, new Uint8Array(1));
      const works = first.created && !second.created;
      // Completing a part is the same call.
      return { conditionalPut: works, conditionalComplete: works };
    } finally {
      await unlink(this.localPath(key)).catch(() => {});
      await rmdir(dirname(this.localPath(key))).catch(() => {});
    }
  }
}

// The part of a path that is there: a folder that was made for the trial alone would be left behind, or be taken away under
// another process that begins to write there.
async function nearestFolder(key: string): Promise<string> {
  for (let at = key.replace(/\/+$/, ''); at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
    if (await stat(`/${at}`).catch(() => null)) return at;
  }
  return '';
}

/** Opens a plain file for reading; null when there is none. Never waits for the other end of a pipe. */
async function openFile(path: string): Promise<FileHandle | null> {
  const handle = await nullIfMissing(open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  if (handle === null) return null;
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return null;
}

/** The whole file; null when it changed meanwhile. */
async function readWhole(handle: FileHandle, maxBytes: number, path: string): Promise<StoredBytes | null> {
  const before = await handle.stat({ bigint: true });
  if (before.size > maxBytes) throw tooLarge('file', path, maxBytes, before.size);
  const bytes = new Uint8Array(Number(before.size));
  const done = await readFully(handle, bytes, 0);
  const etag = etagOf(await handle.stat({ bigint: true }));
  return done === bytes.length && etag === etagOf(before) ? { bytes, etag } : null;
}

async function assertUnchanged(handle: FileHandle, etag: string, path: string): Promise<void> {
  assertEtag(etagOf(await handle.stat({ bigint: true })), etag, path);
}

function assertEtag(now: string, etag: string, path: string): void {
  if (now === etag) return;
  throw new PrescoreError('INPUT_CHANGED', { what: 'The file changed', where: path, expected: etag, got: now });
}

function gone(path: string): PrescoreError {
  return new PrescoreError('INPUT_GONE', { what: 'The file is gone', where: path });
}

function ownPart(staged: StagedPart): StagedPart & { readonly kind: 'file' } {
  if (staged.kind === 'file') return staged;
  throw new PrescoreError('INTERNAL', { what: 'A part that was staged on S3 was given to the file store' });
}
