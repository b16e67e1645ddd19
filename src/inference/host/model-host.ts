import type { LiveModel, ModelVersionState } from '../../base/contract/live-model.ts';
import type { Location } from '../../base/contract/object-store.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { FolderSync } from './folder-sync.ts';
import { type HostOptions, type HostSettings, hostSettings } from './host-options.ts';
import type { ModelStats } from './inference-events.ts';
import { forRequest, isOfModel, loadFailure } from './live-errors.ts';
import type { GivenModel, LiveModelHost } from './live-model-host.ts';
import { LiveVersion } from './live-version.ts';
import { removeModel, scratchPlace } from './local-model.ts';
import { chooseEvictions, noRoom } from './memory-room.ts';
import { type FolderModel, tokenOf } from './model-folder.ts';
import { bytesSource, fileSource, folderSource, type VersionSource } from './version-source.ts';
import { VersionTable } from './version-table.ts';

export type { GivenModel, LiveModelHost } from './live-model-host.ts';

const LEAST_RELIST_MS = 1000;
const LONGEST_STEP_MS = 1000;

/** Opens a host: it begins to list and to load what is pinned at once. Owns: the caller closes it, then removes scratchDir. */
export function openModelHost(options: HostOptions): LiveModelHost {
  return new FolderHost(hostSettings(options));
}

class FolderHost implements LiveModelHost {
  readonly settled: Promise<void>;
  private readonly settings: HostSettings;
  private readonly table = new VersionTable();
  private readonly pinnedVersions = new Set<LiveVersion>();
  private readonly electing = new Map<string, Promise<LiveVersion>>();
  private readonly written: string[] = [];
  private readonly timer: NodeJS.Timeout;
  private readonly sync: FolderSync | null;
  private isClosed = false;
  private isKeeping = false;

  constructor(settings: HostSettings) {
    this.settings = settings;
    const { folder } = settings;
    this.sync =
      folder === null ? null : new FolderSync(folder, this.table, (model) => this.folderVersion(folder, model));
    this.settled = this.housekeep();
    const { pollMs, idleUnloadMs } = settings;
    const stepMs = Math.min(LONGEST_STEP_MS, pollMs, (idleUnloadMs ?? LONGEST_STEP_MS) / 2);
    this.timer = setInterval(() => void this.housekeep(), Math.max(10, stepMs));
    this.timer.unref();
  }

  model(name: string, version: string | null): Promise<LiveModel> {
    return forRequest(this.readyModel(name, version));
  }

  load(name: string, version: string | null): Promise<void> {
    return forRequest(this.loadAsked(name, version));
  }

  private async readyModel(name: string, version: string | null): Promise<LiveModel> {
    const wanted = version === null ? this.table.serving(name) : this.table.get(name, version);
    if (wanted?.isLoaded) {
      if (version !== null) wanted.askedAt = performance.now();
      await wanted.load();
      return wanted;
    }
    await this.makeKnown(name, version);
    if (version === null) return this.newest(name);
    const found = this.known(name, version);
    found.askedAt = performance.now();
    await this.loaded(found);
    return found;
  }

  private async loadAsked(name: string, version: string | null): Promise<void> {
    await this.sync?.relist(0);
    this.known(name, version);
    if (version !== null) {
      const found = this.known(name, version);
      found.askedAt = performance.now();
      return this.loaded(found, true);
    }
    const [newest] = this.table.versionsOf(name);
    await this.loaded(newest!, true);
    this.serve(newest!);
  }

  async unload(name: string, version: string | null): Promise<void> {
    await this.makeKnown(name, version);
    const chosen = version === null ? this.table.versionsOf(name) : [this.known(name, version)];
    for (const one of chosen) this.table.stopServing(one);
    await Promise.all(chosen.map((one) => one.drain('asked')));
  }

  async index(): Promise<readonly ModelVersionState[]> {
    await this.sync?.relist(Number.POSITIVE_INFINITY);
    return this.table.all().map((version) => version.describe());
  }

  stats(): readonly ModelStats[] {
    return this.table.all().flatMap((version) => version.stats ?? []);
  }

  async addModel(given: GivenModel): Promise<LiveModel> {
    const { name, version, sha256 } = given;
    await this.sync?.relist(this.settings.pollMs).catch(() => undefined);
    const known = this.table.get(name, version);
    const found = known ?? this.makeVersion(name, version, '', this.givenSource(given), given);
    if (known === null) this.table.add(found);
    else if ((known.describe().sha256 ?? (await known.source.digest())) !== sha256) {
      const what = `two models are named ${name} and have version ${version ?? '(none)'}`;
      const fix = 'Give one of them another version.';
      throw new PrescoreError('MODEL_INVALID', { what, expected: 'one model of a name and version', fix });
    }
    found.isHeld = true;
    if (given.pinned === true) this.pinnedVersions.add(found);
    await this.loaded(found);
    if (this.table.serving(name) === null) this.serve(found);
    return found;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.timer);
    await Promise.all(this.table.all().map((version) => version.unload('closed')));
    await Promise.all(this.written.map(removeModel));
  }

  private async newest(name: string): Promise<LiveVersion> {
    const running = this.electing.get(name) ?? this.elect(name).finally(() => this.electing.delete(name));
    this.electing.set(name, running);
    return running;
  }

  // The newest version that loads: a bad one leaves the one before it serving.
  private async elect(name: string): Promise<LiveVersion> {
    const fresh = this.candidates(name);
    const tried = fresh.length > 0 ? fresh : this.table.versionsOf(name).slice(0, 1);
    let first: PrescoreError | null = null;
    for (const version of tried) {
      try {
        await this.loaded(version);
        this.serve(version);
        return version;
      } catch (cause) {
        if (!isOfModel(cause)) throw cause;
        first ??= cause;
      }
    }
    throw first ?? unknown(name, null);
  }

  // From now on the version that is served without naming one; the last one is drained, unless somebody wants it.
  private serve(version: LiveVersion): void {
    const last = this.table.serve(version);
    if (last === null || last === version || last.isHeld || this.isPinnedByVersion(last)) return;
    const { idleUnloadMs } = this.settings;
    if (idleUnloadMs !== null && performance.now() - last.askedAt < idleUnloadMs) return;
    void last.drain('replaced');
  }

  private async loaded(version: LiveVersion, force = false): Promise<void> {
    try {
      await version.load(force);
    } catch (cause) {
      throw isOfModel(cause) ? cause : loadFailure(toPrescoreError(cause));
    }
  }

  // Before a load the folder is looked at, for new versions and replaced files. What is known needs no store for that.
  private async makeKnown(name: string, version: string | null): Promise<void> {
    try {
      await this.sync?.relist(LEAST_RELIST_MS);
    } catch (cause) {
      if (!this.table.has(name, version)) throw loadFailure(toPrescoreError(cause));
    }
    if (!this.table.has(name, version)) throw unknown(name, version);
  }

  private known(name: string, version: string | null): LiveVersion {
    const found = version === null ? this.table.versionsOf(name)[0] : this.table.get(name, version);
    if (found === null || found === undefined) throw unknown(name, version);
    return found;
  }

  private folderVersion(folder: Location, model: FolderModel): LiveVersion {
    const { scratchDir, allowUnpinned } = this.settings;
    const source = folderSource(folder, model, scratchDir, allowUnpinned);
    return this.makeVersion(model.name, model.version, tokenOf(model), source);
  }

  private makeVersion(
    name: string,
    version: string | null,
    token: string,
    source: VersionSource,
    given: Pick<GivenModel, 'exact' | 'policy'> = {},
  ): LiveVersion {
    const { launch, batcher, events } = this.settings;
    const exact = { exact: given.exact ?? this.settings.exact, policy: given.policy ?? null };
    const makeRoom = (one: LiveVersion): Promise<void> => this.makeRoom(one);
    return new LiveVersion(name, version, token, source, { launch, batcher, events, exact, makeRoom });
  }

  private givenSource({ name, sha256, file }: GivenModel): VersionSource {
    if ('path' in file) return fileSource(name, file, sha256);
    const path = `${scratchPlace(this.settings.scratchDir)}.onnx`;
    this.written.push(path);
    return bytesSource(name, file.bytes, sha256, path);
  }

  // Lists when it is time to, loads what is pinned and newer versions of what is served, unloads what is idle.
  private async housekeep(): Promise<void> {
    if (this.isClosed) return;
    const { pollMs, pinned } = this.settings;
    this.unloadIdle();
    this.unloadOverCap();
    if (this.isKeeping) return;
    this.isKeeping = true;
    try {
      if ((this.sync?.ageMs ?? 0) >= pollMs) {
        // A store that is away changes nothing: what is loaded goes on, and the next step tries again.
        await this.sync?.relist(0).catch(() => undefined);
        await this.loadWanted(pinned);
      }
    } finally {
      this.isKeeping = false;
    }
  }

  private async loadWanted(pinned: readonly string[]): Promise<void> {
    for (const pin of pinned) {
      const [name = '', version] = pin.split('/');
      const found = version === undefined ? null : this.table.get(name, version);
      if (found !== null && !found.isLoaded) await this.loaded(found).catch(() => undefined);
    }
    for (const name of new Set([...pinned, ...this.table.namesServed()])) {
      const serving = this.table.serving(name);
      const [best] = this.candidates(name);
      const isWanted = serving?.isLoaded === true || pinned.includes(name);
      if (isWanted && best !== undefined && (best !== serving || !best.isLoaded)) {
        await this.newest(name).catch(() => undefined);
      }
    }
  }

  // Newest first, without those that could not be loaded a short while ago.
  private candidates(name: string): readonly LiveVersion[] {
    return this.table.versionsOf(name).filter((one) => !one.hasFailed);
  }

  private isPinned(version: LiveVersion): boolean {
    const byName = this.settings.pinned.includes(version.name) && this.table.serving(version.name) === version;
    return byName || this.isPinnedByVersion(version) || this.pinnedVersions.has(version);
  }

  private isPinnedByVersion(version: LiveVersion): boolean {
    return this.settings.pinned.includes(`${version.name}/${version.version}`);
  }

  private unloadIdle(): void {
    const { idleUnloadMs } = this.settings;
    const now = performance.now();
    for (const version of this.table.all()) {
      const isIdle = version.isLoaded && version.pendingRows === 0 && !this.isPinned(version);
      if (isIdle && idleUnloadMs !== null && now - version.usedAt >= idleUnloadMs) void version.unload('idle');
    }
  }

  private async makeRoom(wanted: LiveVersion): Promise<void> {
    if (this.isClosed) throw new PrescoreError('LIVE_UNAVAILABLE', { what: 'the server is stopping' });
    const { memoryBytes } = this.settings;
    const others = this.table.all().filter((one) => one !== wanted && (one.isLoaded || one.isLoading));
    const evicted = chooseEvictions(this.usesOf(others), wanted.memoryBytes, memoryBytes);
    if (evicted === null) throw noRoom(wanted.name, others, wanted.memoryBytes, memoryBytes);
    await Promise.all(evicted.map(({ version }) => version.unload('memory')));
  }

  // Children grow with what they are asked.
  private unloadOverCap(): void {
    const loaded = this.table.all().filter((one) => one.isLoaded);
    const evicted = chooseEvictions(this.usesOf(loaded), 0, this.settings.memoryBytes) ?? [];
    for (const { version } of evicted) void version.unload('memory');
  }

  private usesOf(versions: readonly LiveVersion[]) {
    const now = performance.now();
    return versions.map((version) => {
      const isIdle = version.pendingRows === 0 && now - version.usedAt >= this.settings.evictIdleMs;
      const mayGo = version.isLoaded && isIdle && !this.isPinned(version);
      return { version, bytes: version.memoryBytes, usedAt: version.usedAt, mayGo };
    });
  }
}

function unknown(name: string, version: string | null): PrescoreError {
  const got = version === null ? name : `${name}, version ${version}`;
  return new PrescoreError('LIVE_MODEL_UNKNOWN', { what: 'there is no such model', got });
}
