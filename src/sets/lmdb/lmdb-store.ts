import { accessSync, constants, existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type {
  GenerationMeta,
  GenerationWriter,
  OverlayEntry,
  PageCount,
  PredictionStore,
  SetPointer,
  SetState,
} from '../../base/contract/prediction-set.ts';
import { checkSetName, isSetName } from '../../base/contract/set-name.ts';
import { overlayTime } from '../prediction-set/overlay-entry.ts';
import { type EntryFile, lmdbError, openEntries } from './lmdb-env.ts';
import { MetaFiles } from './meta-files.ts';
import { PageFiles } from './page-files.ts';
import { LmdbPageWriter } from './page-writer.ts';
import { StateFiles } from './state-files.ts';

const SCAN = 1000;
const KEY_MARK = Buffer.from([1]);

interface OverlayPage {
  readonly entries: readonly OverlayEntry[];
  /** The key to go on from; null at the end. */
  readonly next: Buffer | null;
}

/**
 * Prediction sets in a folder: `<folder>/<set>/` with one LMDB file per generation, numbered state files and an overlay. For the
 * processes of one machine; any number of them read while one publishes.
 *
 * Errors: PREDICTIONS_FULL, PREDICTIONS_READONLY, PREDICTIONS_DENIED, PREDICTIONS_UNAVAILABLE.
 */
export class LmdbStore implements PredictionStore {
  readonly url: string;
  private readonly folder: string;
  private readonly files: PageFiles;
  private readonly overlays = new Map<string, EntryFile>();

  constructor(folder: string) {
    this.folder = folder;
    this.files = new PageFiles(folder);
    this.url = `lmdb:${folder}`;
  }

  now(): Promise<number> {
    return Promise.resolve(Date.now());
  }

  async listSets(): Promise<string[]> {
    return this.guard(null, async () => {
      const entries = await readdir(this.folder, { withFileTypes: true }).catch(absentAsEmpty);
      const names = entries.filter((e) => e.isDirectory() && isSetName(e.name)).map((e) => e.name);
      const versions = await Promise.all(names.map((name) => this.states(name).newestVersion()));
      return names.filter((_, i) => versions[i]! > 0).sort();
    });
  }

  readState(set: string): Promise<SetState | null> {
    return this.guard(set, () => this.states(set).read());
  }

  swapState(set: string, version: number, next: SetState): Promise<boolean> {
    return this.guard(set, () => this.states(set).swap(version, next));
  }

  async readPointer(set: string): Promise<SetPointer | null> {
    return (await this.readState(set))?.pointer ?? null;
  }

  readMeta(set: string, generation: number): Promise<GenerationMeta | null> {
    return this.guard(set, async () => {
      await this.files.refresh(set, generation);
      return this.metas(set).read(generation);
    });
  }

  createMeta(meta: GenerationMeta): Promise<GenerationMeta> {
    return this.guard(meta.set, () => this.metas(meta.set).create(meta));
  }

  writer(meta: GenerationMeta): Promise<GenerationWriter> {
    return Promise.resolve(new LmdbPageWriter(meta, this.files.pathOf(meta.set, meta.generation)));
  }

  readPages(set: string, generation: number, buckets: readonly number[]): Promise<(Uint8Array | null)[]> {
    return this.guard(set, () => {
      const file = this.files.get(set, generation);
      if (file === null) return Promise.resolve(buckets.map(() => null));
      // Copies: the buffer of a fast read is shared by all that read at the same time.
      return Promise.resolve(buckets.map((bucket) => file.getBinary(bucket) ?? null));
    });
  }

  countPages(set: string, generation: number, buckets: number): Promise<PageCount> {
    return this.guard(set, () => {
      const file = this.files.get(set, generation);
      let pages = 0;
      let bytes = 0;
      for (let bucket = 0; file !== null && bucket < buckets; bucket++) {
        const page = file.getBinaryFast(bucket);
        if (page === undefined) continue;
        pages++;
        bytes += page.length;
      }
      return Promise.resolve({ pages, bytes });
    });
  }

  async dropGeneration(set: string, generation: number): Promise<void> {
    await this.guard(set, async () => {
      await this.files.drop(set, generation);
      const prefix = basename(this.files.pathOf(set, generation));
      const names = await readdir(join(this.folder, set)).catch(absentAsEmpty);
      for (const name of names.filter((n) => n === prefix || n.startsWith(`${prefix}-`) || n.startsWith(`${prefix}.`)))
        await rm(join(this.folder, set, name), { force: true });
      await this.metas(set).remove(generation);
    });
  }

  readOverlay(set: string, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    return this.guard(set, () => {
      const file = this.overlay(set, true);
      return Promise.resolve(keys.map((key) => file?.getBinary(storedKey(key)) ?? null));
    });
  }

  writeOverlay(set: string, entries: readonly OverlayEntry[]): Promise<void> {
    return this.guard(set, async () => {
      await mkdir(join(this.folder, set), { recursive: true });
      const file = this.overlay(set, false)!;
      file.transactionSync(() => {
        for (const { key, value } of entries) file.putSync(storedKey(key), asBuffer(value));
      });
    });
  }

  writeNewerOverlay(set: string, entries: readonly OverlayEntry[]): Promise<number> {
    return this.guard(set, async () => {
      await mkdir(join(this.folder, set), { recursive: true });
      const file = this.overlay(set, false)!;
      let written = 0;
      file.transactionSync(() => {
        for (const { key, value } of entries) {
          const there = file.getBinary(storedKey(key));
          if (there !== undefined && overlayTime(there) > overlayTime(value)) continue;
          file.putSync(storedKey(key), asBuffer(value));
          written++;
        }
      });
      return written;
    });
  }

  async *scanOverlay(set: string): AsyncIterable<OverlayEntry> {
    let start: Buffer | null = null;
    do {
      const page: OverlayPage = await this.guard(set, () => Promise.resolve(this.overlayPage(set, start)));
      yield* page.entries;
      start = page.next;
    } while (start !== null);
  }

  removeOverlay(set: string, entries: readonly OverlayEntry[]): Promise<number> {
    return this.guard(set, () => {
      if (this.overlay(set, true) === null) return Promise.resolve(0);
      const file = this.overlay(set, false)!;
      let removed = 0;
      file.transactionSync(() => {
        for (const { key, value } of entries) {
          const now = file.getBinary(storedKey(key));
          if (now === undefined || !now.equals(value)) continue;
          file.removeSync(storedKey(key));
          removed++;
        }
      });
      return Promise.resolve(removed);
    });
  }

  async close(): Promise<void> {
    await this.files.closeAll();
    for (const file of this.overlays.values()) await file.close();
    this.overlays.clear();
  }

  private overlayPage(set: string, start: Buffer | null): OverlayPage {
    const file = this.overlay(set, true);
    if (file === null) return { entries: [], next: null };
    const found = [...file.getRange({ ...(start === null ? {} : { start }), limit: SCAN + 1 })];
    // The last one of the page before comes again, unless it was removed meanwhile.
    const fresh = start !== null && found[0]?.key.equals(start) ? found.slice(1) : found;
    const entries = fresh.map((e) => ({ key: Buffer.from(e.key.subarray(1)), value: Buffer.from(e.value) }));
    return { entries, next: found.length > SCAN ? Buffer.from(found.at(-1)!.key) : null };
  }

  private overlay(set: string, isToRead: boolean): EntryFile | null {
    const path = join(this.folder, set, 'overlay.lmdb');
    const known = this.overlays.get(path);
    if (known !== undefined) return known;
    const isThere = existsSync(path);
    if (isToRead && !isThere) return null;
    // LMDB cannot have one file open in two ways in one process, so whoever may write opens it to write.
    const file = openEntries(path, isThere && !mayWrite(path));
    this.overlays.set(path, file);
    return file;
  }

  private states(set: string): StateFiles {
    return new StateFiles(join(this.folder, set, 'state'));
  }

  private metas(set: string): MetaFiles {
    return new MetaFiles(join(this.folder, set));
  }

  private async guard<T>(set: string | null, task: () => Promise<T>): Promise<T> {
    try {
      if (set !== null) checkSetName(set);
      return await task();
    } catch (error) {
      throw lmdbError(error, join(this.folder, set ?? ''));
    }
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function absentAsEmpty(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

/** LMDB has no empty keys, so every key gets a first byte. */
function storedKey(key: Uint8Array): Buffer {
  return Buffer.concat([KEY_MARK, key]);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
