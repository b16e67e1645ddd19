import type { Location } from '../../base/contract/object-store.ts';
import type { LiveVersion } from './live-version.ts';
import { type FolderModel, listModels, tokenOf } from './model-folder.ts';
import type { VersionTable } from './version-table.ts';

/** Keeps a table of versions in step with a model folder. Versions that are given elsewhere (without a token) are left alone. */
export class FolderSync {
  private readonly folder: Location;
  private readonly table: VersionTable;
  private readonly make: (model: FolderModel) => LiveVersion;
  private listing: Promise<void> | null = null;
  private listedAt = Number.NEGATIVE_INFINITY;

  /** `make` makes a version of the folder, not yet in the table. */
  constructor(folder: Location, table: VersionTable, make: (model: FolderModel) => LiveVersion) {
    this.folder = folder;
    this.table = table;
    this.make = make;
  }

  /** Milliseconds since it was last listed. */
  get ageMs(): number {
    return performance.now() - this.listedAt;
  }

  /** Lists the folder unless that was done less than `leastMs` ago; one listing at a time. Errors: those of the store. */
  async relist(leastMs: number): Promise<void> {
    if (this.ageMs < leastMs) return;
    this.listing ??= this.list().finally(() => {
      this.listing = null;
    });
    await this.listing;
  }

  private async list(): Promise<void> {
    const found = await listModels(this.folder);
    this.listedAt = performance.now();
    const listed = new Set<LiveVersion>();
    for (const model of found) listed.add(this.keep(model));
    for (const version of this.table.all()) {
      if (version.token === '' || listed.has(version)) continue;
      // A listing decides nothing: a model that is served goes when its object is really gone.
      const { key } = version.source;
      if (version.isLoaded && key !== null && (await this.folder.store.head(key)) !== null) continue;
      this.table.remove(version);
      void version.drain('removed');
    }
  }

  private keep(model: FolderModel): LiveVersion {
    const known = this.table.get(model.name, model.version);
    const token = tokenOf(model);
    if (known !== null && (known.token === token || known.token === '')) return known;
    if (known !== null && (known.isLoaded || known.isLoading)) {
      known.note('its files were replaced since it was loaded; give new bytes a new version');
      return known;
    }
    if (known !== null) this.table.remove(known);
    const made = this.make(model);
    this.table.add(made);
    return made;
  }
}
