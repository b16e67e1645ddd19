import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { GenerationMeta, GenerationWriter, Page } from '../../base/contract/prediction-set.ts';
import { syncFolder } from '../../base/disk/synced-files.ts';
import { lmdbError, openNewPages, type PageFile } from './lmdb-env.ts';

/**
 * Builds the file of one generation under a name of its own, then renames it: readers see all of it or nothing. An attempt that
 * ends early leaves nothing to go on from; the whole file is built in seconds.
 */
export class LmdbPageWriter implements GenerationWriter {
  private readonly target: string;
  private readonly draft: string;
  private readonly meta: GenerationMeta;
  private file: PageFile | null = null;

  constructor(meta: GenerationMeta, target: string) {
    this.meta = meta;
    this.target = target;
    this.draft = `${target}.building-${randomBytes(6).toString('hex')}`;
  }

  doneResidues(): Promise<ReadonlySet<number>> {
    return Promise.resolve(new Set());
  }

  async writePages(pages: readonly Page[]): Promise<void> {
    try {
      if (this.file === null) await this.removeOtherDrafts();
      this.file ??= openNewPages(this.draft);
      const file = this.file;
      file.transactionSync(() => {
        for (const { bucket, bytes } of pages) {
          file.putSync(bucket, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
        }
      });
    } catch (error) {
      throw lmdbError(error, this.target);
    }
  }

  // An attempt that was killed leaves its file, which nobody goes on from.
  private async removeOtherDrafts(): Promise<void> {
    const folder = dirname(this.draft);
    await mkdir(folder, { recursive: true });
    const isOther = (path: string): boolean =>
      path.startsWith(`${this.target}.building-`) && !path.startsWith(this.draft);
    for (const name of await readdir(folder)) {
      if (isOther(join(folder, name))) await rm(join(folder, name), { force: true });
    }
  }

  async finish(): Promise<void> {
    try {
      await this.file?.close();
      this.file = null;
      const handle = await open(this.draft, 'r+');
      await handle.sync();
      await handle.close();
      await rm(`${this.draft}-lock`, { force: true });
      await rename(this.draft, this.target);
      await syncFolder(dirname(this.target));
    } catch (error) {
      throw lmdbError(error, `${this.target} (generation ${this.meta.generation})`);
    }
  }

  async abandon(): Promise<void> {
    await this.file?.close().catch(() => undefined);
    this.file = null;
    await rm(this.draft, { force: true });
    await rm(`${this.draft}-lock`, { force: true });
  }
}
