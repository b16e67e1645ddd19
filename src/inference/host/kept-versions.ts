import type { LiveVersion } from './live-version.ts';
import type { VersionTable } from './version-table.ts';

/** The versions that came from a registry: which are needed, and which are only kept for a while, so that a label can go back to them. */
export class KeptVersions {
  private readonly table: VersionTable;
  private readonly keepMs: number;
  private readonly isNeeded: (version: LiveVersion) => boolean;
  /** Since when nothing needs them; null: something does. */
  private readonly since = new Map<LiveVersion, number | null>();
  private readonly leaving = new Set<LiveVersion>();

  constructor(table: VersionTable, keepMs: number, isNeeded: (version: LiveVersion) => boolean) {
    this.table = table;
    this.keepMs = keepMs;
    this.isNeeded = isNeeded;
  }

  /** From now on it is one of them; it counts as needed until `mark`. Repeat: safe. */
  add(version: LiveVersion): void {
    if (!this.since.has(version)) this.since.set(version, null);
  }

  has(version: LiveVersion): boolean {
    return this.since.has(version);
  }

  /** It may be unloaded neither for memory nor for idleness. */
  needs(version: LiveVersion): boolean {
    return this.since.get(version) === null;
  }

  /** Notes which are needed now, and since when the others are not. */
  mark(): void {
    const now = performance.now();
    for (const [version, since] of this.since) this.since.set(version, this.isNeeded(version) ? null : (since ?? now));
  }

  /** Lets those go that were kept long enough. One that somebody goes on using by its number stays; it is tried again. */
  retire(): void {
    this.mark();
    const now = performance.now();
    for (const [version, since] of this.since) {
      const isKept = since === null || now - since < this.keepMs || version.isHeld;
      if (!isKept && !this.leaving.has(version)) void this.letGo(version);
    }
  }

  private async letGo(version: LiveVersion): Promise<void> {
    this.leaving.add(version);
    await version.drain('replaced');
    this.leaving.delete(version);
    if (version.isLoaded || version.isLoading || this.needs(version)) return;
    this.since.delete(version);
    this.table.remove(version);
  }
}
