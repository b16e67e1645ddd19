import { randomBytes } from 'node:crypto';
import type { Location } from '../../base/contract/object-store.ts';
import type { NewVersion, VersionRecord } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { abandon } from './abandon-version.ts';
import type { LabelChain } from './label-chain.ts';
import { checkPaths, digestFile, nameKey, RECORDS, versionKey } from './layout.ts';
import { findAll, listNumbers } from './list-versions.ts';
import { putFile } from './put-file.ts';
import { corrupt, encodeRecord, isSha256 } from './record-text.ts';
import { type ClaimRecord, contentsOf, readVersionRecord } from './version-record.ts';
import { readFile } from './version-state.ts';

const MOST_TRIES = 1000;

export interface AddedVersion {
  readonly record: VersionRecord;
  /** False: it was there already, or somebody else finished it first. */
  readonly isNew: boolean;
}

/**
 * Adds a version: a claim holds its number, then come the files, then the record that makes it one. All are put-if-absent, so that a number
 * never gets a second content: whoever claims it says its digest, and only adders of the same files write below it. Two who add one model
 * at once meet at the lowest number that one of them claimed, and both get its record.
 */
export async function addVersion(
  root: Location,
  chain: LabelChain,
  wanted: NewVersion,
  now: () => number,
): Promise<AddedVersion> {
  checkNew(root, wanted);
  const { name, by } = wanted;
  const contents = contentsOf(wanted.files);
  const others = new Set<number>();
  let known = new Set<number>();
  let own: number | null = null;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { ready, open, highest, numbers } = await lookFor(root, chain, wanted, contents, others);
    // A listing is no picture of one moment: what is finished stood there before the look began, so that every lower claim was seen by it.
    const isSure = open !== null && known.has(open);
    known = new Set(numbers);
    let done: AddedVersion | null = null;
    if (ready !== null) {
      await putDigestFile(root, ready);
      done = { record: ready, isNew: false };
    } else if (isSure) {
      done = await finish(root, wanted, open, now());
      if (done === null) others.add(open);
    } else if (open === null) {
      const next = highest + 1;
      if (await claim(root, wanted, next, contents, now())) own = next;
      known.add(next);
    }
    if (done === null) continue;
    if (own !== null && own !== done.record.version) await abandon(root, name, own, by, now());
    return done;
  }
  const what = `no number was free in ${MOST_TRIES} tries`;
  throw new PrescoreError('STORE_UNAVAILABLE', { what, where: root.store.uriOf(nameKey(root, name)) });
}

interface Look {
  readonly ready: VersionRecord | null;
  /** The lowest unfinished version of the same files. */
  readonly open: number | null;
  readonly highest: number;
  readonly numbers: readonly number[];
}

/** `others`: numbers that are known not to become this model; more of them are put in. */
async function lookFor(
  root: Location,
  chain: LabelChain,
  wanted: NewVersion,
  contents: string,
  others: Set<number>,
): Promise<Look> {
  const numbers = [...(await listNumbers(root, wanted.name)).keys()].sort((a, b) => a - b);
  const unseen = numbers.filter((version) => !others.has(version));
  let [ready, open]: [VersionRecord | null, number | null] = [null, null];
  const all = await findAll(root, wanted.name, unseen);
  // One whose deletion has begun is as good as gone.
  const removed = (await chain.head())?.removed ?? [];
  for (const found of all) {
    const isSame = found.state === 'unfinished' && found.claim.contents === contents;
    if (removed.includes(found.version)) others.add(found.version);
    else if (found.state === 'ready' && found.record.digest === wanted.digest) ready ??= found.record;
    else if (isSame && found.claim.digest === wanted.digest) open ??= found.version;
    // What is absent may still be claimed.
    else if (found.state !== 'absent') others.add(found.version);
  }
  return { ready, open, highest: numbers.at(-1) ?? 0, numbers };
}

async function claim(
  root: Location,
  wanted: NewVersion,
  version: number,
  contents: string,
  nowMs: number,
): Promise<boolean> {
  const { name, by, digest } = wanted;
  const record: ClaimRecord = { format: 1, name, version, at: new Date(nowMs).toISOString(), by, digest, contents };
  return (await root.store.putIfAbsent(versionKey(root, name, version, RECORDS.claim), encodeRecord(record))).created;
}

// Null: the number cannot become this model any more.
async function finish(
  root: Location,
  wanted: NewVersion,
  version: number,
  nowMs: number,
): Promise<AddedVersion | null> {
  const { name } = wanted;
  const addId = `add-${randomBytes(8).toString('hex')}`;
  for (const file of wanted.files) {
    const key = versionKey(root, name, version, file.path);
    if (await putFile(wanted.folder, file, { ...root, key, uri: root.store.uriOf(key) }, addId)) continue;
    // Somebody copied other files there by hand.
    await abandon(root, name, version, wanted.by, nowMs);
    return null;
  }
  const record = recordOf(wanted, version, nowMs);
  const { created } = await root.store.putIfAbsent(
    versionKey(root, name, version, RECORDS.version),
    encodeRecord(record),
  );
  if (root.store.kind === 'file') await root.store.dropStaged(versionKey(root, name, version), addId);
  const there = created ? record : await recordThere(root, name, version);
  if (there === null) return null;
  if (there.digest !== wanted.digest) {
    const where = root.store.uriOf(versionKey(root, name, version, RECORDS.version));
    throw corrupt(
      'the record is not of the digest that the number was claimed for',
      where,
      wanted.digest,
      there.digest,
    );
  }
  await putDigestFile(root, there);
  return { record: there, isNew: created };
}

async function recordThere(root: Location, name: string, version: number): Promise<VersionRecord | null> {
  const found = await readFile(root, name, version, RECORDS.version);
  if (found === null) return null;
  const record = readVersionRecord(found.bytes, found.where, name, version);
  return 'abandoned' in record ? null : record;
}

// After the record: to readers of plain folders a version without it is unfinished.
async function putDigestFile(root: Location, { name, version, main, digest }: VersionRecord): Promise<void> {
  const key = versionKey(root, name, version, digestFile(main));
  await root.store.putIfAbsent(key, new TextEncoder().encode(`${digest}\n`));
}

function recordOf(wanted: NewVersion, version: number, nowMs: number): VersionRecord {
  const { name, digest, files, modelFiles, kind, signature, opset, lineage, by, note } = wanted;
  const createdAt = new Date(nowMs).toISOString();
  const main = files[0]!.path;
  const model = { digest, main, files, modelFiles, kind, signature, opset };
  return { format: 1, name, version, ...model, lineage, createdAt, createdBy: by, note };
}

function checkNew(root: Location, { name, files, modelFiles, digest, by }: NewVersion): void {
  nameKey(root, name);
  checkPaths(files);
  const what = isSha256(digest) ? null : 'the digest is no sha256';
  const problem = what ?? (modelFiles < 1 || modelFiles > files.length ? 'a version has one file at least' : null);
  if (problem !== null) throw new PrescoreError('USAGE', { what: problem });
  if (by.trim() === '') throw new PrescoreError('USAGE', { what: 'nobody is said to add the version' });
}
