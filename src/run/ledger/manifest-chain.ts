import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Manifest } from '../../base/contract/records.ts';
import type { RecordStore } from './record-store.ts';

/**
 * The commits of one output: `<state>/manifests/<partition>/<n>.json`, put-if-absent, the highest n is current. Manifests
 * are never deleted from the middle, so probing upward from any known n finds the end.
 */
export class ManifestChain {
  readonly folder: string;
  private readonly records: RecordStore;
  private readonly stores: StoreResolver;
  private readonly outputUri: string;

  /** `folder`: `manifests/<encoded partition>`. */
  constructor(records: RecordStore, stores: StoreResolver, folder: string, outputUri: string) {
    this.records = records;
    this.stores = stores;
    this.folder = folder;
    this.outputUri = outputUri.replace(/\/+$/, '');
  }

  read(n: number): Promise<Manifest | null> {
    return this.records.read<Manifest>(`${this.folder}/${n}.json`);
  }

  /** The current manifest, or null before the first commit. */
  async current(): Promise<Manifest | null> {
    const hint = await this.copy();
    // The copy may be behind (a kill between manifest and copy), never ahead; one that names no manifest is ignored.
    let found = hint === null ? null : await this.read(hint.n);
    for (let n = (found?.n ?? 0) + 1; ; n++) {
      const next = await this.read(n);
      if (next === null) return found;
      found = next;
    }
  }

  /** Newest manifest of a run, searched from the current one down. */
  async findRun(runId: string): Promise<Manifest | null> {
    let manifest = await this.current();
    while (manifest !== null && manifest.runId !== runId)
      manifest = manifest.n > 1 ? await this.read(manifest.n - 1) : null;
    return manifest;
  }

  /** Adds manifest n; false when that n is taken. */
  append(manifest: Manifest): Promise<boolean> {
    return this.records.create(`${this.folder}/${manifest.n}.json`, manifest);
  }

  /**
   * `_manifest.json` and `_SUCCESS` beside the parts, for glob readers and for a quick start of `current`. The parts may be
   * elsewhere than this chain's output: in that of another definition of the job.
   */
  async writeCopies(manifest: Manifest): Promise<void> {
    const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, null, 1)}\n`);
    for (const name of ['_manifest.json', '_SUCCESS']) {
      const { store, key } = this.stores.at(`${manifest.outputUri.replace(/\/+$/, '')}/${name}`);
      await store.put(key, name === '_SUCCESS' ? new Uint8Array(0) : bytes);
    }
  }

  private async copy(): Promise<Manifest | null> {
    const { store, key } = this.stores.at(`${this.outputUri}/_manifest.json`);
    const found = await store.get(key);
    if (found === null) return null;
    try {
      const value = JSON.parse(new TextDecoder().decode(found.bytes)) as Manifest;
      return typeof value === 'object' && value !== null && Number.isInteger(value.n) ? value : null;
    } catch {
      // A torn or foreign copy decides nothing: the chain is probed from its start.
      return null;
    }
  }
}
