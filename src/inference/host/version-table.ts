import type { LiveVersion } from './live-version.ts';
import { compareVersions } from './version-order.ts';

/** The versions that a host knows, and which of each name is served when none is named. */
export class VersionTable {
  private readonly byName = new Map<string, LiveVersion[]>();
  private readonly served = new Map<string, LiveVersion>();

  add(version: LiveVersion): void {
    const versions = [...this.versionsOf(version.name), version];
    versions.sort((a, b) => compareVersions(b.version, a.version));
    this.byName.set(version.name, versions);
  }

  remove(version: LiveVersion): void {
    const left = this.versionsOf(version.name).filter((one) => one !== version);
    if (left.length > 0) this.byName.set(version.name, left);
    else this.byName.delete(version.name);
    this.stopServing(version);
  }

  get(name: string, version: string | null): LiveVersion | null {
    return this.versionsOf(name).find((one) => one.version === version) ?? null;
  }

  /** Whether there is this version, or any of the name for null. */
  has(name: string, version: string | null): boolean {
    return version === null ? this.byName.has(name) : this.get(name, version) !== null;
  }

  /** Newest first. */
  versionsOf(name: string): readonly LiveVersion[] {
    return this.byName.get(name) ?? [];
  }

  /** By name, oldest version first. */
  all(): LiveVersion[] {
    return [...this.byName.keys()].sort().flatMap((name) => [...this.versionsOf(name)].reverse());
  }

  serving(name: string): LiveVersion | null {
    return this.served.get(name) ?? null;
  }

  namesServed(): string[] {
    return [...this.served.keys()];
  }

  /** Makes it the served one of its name; gives the one before. */
  serve(version: LiveVersion): LiveVersion | null {
    const last = this.serving(version.name);
    this.served.set(version.name, version);
    return last;
  }

  stopServing(version: LiveVersion): void {
    if (this.served.get(version.name) === version) this.served.delete(version.name);
  }
}
