import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openPages, type PageFile } from './lmdb-env.ts';

/** The served generation and the one before it: requests that began before a flip still read the old one. */
const MOST_OPEN = 2;

interface OpenFile {
  readonly set: string;
  readonly file: PageFile;
  readonly inode: number;
}

/** Files of pages that this process has open. A file that was deleted keeps its space until it is closed. */
export class PageFiles {
  private readonly folder: string;
  private readonly open = new Map<string, OpenFile>();

  constructor(folder: string) {
    this.folder = folder;
  }

  pathOf(set: string, generation: number): string {
    return join(this.folder, set, `g${generation}.lmdb`);
  }

  /** Null when there is none. Owns: this object, which closes it when newer generations come. Errors: those of LMDB. */
  get(set: string, generation: number): PageFile | null {
    const path = this.pathOf(set, generation);
    const known = this.open.get(path);
    if (known !== undefined) return known.file;
    if (!existsSync(path)) return null;
    const { ino } = statSync(path);
    const file = openPages(path);
    this.open.set(path, { set, file, inode: ino });
    const ofSet = [...this.open].filter(([, one]) => one.set === set);
    for (const [old] of ofSet.slice(0, -MOST_OPEN)) void this.close(old).catch(() => undefined);
    return file;
  }

  /** Lets go of a file that another one has replaced: somebody deleted the folder and published again. */
  async refresh(set: string, generation: number): Promise<void> {
    const path = this.pathOf(set, generation);
    const known = this.open.get(path);
    if (known === undefined) return;
    if (statSync(path, { throwIfNoEntry: false })?.ino !== known.inode) await this.close(path);
  }

  async drop(set: string, generation: number): Promise<void> {
    await this.close(this.pathOf(set, generation));
  }

  async closeAll(): Promise<void> {
    for (const path of [...this.open.keys()]) await this.close(path);
  }

  private async close(path: string): Promise<void> {
    const known = this.open.get(path);
    this.open.delete(path);
    await known?.file.close();
  }
}
