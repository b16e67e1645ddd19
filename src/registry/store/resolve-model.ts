import { labelOf, sayModelRef } from '../../base/contract/model-ref.ts';
import type { Location } from '../../base/contract/object-store.ts';
import type { LabelRecord, ModelRef, ResolvedModel } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { LabelChain } from './label-chain.ts';
import { versionKey } from './layout.ts';
import { findAll, listNames, listNumbers } from './list-versions.ts';
import { sayLabels } from './move-label.ts';
import { type FoundVersion, findVersion } from './version-state.ts';

/** What a reference names now. Errors: REGISTRY_UNKNOWN, MODEL_UNPINNED for a plain version without a digest file; REGISTRY_CORRUPT; those of the store. */
export async function resolveModel(root: Location, chain: LabelChain, ref: ModelRef): Promise<ResolvedModel> {
  switch (ref.by) {
    case 'label': {
      const head = await chain.head();
      const version = labelOf(head, ref.label);
      if (version === null) throw await noLabel(root, ref, head);
      return resolved(root, ref, await findVersion(root, ref.name, version), head?.n ?? null);
    }
    case 'version':
      return resolved(root, ref, await findVersion(root, ref.name, ref.version), null);
    case 'digest': {
      const found = await withDigest(root, chain, ref.name, ref.digest);
      if (found === null) throw await unknown(root, ref, `no version of ${ref.name} has this digest`);
      return resolved(root, ref, found, null);
    }
  }
}

// The lowest of them; two there are where one was put there by hand, or goes just now.
async function withDigest(
  root: Location,
  chain: LabelChain,
  name: string,
  digest: string,
): Promise<FoundVersion | null> {
  const numbers = [...(await listNumbers(root, name)).keys()].sort((a, b) => a - b);
  const all = await findAll(root, name, numbers);
  const isIt = (one: FoundVersion): boolean =>
    (one.state === 'ready' && one.record.digest === digest) || (one.state === 'plain' && one.digest === digest);
  const them = all.filter(isIt);
  if (them.length < 2) return them[0] ?? null;
  const removed = (await chain.head())?.removed ?? [];
  return them.find(({ version }) => !removed.includes(version)) ?? them[0] ?? null;
}

async function resolved(
  root: Location,
  ref: ModelRef,
  found: FoundVersion,
  labelMove: number | null,
): Promise<ResolvedModel> {
  const { name } = ref;
  const { version } = found;
  const at = (file: string): Location => {
    const key = versionKey(root, name, version, file);
    return { store: root.store, key, uri: root.store.uriOf(key) };
  };
  const base = { ref: sayModelRef(ref), name, version, labelMove };
  switch (found.state) {
    case 'ready':
      return { ...base, digest: found.record.digest, location: at(found.record.main), record: found.record };
    case 'plain': {
      const location = at(found.main);
      if (found.digest === null) throw unpinned(location);
      return { ...base, digest: found.digest, location, record: null };
    }
    case 'deleted': {
      const { at: when, by, reason } = found.tombstone;
      throw await unknown(root, ref, `version ${version} was deleted at ${when} by ${by}: ${reason}`);
    }
    case 'unfinished':
      throw await unknown(
        root,
        ref,
        `version ${version} is unfinished: ${found.claim.by} began it at ${found.claim.at}`,
      );
    default:
      throw await unknown(root, ref, `${name} has no version ${version}`);
  }
}

function unpinned(location: Location): PrescoreError {
  const file = location.key.split('/').at(-1);
  return new PrescoreError('MODEL_UNPINNED', {
    what: 'the version has neither a version.json nor a digest file',
    where: location.uri,
    fix: `Add the model by prescore models add, or write its sha256 into ${file}.sha256 beside it.`,
  });
}

async function noLabel(
  root: Location,
  ref: ModelRef & { readonly by: 'label' },
  head: LabelRecord | null,
): Promise<PrescoreError> {
  if (head === null) return unknown(root, ref, `${ref.name} has no label ${ref.label}`);
  const what = `${ref.name} has no label ${ref.label}`;
  return new PrescoreError('REGISTRY_UNKNOWN', { what, where: root.uri, got: sayLabels(head) });
}

const MOST_SHOWN = 10;

async function unknown(root: Location, ref: ModelRef, what: string): Promise<PrescoreError> {
  const numbers = [...(await listNumbers(root, ref.name)).keys()].sort((a, b) => b - a);
  const names = numbers.length === 0 ? await listNames(root) : [];
  const there =
    numbers.length > 0
      ? `versions ${some(numbers)}`
      : names.length === 0
        ? 'an empty registry'
        : `no model ${ref.name}; models ${some(names)}`;
  return new PrescoreError('REGISTRY_UNKNOWN', { what, where: root.uri, expected: sayModelRef(ref), got: there });
}

function some(all: readonly (number | string)[]): string {
  return `${all.slice(0, MOST_SHOWN).join(', ')}${all.length > MOST_SHOWN ? `, … (${all.length})` : ''}`;
}
