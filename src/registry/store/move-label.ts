import { labelOf, requireLabel } from '../../base/contract/model-ref.ts';
import type { Location } from '../../base/contract/object-store.ts';
import type { LabelMove, LabelRecord } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { LabelChain } from './label-chain.ts';
import { nameKey } from './layout.ts';
import { findVersion } from './version-state.ts';

const MOST_TRIES = 200;

/**
 * Moves a label by a new link of the chain. Another label that moves meanwhile is no conflict: the link goes behind that move. The same one is.
 *
 * Errors: USAGE; REGISTRY_UNKNOWN; LABEL_MOVED; REGISTRY_CORRUPT; those of the store.
 */
export async function moveLabel(
  root: Location,
  chain: LabelChain,
  move: LabelMove,
  now: () => number,
): Promise<LabelRecord> {
  checkMove(root, move);
  const { label, version, by, reason, evidence } = move;
  let first: number | null | undefined = move.expected;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const head = await chain.head();
    const current = labelOf(head, label);
    if (first === undefined) first = current;
    if (current !== first) throw labelMoved(root, move, head, first, current);
    if (version === null && current === null) throw noLabel(root, move, head);
    // Nothing to write down, and nobody to tell.
    if (head !== null && current === version) return head;
    if (version !== null) await requireUsable(root, move.name, version, head);
    const labels = withLabel(head?.labels ?? {}, label, version);
    const at = new Date(now()).toISOString();
    const link = await chain.append(head, { at, by, reason, labels, evidence, removed: head?.removed ?? [] });
    if (link !== null) return link;
  }
  const what = `the labels moved ${MOST_TRIES} times meanwhile`;
  throw new PrescoreError('LABEL_MOVED', { what, where: placeOf(root, move) });
}

/** `stable: 7, canary: 8`. */
export function sayLabels(head: LabelRecord | null): string {
  const all = Object.entries(head?.labels ?? {}).map(([label, version]) => `${label}: ${version}`);
  return all.length === 0 ? 'no labels' : all.join(', ');
}

async function requireUsable(root: Location, name: string, version: number, head: LabelRecord | null): Promise<void> {
  const where = `${name}/${version}`;
  const { state } = await findVersion(root, name, version);
  if (state === 'ready' && head?.removed.includes(version) !== true) return;
  const says = {
    ready: 'it is being deleted',
    deleted: 'it was deleted',
    plain: 'it has no version.json: it was put there by hand, not by models add',
    unfinished: 'it is unfinished: it has no version.json yet',
    abandoned: 'it was never finished',
    absent: 'there is no such version',
  } as const;
  const what = `no label can name the version: ${says[state]}`;
  const fix = `prescore models list ${name} shows what is there.`;
  throw new PrescoreError('REGISTRY_UNKNOWN', { what, where, expected: 'a version with version.json', fix });
}

function withLabel(labels: LabelRecord['labels'], label: string, version: number | null): Record<string, number> {
  const others = Object.entries(labels).filter(([one]) => one !== label);
  const all: [string, number][] = version === null ? others : [...others, [label, version]];
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function labelMoved(
  root: Location,
  move: LabelMove,
  head: LabelRecord | null,
  expected: number | null,
  got: number | null,
): PrescoreError {
  const by = head === null ? '' : `, moved by ${head.by} at ${head.at}: ${head.reason}`;
  return new PrescoreError('LABEL_MOVED', {
    what: `the label ${move.label} of ${move.name} moved meanwhile`,
    where: placeOf(root, move),
    expected: expected === null ? 'no version' : `version ${expected}`,
    got: `${got === null ? 'no version' : `version ${got}`}${by}`,
    data: { labels: head?.labels ?? {}, n: head?.n ?? 0 },
  });
}

function noLabel(root: Location, move: LabelMove, head: LabelRecord | null): PrescoreError {
  const what = `${move.name} has no label ${move.label}`;
  return new PrescoreError('REGISTRY_UNKNOWN', { what, where: placeOf(root, move), got: sayLabels(head) });
}

function placeOf(root: Location, { name }: LabelMove): string {
  return root.store.uriOf(nameKey(root, name));
}

function checkMove(root: Location, { name, label, by, reason }: LabelMove): void {
  nameKey(root, name);
  requireLabel(label);
  if (reason.trim() === '') throw new PrescoreError('USAGE', { what: 'a move needs a reason' });
  if (by.trim() === '') throw new PrescoreError('USAGE', { what: 'nobody is said to move the label' });
}
