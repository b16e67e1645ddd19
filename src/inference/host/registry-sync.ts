import type { ModelVersionState, VersionPick } from '../../base/contract/live-model.ts';
import type { ModelRef, RegistryReader, ResolvedModel } from '../../base/contract/registry.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { KeptVersions } from './kept-versions.ts';
import { type LabelEvents, type LabelState, SILENT_LABELS } from './label-events.ts';
import { isOfModel, unknownModel } from './live-errors.ts';
import type { LiveVersion } from './live-version.ts';
import { noVersion, type ServedRef, servedRefs } from './served-ref.ts';
import type { VersionTable } from './version-table.ts';

const RETRY_UNKNOWN_MS = 15_000;

/** What of a registry a host serves. */
export interface RegistryWish {
  /** Only read. Owns: the caller, who closes its store after the host. */
  readonly reader: RegistryReader;
  /** The first of a name answers where neither version nor label is named. */
  readonly serve: readonly ModelRef[];
  readonly pollMs: number;
  /** How long a version that no entry names any more stays loaded. */
  readonly keepMs: number;
  readonly events?: Partial<LabelEvents>;
}

/**
 * Keeps a table of versions in step with the labels of a registry: a version that a label has come to name is loaded and warmed up beside
 * the one before, and only then answers. Whatever goes wrong on the way, the one before goes on.
 */
export class RegistrySync {
  private readonly wish: RegistryWish;
  private readonly table: VersionTable;
  private readonly make: (model: ResolvedModel) => Promise<LiveVersion>;
  private readonly events: LabelEvents;
  private readonly refs: readonly ServedRef[];
  private readonly kept: KeptVersions;
  private polling: Promise<void> | null = null;
  private polledAt = Number.NEGATIVE_INFINITY;
  private away: PrescoreError | null = null;
  private isClosed = false;

  /** `make` makes a version, not yet in the table. */
  constructor(wish: RegistryWish, table: VersionTable, make: (model: ResolvedModel) => Promise<LiveVersion>) {
    this.wish = wish;
    this.table = table;
    this.make = make;
    this.events = { ...SILENT_LABELS, ...wish.events };
    this.refs = servedRefs(wish.serve);
    this.kept = new KeptVersions(table, wish.keepMs, (version) =>
      this.refs.some((one) => this.isNamed(one, version) || this.servingOf(one) === version),
    );
  }

  /** Milliseconds since all labels were last looked up. */
  get ageMs(): number {
    return performance.now() - this.polledAt;
  }

  /** Whether models of the name come from here. */
  serves(name: string): boolean {
    return this.refs.some(({ ref }) => ref.name === name);
  }

  /** An entry needs it, so that neither memory nor idleness may unload it. */
  needs(version: LiveVersion): boolean {
    return this.kept.needs(version);
  }

  states(): LabelState[] {
    return this.refs.map((one) => ({
      name: one.ref.name,
      label: one.label,
      named: one.named === null ? null : String(one.named),
      serving: this.servingOf(one)?.version ?? null,
      isFirst: one.isFirst,
      failure: one.failure?.error ?? null,
    }));
  }

  /** A version with the labels that it answers for, and those that name it in vain. */
  describe(version: LiveVersion): ModelVersionState {
    const state = version.describe(this.table.labelsOf(version));
    const wanting = this.refs.filter((one) => one.failure !== null && this.isNamed(one, version));
    if (wanting.length === 0) return state;
    const said = wanting.map((one) => `${one.text} names it, ${this.servingOf(one)?.version ?? 'nothing'} answers`);
    return { ...state, reason: `${said.join('; ')}: ${state.reason}` };
  }

  /** Looks labels up unless that was done less than `leastMs` ago, and begins to load what they name. Errors: those of the store. */
  async relist(leastMs: number): Promise<void> {
    if (this.ageMs < leastMs) return;
    this.polling ??= this.poll().finally(() => {
      this.polling = null;
    });
    await this.polling;
  }

  /** When everything that is being loaded is, or cannot be. */
  async settle(): Promise<void> {
    await Promise.all(this.refs.map(({ switching }) => switching));
  }

  /** What answers a request for which nothing is loaded. Errors: LIVE_MODEL_UNKNOWN, LIVE_UNAVAILABLE; those of `LiveVersion.load`. */
  async ready(name: string, pick: VersionPick, leastMs: number): Promise<LiveVersion> {
    await this.relist(leastMs).catch(() => undefined);
    const asked = this.refOf(name, pick);
    if (asked === null) return this.loadKept(name, pick, false);
    await asked.switching;
    if (!this.isInStep(asked) && !this.hasFailedLately(asked)) await this.begin(asked, false);
    const found = this.servingOf(asked);
    if (found === null) {
      const { failure } = asked;
      throw failure !== null && isOfModel(failure.error) ? failure.error : noVersion(asked);
    }
    await found.load();
    return found;
  }

  /** Loads what entries name now, also what has failed a short while ago. Errors: those of `ready`. */
  async load(name: string, pick: VersionPick): Promise<void> {
    await this.relist(0);
    const one = this.refOf(name, pick);
    const asked = pick === null ? this.refs.filter(({ ref }) => ref.name === name) : one === null ? [] : [one];
    if (asked.length === 0) await this.loadKept(name, pick, true);
    for (const entry of asked) {
      await entry.switching;
      if (!this.isInStep(entry)) await this.begin(entry, true);
      if (entry.failure !== null) throw entry.failure.error;
    }
  }

  /** What is still under way then is told to nobody. */
  close(): void {
    this.isClosed = true;
  }

  private async loadKept(name: string, pick: VersionPick, force: boolean): Promise<LiveVersion> {
    const kept = this.table.find(name, pick);
    if (kept === null) throw unknownModel(name, pick);
    await kept.load(force);
    return kept;
  }

  private refOf(name: string, pick: VersionPick): ServedRef | null {
    const ofName = this.refs.filter(({ ref }) => ref.name === name);
    const label = typeof pick === 'object' ? pick?.label : pick;
    const isAsked = (one: ServedRef): boolean =>
      label === undefined ? one.isFirst : one.label === label || (typeof pick === 'string' && `${one.named}` === pick);
    return ofName.find(isAsked) ?? null;
  }

  private servingOf({ ref, label, named }: ServedRef): LiveVersion | null {
    if (label !== null) return this.table.serving(ref.name, label);
    return named === null ? null : this.table.get(ref.name, String(named));
  }

  private async poll(): Promise<void> {
    const names = [...new Set(this.refs.map(({ ref }) => ref.name))];
    const looks = await Promise.allSettled(names.map((name) => this.look(name)));
    this.kept.retire();
    const failed = looks.find((one) => one.status === 'rejected');
    const error = failed === undefined ? null : toPrescoreError(failed.reason);
    if (this.away?.code !== error?.code && !this.isClosed) this.events.onAway(error);
    this.away = error;
    if (error !== null) throw error;
    this.polledAt = performance.now();
  }

  private async look(name: string): Promise<void> {
    const refs = this.refs.filter(({ ref }) => ref.name === name);
    const head = refs.some(({ label }) => label !== null) ? await this.wish.reader.labels(name) : null;
    for (const one of refs) {
      one.look(head);
      if (this.isInStep(one)) one.failure = null;
      else if (one.switching === null && !this.hasFailedLately(one)) void this.begin(one, false);
    }
  }

  private isInStep(one: ServedRef): boolean {
    const serving = this.servingOf(one);
    if (serving?.isLoaded !== true || !this.isNamed(one, serving) || !this.kept.has(serving)) return false;
    return !one.isFirst || this.table.serving(one.ref.name) === serving;
  }

  private isNamed({ ref, named }: ServedRef, version: LiveVersion): boolean {
    return ref.name === version.name && named !== null && String(named) === version.version;
  }

  // Bad models are tried again after a while, not at each poll, and what is not there at all is looked for by listing.
  private hasFailedLately({ ref, named, failure }: ServedRef): boolean {
    if (failure === null || failure.version !== named) return false;
    if (failure.error.code.startsWith('REGISTRY_')) return performance.now() - failure.at < RETRY_UNKNOWN_MS;
    return named !== null && this.table.get(ref.name, String(named))?.hasFailed === true;
  }

  private begin(one: ServedRef, force: boolean): Promise<void> {
    one.switching ??= this.follow(one, force).finally(() => {
      one.switching = null;
    });
    return one.switching;
  }

  // The label may move on while a version is loaded for it: only what it names then is served.
  private async follow(one: ServedRef, force: boolean): Promise<void> {
    for (;;) {
      const tried = one.named;
      try {
        const version = await this.known(one);
        this.kept.mark();
        await version.load(force);
        if (this.isNamed(one, version)) this.serve(one, version);
      } catch (cause) {
        if (one.named === tried || one.label === null) this.fail(one, toPrescoreError(cause));
      }
      if (one.named === tried || tried === null) return;
    }
  }

  /** The version that an entry names, in the table. */
  private async known(one: ServedRef): Promise<LiveVersion> {
    const { ref, named } = one;
    const model = await this.wish.reader.resolve(
      named === null ? ref : { name: ref.name, by: 'version', version: named },
    );
    if (ref.by === 'digest') one.named = model.version;
    const text = String(model.version);
    const made = this.table.get(ref.name, text) === null ? await this.make(model) : null;
    const known = this.table.get(ref.name, text);
    if (known === null && made !== null) {
      this.table.add(made);
      this.kept.add(made);
      return made;
    }
    const { source } = known!;
    const loaded = await source.digest();
    if (loaded === model.digest) {
      this.kept.add(known!);
      return known!;
    }
    throw new PrescoreError('MODEL_CHECKSUM', {
      what: `version ${text} of ${ref.name} is another model than the one that is loaded under this number`,
      where: model.location.uri,
      expected: loaded,
      got: model.digest,
      fix: 'Give one of them another version, or start the server anew where the registry was replaced.',
    });
  }

  private serve(one: ServedRef, version: LiveVersion): void {
    const { name } = one.ref;
    const last = one.label === null ? null : this.table.serve(version, one.label);
    if (one.isFirst) this.table.serve(version);
    one.failure = null;
    this.kept.retire();
    if (one.label === null || last === version) return;
    const { label, movedAtMs } = one;
    this.events.onSwitch(name, label, last?.version ?? null, version.version ?? '', one.move);
    if (last === null) return;
    // By the clock of another machine: what would be before the move was at once.
    version.atNextAnswer(label, () => {
      if (this.table.serving(name, label) !== version) return;
      this.events.onFirstAnswer(name, label, Math.max(0, Date.now() - movedAtMs) / 1000);
    });
  }

  private fail(one: ServedRef, error: PrescoreError): void {
    if (this.isClosed) return;
    const { failure, named } = one;
    const isNew = failure === null || failure.version !== named || failure.error.code !== error.code;
    one.failure = { version: named, error, at: performance.now() };
    const serving = this.servingOf(one)?.version ?? null;
    this.events.onFailure(one.ref.name, one.text, { version: named, serving, error, isNew });
  }
}
