import type { LabelRecord, RegistryWriter } from '../../base/contract/registry.ts';
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

/** What a look at the alias found. */
export type Step =
  /** It is where it was. */
  | { readonly kind: 'unmoved'; readonly of: ModelVersion }
  /** It was followed there before, and somebody moved the label away since: theirs counts until the alias moves again. */
  | { readonly kind: 'overruled'; readonly of: ModelVersion; readonly now: number | null }
  | { readonly kind: 'moved'; readonly of: ModelVersion; readonly imported: Imported; readonly link: LabelRecord };

/**
 * Looks where the alias is, and lets the label follow when it has moved since the label last followed it: the chain of the registry remembers, so that a watcher that was
 * started anew does not move a label that a person moved back.
 *
 * Errors: IMPORT_UNAVAILABLE, IMPORT_REFUSED; LABEL_MOVED when somebody moves the label meanwhile; those of `importModel` and of the registry.
 */
export async function followOnce(
  followed: Followed,
  client: TrackingClient,
  registry: RegistryWriter,
  place: ImportPlace,
  tools: VersionTools,
): Promise<Step> {
  const of = await findVersion(client, followed.source);
  const reason = reasonOf(followed, of);
  const { name, label, by } = followed;
  const chain = await registry.history(name);
  const now = labelOf(chain.at(-1), label);
  const before = lastFollowed(chain, followed);
  if (before?.reason === reason)
    return before.labels[label] === now ? { kind: 'unmoved', of } : { kind: 'overruled', of, now };
  const model = await takeVersion(client, of, place);
  const imported = await importModel(registry, model, { name, by, note: null }, tools);
  const { version } = imported.record;
  const link = await registry.move({ name, label, version, by, reason, evidence: [], expected: now });
  return { kind: 'moved', of, imported, link };
}

/** `mlflow:models:/delay@champion is version 3`. */
function reasonOf({ text }: Followed, { version }: ModelVersion): string {
  return `${text} is version ${version}`;
}

function lastFollowed(chain: readonly LabelRecord[], { text, label }: Followed): LabelRecord | null {
  const isOurs = (link: LabelRecord, i: number): boolean =>
    link.reason.startsWith(`${text} is version `) && labelOf(link, label) !== labelOf(chain[i - 1], label);
  return chain.findLast(isOurs) ?? null;
}

function labelOf(link: LabelRecord | undefined, label: string): number | null {
  return link !== undefined && Object.hasOwn(link.labels, label) ? (link.labels[label] ?? null) : null;
}
