import type { Location } from '../../base/contract/object-store.ts';
import type {
  CollectedVersion,
  CollectOptions,
  LabelMove,
  LabelRecord,
  ListedVersion,
  ModelRef,
  NewVersion,
  RegistryWriter,
  ResolvedModel,
  TombstoneRecord,
} from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type AddedVersion, addVersion } from './add-version.ts';
import { collectVersions } from './collect-versions.ts';
import { LabelChain } from './label-chain.ts';
import { nameKey } from './layout.ts';
import { findAll, listed, listNames, listNumbers } from './list-versions.ts';
import { moveLabel } from './move-label.ts';
import { removeVersions } from './remove-versions.ts';
import { resolveModel } from './resolve-model.ts';

export interface RegistryOptions {
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** A registry at a place of a store. Nothing is written before the first `add`, `move`, `remove` or `collect`. Errors: none. Owns: the caller closes the store. */
export function openRegistryAt(root: Location, options: RegistryOptions = {}): RegistryWriter {
  return new Registry(root, options.now ?? Date.now);
}

class Registry implements RegistryWriter {
  readonly uri: string;
  private readonly root: Location;
  private readonly now: () => number;
  private readonly chains = new Map<string, LabelChain>();
  private guarded: Promise<void> | null = null;

  constructor(root: Location, now: () => number) {
    this.root = root;
    this.uri = root.uri;
    this.now = now;
  }

  async resolve(ref: ModelRef): Promise<ResolvedModel> {
    return resolveModel(this.root, this.chain(ref.name), ref);
  }

  names(): Promise<readonly string[]> {
    return listNames(this.root);
  }

  async versions(name: string): Promise<readonly ListedVersion[]> {
    const numbers = [...(await listNumbers(this.root, name)).keys()].sort((a, b) => b - a);
    const all = await findAll(this.root, name, numbers);
    const head = await this.labels(name);
    return all.flatMap((found) => listed(name, found, head) ?? []);
  }

  async labels(name: string): Promise<LabelRecord | null> {
    return this.chain(name).head();
  }

  async history(name: string): Promise<readonly LabelRecord[]> {
    return this.chain(name).history();
  }

  async add(version: NewVersion): Promise<AddedVersion> {
    await this.requireGuarded();
    return addVersion(this.root, this.chain(version.name), version, this.now);
  }

  async move(move: LabelMove): Promise<LabelRecord> {
    await this.requireGuarded();
    return moveLabel(this.root, this.chain(move.name), move, this.now);
  }

  async remove(name: string, version: number, by: string, reason: string): Promise<TombstoneRecord> {
    await this.requireGuarded();
    const removal = { by, reason, nowMs: this.now() };
    const [tombstone] = await removeVersions(this.root, this.chain(name), name, [version], removal);
    return tombstone!;
  }

  async collect(name: string, options: CollectOptions): Promise<readonly CollectedVersion[]> {
    if (options.isApplied) await this.requireGuarded();
    return collectVersions(this.root, this.chain(name), name, options);
  }

  private chain(name: string): LabelChain {
    nameKey(this.root, name);
    let chain = this.chains.get(name);
    if (chain === undefined) {
      chain = new LabelChain(this.root, name);
      this.chains.set(name, chain);
    }
    return chain;
  }

  /** Errors: STORE_CONFIG. */
  private requireGuarded(): Promise<void> {
    this.guarded ??= this.tryOut().catch((error: unknown) => {
      this.guarded = null;
      throw error;
    });
    return this.guarded;
  }

  private async tryOut(): Promise<void> {
    const { conditionalPut } = await this.root.store.probe(this.root.key);
    if (conditionalPut) return;
    throw new PrescoreError('STORE_CONFIG', {
      what: 'the store has no conditional writes: two at once could give a version two contents',
      where: this.uri,
      fix: 'Keep the registry in a store that has them (AWS S3, MinIO, SeaweedFS, a file system); prescore doctor tries it.',
    });
  }
}
