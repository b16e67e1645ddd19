import type { LiveVersion } from './live-version.ts';
import { chooseEvictions, noRoom } from './memory-room.ts';

export interface HostMemoryDeps {
  /** For all children together. */
  readonly memoryBytes: number;
  /** A model that was used within this time is not unloaded to make room. */
  readonly evictIdleMs: number;
  readonly all: () => readonly LiveVersion[];
  readonly isPinned: (version: LiveVersion) => boolean;
}

/** Which versions go where memory is needed, and which because nobody asks for them. */
export class HostMemory {
  private readonly deps: HostMemoryDeps;

  constructor(deps: HostMemoryDeps) {
    this.deps = deps;
  }

  /** Unloads others until there is room. Errors: LIVE_OVERLOADED. */
  async makeRoom(wanted: LiveVersion): Promise<void> {
    const { memoryBytes, all } = this.deps;
    const others = all().filter((one) => one !== wanted && (one.isLoaded || one.isLoading));
    const evicted = chooseEvictions(this.usesOf(others), wanted.memoryBytes, memoryBytes);
    if (evicted === null) throw noRoom(wanted.name, others, wanted.memoryBytes, memoryBytes);
    await Promise.all(evicted.map(({ version }) => version.unload('memory')));
  }

  /** Children grow with what they are asked. */
  unloadOverCap(): void {
    const loaded = this.deps.all().filter((one) => one.isLoaded);
    const evicted = chooseEvictions(this.usesOf(loaded), 0, this.deps.memoryBytes) ?? [];
    for (const { version } of evicted) void version.unload('memory');
  }

  /** Null: never. */
  unloadIdle(idleMs: number | null): void {
    if (idleMs === null) return;
    const now = performance.now();
    for (const version of this.deps.all()) {
      const isIdle = version.isLoaded && version.pendingRows === 0 && !this.deps.isPinned(version);
      if (isIdle && now - version.usedAt >= idleMs) void version.unload('idle');
    }
  }

  private usesOf(versions: readonly LiveVersion[]) {
    const now = performance.now();
    return versions.map((version) => {
      const isIdle = version.pendingRows === 0 && now - version.usedAt >= this.deps.evictIdleMs;
      const mayGo = version.isLoaded && isIdle && !this.deps.isPinned(version);
      return { version, bytes: version.memoryBytes, usedAt: version.usedAt, mayGo };
    });
  }
}
