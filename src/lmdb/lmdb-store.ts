import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  GenerationMeta,
  GenerationWriter,
  OverlayEntry,
  PageCount,
  PredictionStore,
  SetPointer,
  SetState,
} from '../contract/prediction-set.ts';
import { type EntryFile, lmdbError, openEntries, openPages, type PageFile } from './lmdb-env.ts';
import { MetaFiles } from './meta-files.ts';
import { LmdbPageWriter } from './page-writer.ts';
import { StateFiles } from './state-files.ts';

const SCAN = 1000;

/**
 * Prediction sets in a folder: `<folder>/<set>/` with one LMDB file per generation, numbered state files and an overlay. For the
 * processes of one machine; any number of them read while one publishes.
 *
 * Errors: PREDICTIONS_FULL, PREDICTIONS_READONLY, PREDICTIONS_DENIED, PREDICTIONS_UNAVAILABLE.
 */
export class LmdbStore implements PredictionStore {
  readonly url: string;
  private readonly folder: string;
  private readonly open = new Map<string, PageFile>();
  private readonly overlays = new Map<string, EntryFile>();

  constructor(folder: string) {
    this.folder = folder;
    this.url = `lmdb:${folder}`;
  }

  now(): Promise<number> {
    return Promise.resolve(Date.now());
  }

  async listSets(): Promise<string[]> {
    return this.guard('', async () => {
      const entries = await readdir(this.folder, { withFileTypes: true }).catch(absentAsEmpty);
      return entries
        .filter((e) => e.isDirectory())
        .map((e) => e.name)
        .sort();
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
    return this.guard(set, () => this.metas(set).read(generation));
  }

  createMeta(meta: GenerationMeta): Promise<GenerationMeta> {
    return this.guard(meta.set, () => this.metas(meta.set).create(meta));
  }

  writer(meta: GenerationMeta): Promise<GenerationWriter> {
    return Promise.resolve(new LmdbPageWriter(meta, this.pagePath(meta.set, meta.generation)));
  }

  readPages(set: string, generation: number, buckets: readonly number[]): Promise<(Uint8Array | null)[]> {
    return this.guard(set, () => {
      const file = this.pages(set, generation);
      if (file === null) return Promise.resolve(buckets.map(() => null));
      // A fast read gives one shared buffer, so only a single page may skip the copy.
      if (buckets.length === 1) return Promise.resolve([file.getBinaryFast(buckets[0]!) ?? null]);
      return Promise.resolve(buckets.map((bucket) => file.getBinary(bucket) ?? null));
    });
  }

  countPages(set: string, generation: number, buckets: number): Promise<PageCount> {
    return this.guard(set, () => {
      const file = this.pages(set, generation);
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
      const path = this.pagePath(set, generation);
      await this.open.get(path)?.close();
      this.open.delete(path);
      const prefix = `${path.slice(path.lastIndexOf('/') + 1)}`;
      const names = await readdir(join(this.folder, set)).catch(absentAsEmpty);
      for (const name of names.filter((n) => n === prefix || n.startsWith(`${prefix}-`) || n.startsWith(`${prefix}.`)))
        await rm(join(this.folder, set, name), { force: true });
      await this.metas(set).remove(generation);
    });
  }

  readOverlay(set: string, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    return this.guard(set, () => {
      const file = this.overlay(set, true);
      return Promise.resolve(keys.map((key) => file?.getBinary(asBuffer(key)) ?? null));
    });
  }

  writeOverlay(set: string, entries: readonly OverlayEntry[]): Promise<void> {
    return this.guard(set, async () => {
      await mkdir(join(this.folder, set), { recursive: true });
      const file = this.overlay(set, false)!;
      file.transactionSync(() => {
        for (const { key, value } of entries) file.putSync(asBuffer(key), asBuffer(value));
      });
    });
  }

  async *scanOverlay(set: string): AsyncIterable<OverlayEntry> {
    const file = this.overlay(set, true);
    if (file === null) return;
    let start: Buffer | undefined;
    for (;;) {
      const page = [...file.getRange({ ...(start === undefined ? {} : { start }), limit: SCAN + 1 })];
      const fresh = start === undefined ? page : page.slice(1);
      for (const { key, value } of fresh) yield { key: Buffer.from(key), value: Buffer.from(value) };
      if (page.length <= SCAN) return;
      start = Buffer.from(page.at(-1)!.key);
    }
  }

  removeOverlay(set: string, entries: readonly OverlayEntry[]): Promise<number> {
    return this.guard(set, () => {
      const file = this.overlay(set, false);
      if (file === null) return Promise.resolve(0);
      let removed = 0;
      file.transactionSync(() => {
        for (const { key, value } of entries) {
          const now = file.getBinary(asBuffer(key));
          if (now === undefined || !now.equals(value)) continue;
          file.removeSync(asBuffer(key));
          removed++;
        }
      });
      return Promise.resolve(removed);
    });
  }

  async close(): Promise<void> {
    for (const file of [...this.open.values(), ...this.overlays.values()]) await file.close();
    this.open.clear();
    this.overlays.clear();
  }

  private pages(set: string, generation: number): PageFile | null {
    const path = this.pagePath(set, generation);
    const known = this.open.get(path);
    if (known !== undefined) return known;
    if (!existsSync(path)) return null;
    const file = openPages(path);
    this.open.set(path, file);
    return file;
  }

  private overlay(set: string, isReadOnly: boolean): EntryFile | null {
    const path = join(this.folder, set, 'overlay.lmdb');
    const key = `${path} ${isReadOnly}`;
    const known = this.overlays.get(key) ?? this.overlays.get(`${path} false`);
    if (known !== undefined) return known;
    if (isReadOnly && !existsSync(path)) return null;
    const file = openEntries(path, isReadOnly);
    this.overlays.set(key, file);
    return file;
  }

  private pagePath(set: string, generation: number): string {
    return join(this.folder, set, `g${generation}.lmdb`);
  }

  private states(set: string): StateFiles {
    return new StateFiles(join(this.folder, set, 'state'));
  }

  private metas(set: string): MetaFiles {
    return new MetaFiles(join(this.folder, set));
  }

  private async guard<T>(set: string, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      throw lmdbError(error, join(this.folder, set));
    }
  }
}

function absentAsEmpty(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
