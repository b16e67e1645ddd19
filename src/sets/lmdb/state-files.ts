import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { SetState } from '../../base/contract/prediction-set.ts';
import { syncFolder, writeSynced } from '../../base/disk/synced-files.ts';

const KEPT = 4;
const DIGITS = 12;

/**
 * The state of a set as numbered files of which the highest holds. A version is created by `link`, which fails when the name
 * is taken: a compare-and-set that needs no lock, so a stopped process blocks nobody.
 */
export class StateFiles {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Null when there is no version. */
  async read(): Promise<SetState | null> {
    for (;;) {
      const newest = (await this.versions()).at(-1);
      if (newest === undefined) return null;
      try {
        return JSON.parse(await readFile(this.pathOf(newest), 'utf8')) as SetState;
      } catch (error) {
        // It was the highest a moment ago and has been removed since: newer ones are there.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }

  /** The version number alone. */
  async newestVersion(): Promise<number> {
    return (await this.versions()).at(-1) ?? 0;
  }

  /** Adds `version + 1` if `version` is still the newest. */
  async swap(version: number, next: SetState): Promise<boolean> {
    if ((await this.newestVersion()) !== version) return false;
    await mkdir(this.folder, { recursive: true });
    const draft = join(this.folder, `draft-${randomBytes(8).toString('hex')}`);
    const target = this.pathOf(version + 1);
    await writeSynced(draft, JSON.stringify(next));
    try {
      await link(draft, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await unlink(draft);
    }
    const versions = await this.versions();
    // Old numbers are removed in ascending order. If the one before ours is gone although newer ones are there, ours had been
    // used and removed as well: this process was stopped after it read, and its change comes too late.
    const isFirstSeen = version === 0 ? versions.length === versions.at(-1) : versions.includes(version);
    if (versions.at(-1)! > version + 1 && !isFirstSeen) {
      await unlink(target).catch(() => undefined);
      return false;
    }
    await syncFolder(this.folder);
    for (const old of versions.slice(0, -KEPT)) await unlink(this.pathOf(old)).catch(() => undefined);
    return true;
  }

  private pathOf(version: number): string {
    return join(this.folder, `${String(version).padStart(DIGITS, '0')}.json`);
  }

  private async versions(): Promise<number[]> {
    const names = await readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names
      .filter((n) => n.length === DIGITS + 5 && n.endsWith('.json'))
      .map((n) => Number(n.slice(0, DIGITS)))
      .filter((n) => Number.isSafeInteger(n))
      .sort((a, b) => a - b);
  }
}
