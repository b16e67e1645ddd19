import { labelOf } from '../../base/contract/model-ref.ts';
import type { LabelRecord, RegistryWriter } from '../../base/contract/registry.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { MlflowSource } from '../../registry/import/mlflow-source.ts';
import { findVersion, type ModelVersion } from '../../registry/import/mlflow-version.ts';
import type { TrackingClient } from '../../registry/import/tracking-client.ts';
import { type ImportPlace, takeVersion } from './foreign-source.ts';
import { type Imported, importModel } from './import-model.ts';
import type { VersionTools } from './new-version.ts';

/** What is followed, and by which label of which model. */
export interface Followed {
  readonly source: MlflowSource;
  /** As it was written: it stands in the reasons of moves. */
  readonly text: string;
  readonly name: string;
  readonly label: string;
  readonly by: string;
}

/** What a look at the alias found. `now`: what the label names. */
export type Step = { readonly of: ModelVersion; readonly now: number | null } & (
  | { /** The alias is where it was, or the label was there before. */ readonly kind: 'unmoved' }
  | {
      /** It was followed there before, and somebody moved the label since: theirs counts until the alias moves again. */ readonly kind: 'overruled';
    }
  | { readonly kind: 'moved'; readonly imported: Imported; readonly link: LabelRecord }
);

/** What a watcher knows by itself: what it did about the alias the last time. */
export interface FollowMemory {
  /** The version that it followed, and what the label named then. */
  readonly done: { readonly of: string; readonly version: number | null } | null;
  /** The version that nobody can follow: its files are not asked for again. */
  readonly refused: { readonly of: string; readonly error: PrescoreError } | null;
}

export const NO_MEMORY: FollowMemory = { done: null, refused: null };

/** What it takes to follow; all of it stays the caller's. */
export interface FollowTools {
  readonly client: TrackingClient;
  readonly registry: RegistryWriter;
  readonly place: ImportPlace;
  readonly tools: VersionTools;
}

/**
 * Looks where the alias is, and lets the label follow when it has moved since the label last followed it: the chain of the registry remembers, so that a watcher that was
 * started anew does not move a label that a person moved back.
 *
 * Errors: IMPORT_UNAVAILABLE, IMPORT_REFUSED; LABEL_MOVED when somebody moves the label meanwhile; those of `importModel` and of the registry.
 */
export async function followOnce(followed: Followed, memory: FollowMemory, to: FollowTools): Promise<Step> {
  const of = await findVersion(to.client, followed.source);
  if (memory.refused?.of === of.version) throw memory.refused.error;
  const { name, label, by } = followed;
  const chain = await to.registry.history(name);
  const now = labelOf(chain.at(-1), label);
  const before = lastFollowed(chain, followed, of) ?? (memory.done?.of === of.version ? memory.done : null);
  if (before !== null) return before.version === now ? { kind: 'unmoved', of, now } : { kind: 'overruled', of, now };
  if (now !== null && (await isImported(to.registry, followed, now, of))) return { kind: 'unmoved', of, now };
  const imported = await take(followed, of, to);
  const { version } = imported.record;
  const reason = reasonOf(followed, of);
  const link = await to.registry.move({ name, label, version, by, reason, evidence: [], expected: now });
  return { kind: 'moved', of, now: version, imported, link };
}

/** A version of MLflow that cannot be followed, now or later. */
export class NotFollowed extends PrescoreError {
  readonly of: string;

  constructor(of: string, { code, details }: PrescoreError) {
    super(code, details);
    this.of = of;
  }
}

async function take({ name, by }: Followed, of: ModelVersion, to: FollowTools): Promise<Imported> {
  try {
    const model = await takeVersion(to.client, of, to.place);
    return await importModel(to.registry, model, { name, by, note: null }, to.tools);
  } catch (error) {
    if (!isPrescoreError(error) || error.retryable || to.place.signal?.aborted === true) throw error;
    throw new NotFollowed(of.version, error);
  }
}

// The label names it already, by whatever hand.
async function isImported(
  registry: RegistryWriter,
  { name, label }: Followed,
  now: number,
  of: ModelVersion,
): Promise<boolean> {
  const { version, record } = await registry.resolve({ name, by: 'label', label });
  return version === now && record?.lineage.source?.uri === of.page;
}

/** `mlflow:models:/delay@champion is version 3`. */
function reasonOf({ text }: Followed, { version }: ModelVersion): string {
  return `${text} is version ${version}`;
}

// The last move that followed this alias, if that was to this version.
function lastFollowed(
  chain: readonly LabelRecord[],
  followed: Followed,
  of: ModelVersion,
): { readonly version: number | null } | null {
  const { text, label } = followed;
  const isOurs = (link: LabelRecord, i: number): boolean =>
    link.reason.startsWith(`${text} is version `) && labelOf(link, label) !== labelOf(chain[i - 1], label);
  const last = chain.findLast(isOurs);
  return last?.reason === reasonOf(followed, of) ? { version: labelOf(last, label) } : null;
}
