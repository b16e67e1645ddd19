import type { LiveModel, ModelVersionState, VersionPick } from '../../base/contract/live-model.ts';
import type { Location } from '../../base/contract/object-store.ts';
import type { ResolvedModel } from '../../base/contract/registry.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { FolderSync } from './folder-sync.ts';
import { HostMemory } from './host-memory.ts';
import { type HostOptions, type HostSettings, hostSettings } from './host-options.ts';
import type { ModelStats } from './inference-events.ts';
import type { LabelState } from './label-events.ts';
import { forRequest, isOfModel, loadFailure, requireVersion, unavailable, unknownModel } from './live-errors.ts';
import type { GivenModel, LiveModelHost } from './live-model-host.ts';
import { LiveVersion } from './live-version.ts';
import { removeModel, scratchPlace } from './local-model.ts';
import { type FolderModel, tokenOf } from './model-folder.ts';
import { registrySource } from './registry-source.ts';
import { RegistrySync } from './registry-sync.ts';
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
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly sync: FolderSync | null;
  private readonly registry: RegistrySync | null;
  private readonly memory: HostMemory;
  private isClosed = false;
  private isKeeping = false;

  constructor(settings: HostSettings) {
    this.settings = settings;
    const { folder, registry, memoryBytes, evictIdleMs } = settings;
    const isPinned = (version: LiveVersion): boolean => this.isPinned(version);
    this.memory = new HostMemory({ memoryBytes, evictIdleMs, all: () => this.table.all(), isPinned });
    this.sync =
      folder === null ? null : new FolderSync(folder, this.table, (model) => this.folderVersion(folder, model));
    const ofRegistry = (model: ResolvedModel): Promise<LiveVersion> => this.registryVersion(model);
    this.registry = registry === null ? null : new RegistrySync(registry, this.table, ofRegistry);
    this.settled = this.housekeep().then(() => this.followLabels());
    const { pollMs, idleUnloadMs } = settings;
    const stepMs = Math.min(LONGEST_STEP_MS, pollMs, (idleUnloadMs ?? LONGEST_STEP_MS) / 2);
    this.timers.push(setInterval(() => void this.housekeep(), Math.max(10, stepMs)));
    if (registry !== null) this.timers.push(setInterval(() => void this.followLabels(), registry.pollMs));
    for (const timer of this.timers) timer.unref();
  }

  model(name: string, version: VersionPick): Promise<LiveModel> {
    return forRequest(this.readyModel(name, version));
  }

  load(name: string, version: VersionPick): Promise<void> {
    return forRequest(this.loadAsked(name, version));
  }

  private async readyModel(name: string, pick: VersionPick): Promise<LiveModel> {
    const wanted = this.table.find(name, pick);
    if (wanted?.isLoaded) {
      if (pick !== null) wanted.askedAt = performance.now();
      await wanted.load();
      return wanted;
    }
    if (this.registry?.serves(name)) return this.registry.ready(name, pick, LEAST_RELIST_MS);
    const version = requireVersion(name, pick);
    await this.makeKnown(name, version);
    if (version === null) return this.newest(name);
    const found = this.known(name, version);
    found.askedAt = performance.now();
    await this.loaded(found);
    return found;
  }

  private async loadAsked(name: string, pick: VersionPick): Promise<void> {
    if (this.registry?.serves(name)) return this.registry.load(name, pick);
    const version = requireVersion(name, pick);
    await this.sync?.relist(0);
    const found = this.known(name, version);
    if (version !== null) found.askedAt = performance.now();
    await this.loaded(found, true);
    if (version === null) this.serve(found);
  }

  async unload(name: string, version: VersionPick): Promise<void> {
    if (this.table.find(name, version) === null) await this.makeKnown(name, requireVersion(name, version));
    const chosen = version === null ? this.table.versionsOf(name) : [this.table.find(name, version)!];
    for (const one of chosen) this.table.stopServing(one);
    await Promise.all(chosen.map((one) => one.drain('asked')));
  }

  async index(): Promise<readonly ModelVersionState[]> {
    await this.sync?.relist(Number.POSITIVE_INFINITY);
    await this.registry?.relist(Number.POSITIVE_INFINITY).catch(() => undefined);
    const { registry } = this;
    return this.table.all().map((one) => registry?.describe(one) ?? one.describe());
  }

  stats(): readonly ModelStats[] {
    return this.table.all().flatMap((version) => version.stats ?? []);
  }

  labels(): readonly LabelState[] {
    return this.registry?.states() ?? [];
  }

  registryAgeMs(): number | null {
    return this.registry?.ageMs ?? null;
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
    if (this.table.serving(name) === null && this.registry?.serves(name) !== true) this.serve(found);
    return found;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.registry?.close();
    for (const timer of this.timers) clearInterval(timer);
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
    throw first ?? unknownModel(name, null);
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
    if (!this.table.has(name, version)) throw unknownModel(name, version);
  }

  private known(name: string, version: string | null): LiveVersion {
    const found = version === null ? this.table.versionsOf(name)[0] : this.table.get(name, version);
    if (found === null || found === undefined) throw unknownModel(name, version);
    return found;
  }

  private folderVersion(folder: Location, model: FolderModel): LiveVersion {
    const { scratchDir, allowUnpinned } = this.settings;
    const source = folderSource(folder, model, scratchDir, allowUnpinned);
    return this.makeVersion(model.name, model.version, tokenOf(model), source);
  }

  private async registryVersion(model: ResolvedModel): Promise<LiveVersion> {
    const source = await registrySource(model, this.settings.scratchDir);
    return this.makeVersion(model.name, String(model.version), model.digest, source);
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
    this.memory.unloadIdle(this.settings.idleUnloadMs);
    this.memory.unloadOverCap();
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

  private async followLabels(): Promise<void> {
    if (this.isClosed || this.registry === null) return;
    // A registry that is away changes nothing; it is told by the event.
    await this.registry.relist(0).catch(() => undefined);
    await this.registry.settle();
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
    const isAlways = this.pinnedVersions.has(version) || this.registry?.needs(version);
    return byName || isAlways === true || this.isPinnedByVersion(version);
  }

  private isPinnedByVersion(version: LiveVersion): boolean {
    return this.settings.pinned.includes(`${version.name}/${version.version}`);
  }

  private makeRoom(wanted: LiveVersion): Promise<void> {
    if (!this.isClosed) return this.memory.makeRoom(wanted);
    return Promise.reject(unavailable('the server is stopping', wanted.name));
  }
}
