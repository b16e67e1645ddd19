import type { VersionPick } from '../../base/contract/live-model.ts';
import type { LiveVersion } from './live-version.ts';
import { compareVersions } from './version-order.ts';

/** Of the version that answers when neither version nor label is named. */
const DEFAULT = '';

/** The versions that a host knows, and which of each name is served under a label, or when none is named. */
export class VersionTable {
  private readonly byName = new Map<string, LiveVersion[]>();
  private readonly served = new Map<string, Map<string, LiveVersion>>();

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

  /** What answers now. A text is a version; where there is none of it, a label. */
  find(name: string, pick: VersionPick): LiveVersion | null {
    if (pick === null) return this.serving(name);
    if (typeof pick === 'object') return this.serving(name, pick.label);
    return this.get(name, pick) ?? this.serving(name, pick);
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

  /** Under a label; without one, when none is named. */
  serving(name: string, label = DEFAULT): LiveVersion | null {
    return this.served.get(name)?.get(label) ?? null;
  }

  /** Sorted. */
  labelsOf(version: LiveVersion): string[] {
    const served = [...(this.served.get(version.name) ?? [])];
    return served.flatMap(([label, one]) => (one === version && label !== DEFAULT ? [label] : [])).sort();
  }

  namesServed(): string[] {
    return [...this.served].flatMap(([name, served]) => (served.has(DEFAULT) ? [name] : []));
  }

  /** Makes it the served one of its name, or of a label of it; gives the one before. */
  serve(version: LiveVersion, label = DEFAULT): LiveVersion | null {
    const served = this.served.get(version.name) ?? new Map<string, LiveVersion>();
    this.served.set(version.name, served);
    const last = served.get(label) ?? null;
    served.set(label, version);
    return last;
  }

  stopServing(version: LiveVersion): void {
    const served = this.served.get(version.name);
    for (const [label, one] of served ?? []) if (one === version) served?.delete(label);
    if (served?.size === 0) this.served.delete(version.name);
  }
}
