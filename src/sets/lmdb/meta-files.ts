import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GenerationMeta } from '../../base/contract/prediction-set.ts';
import { syncFolder, writeSynced } from '../../base/disk/synced-files.ts';

/** The meta of every generation as a JSON file beside its pages. */
export class MetaFiles {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async read(generation: number): Promise<GenerationMeta | null> {
    try {
      return JSON.parse(await readFile(this.pathOf(generation), 'utf8')) as GenerationMeta;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async create(meta: GenerationMeta): Promise<GenerationMeta> {
    await mkdir(this.folder, { recursive: true });
    const draft = join(this.folder, `draft-${randomBytes(8).toString('hex')}`);
    await writeSynced(draft, JSON.stringify(meta));
    try {
      await link(draft, this.pathOf(meta.generation));
      await syncFolder(this.folder);
      return meta;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return (await this.read(meta.generation)) ?? meta;
    } finally {
      await rm(draft, { force: true });
    }
  }

  remove(generation: number): Promise<void> {
    return rm(this.pathOf(generation), { force: true });
  }

  private pathOf(generation: number): string {
    return join(this.folder, `g${generation}.json`);
  }
}
