import type { ObjectInfo, ObjectStore } from '../../base/contract/object-store.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { LOG_FOLDER, readLogName, versionDigits } from './log-names.ts';

/** The files that a version of a table is made of: a checkpoint, and the commits after it. */
export interface FoundLog {
  readonly version: number;
  /** Null: the log is whole from its first commit on. */
  readonly checkpoint: Checkpoint | null;
}

export interface Checkpoint {
  readonly version: number;
  /** In the order of its parts. */
  readonly files: readonly ObjectInfo[];
}

/**
 * Finds what a version of the table with this root (a key, with its slash or empty) is made of; null: the newest. Only names are looked
 * at, from the checkpoint that `_last_checkpoint` names on, or near the version: a log of 100,000 commits is not listed where a
 * checkpoint spares it.
 *
 * Errors: INPUT_TABLE_VERSION with those that exist, INPUT_TABLE_LOG where the log has no beginning; those of the store.
 */
export async function findLog(store: ObjectStore, root: string, version: number | null): Promise<FoundLog> {
  const log = `${root}${LOG_FOLDER}`;
  const hint = await lastCheckpoint(store, `${log}_last_checkpoint`);
  if (hint !== null && (version === null || hint <= version)) {
    const names = await LogListing.of(store, log, '0', hint);
    const found = names.find(version);
    // The hint may name what is not there any more.
    if (found !== null && found.checkpoint !== null) return found;
  }
  for (const digits of version === null ? [] : narrowing(versionDigits(version))) {
    const found = (await LogListing.of(store, log, digits)).find(version);
    if (found !== null && (found.checkpoint !== null || /^0*$/.test(digits))) return found;
    if (/^0*$/.test(digits)) break;
  }
  const all = await LogListing.of(store, log, '0');
  const found = all.find(version);
  const where = store.uriOf(root).replace(/\/+$/, '');
  const isWhole = found !== null && (found.checkpoint !== null || all.hasCommit(0));
  if (found === null || (!isWhole && version !== null)) throw all.missing(version, where);
  if (!isWhole) {
    const what = 'the log of the table has no beginning: neither its first commit nor a whole checkpoint is there';
    throw new PrescoreError('INPUT_TABLE_LOG', { what, where, got: all.says() });
  }
  return found;
}

/** Prefixes that hold ever more versions around one. */
function narrowing(digits: string): string[] {
  return Array.from({ length: digits.length - 1 }, (_, i) => digits.slice(0, digits.length - 1 - i));
}

/** The version that `_last_checkpoint` names: a hint, so whatever is wrong with it, there is none. */
async function lastCheckpoint(store: ObjectStore, key: string): Promise<number | null> {
  try {
    const found = await store.get(key);
    if (found === null) return null;
    const hint: unknown = JSON.parse(Buffer.from(found.bytes).toString());
    const version = typeof hint === 'object' && hint !== null && 'version' in hint ? hint.version : null;
    return typeof version === 'number' && Number.isSafeInteger(version) && version >= 0 ? version : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    if (isPrescoreError(error) && error.code === 'STORE_CORRUPT') return null;
    throw error;
  }
}

/** Names of a log, of some of its versions. */
class LogListing {
  private readonly commits = new Set<number>();
  /** By version, then by its count of parts (of checkpoints of one file the last name): the parts that are there. */
  private readonly checkpoints = new Map<number, Map<number, Map<number, ObjectInfo>>>();

  /** Those whose digits begin so; with `from` only of this version and later. */
  static async of(store: ObjectStore, log: string, digits: string, from?: number): Promise<LogListing> {
    const listing = new LogListing();
    const after = from === undefined ? undefined : `${log}${versionDigits(from)}`;
    for await (const info of store.list(`${log}${digits}`, after)) listing.add(info, info.key.slice(log.length));
    return listing;
  }

  hasCommit(version: number): boolean {
    return this.commits.has(version);
  }

  /** Null: there is no such version here. */
  find(wanted: number | null): FoundLog | null {
    const whole = [...this.checkpoints.keys()].filter((version) => this.filesOf(version) !== null);
    const newest = [...this.commits, ...whole].reduce((most, version) => Math.max(most, version), -1);
    const version = wanted ?? newest;
    if (version < 0 || !(this.commits.has(version) || whole.includes(version))) return null;
    const start = whole.filter((v) => v <= version).reduce((most, v) => Math.max(most, v), -1);
    const files = this.filesOf(start);
    return { version, checkpoint: files === null ? null : { version: start, files } };
  }

  missing(version: number | null, where: string): PrescoreError {
    if (version === null) {
      const what = 'the log of the table holds no commit and no whole checkpoint';
      return new PrescoreError('INPUT_TABLE_LOG', { what, where });
    }
    const what = `the table has no version ${version}`;
    return new PrescoreError('INPUT_TABLE_VERSION', { what, where, expected: this.says(), got: `${version}` });
  }

  /** The versions that can be read, for people. */
  says(): string {
    const whole = [...this.checkpoints.keys()].filter((version) => this.filesOf(version) !== null);
    const readable = [...this.commits, ...whole].sort((a, b) => a - b);
    const first = this.commits.has(0) ? 0 : whole.reduce((least, v) => Math.min(least, v), Number.POSITIVE_INFINITY);
    const last = readable.at(-1);
    if (last === undefined) return 'no version';
    if (first > last) return `commits ${readable[0]} to ${last}`;
    return first === last ? `version ${last} alone` : `versions ${first} to ${last}`;
  }

  private add(info: ObjectInfo, name: string): void {
    const read = readLogName(name);
    if (read?.kind === 'commit') this.commits.add(read.version);
    if (read?.kind !== 'checkpoint') return;
    const kinds = this.checkpoints.get(read.version) ?? new Map<number, Map<number, ObjectInfo>>();
    const parts = kinds.get(read.parts) ?? new Map<number, ObjectInfo>();
    this.checkpoints.set(read.version, kinds.set(read.parts, parts.set(read.part, info)));
  }

  /** The files of a whole checkpoint, the one of fewest parts; null where a part is missing. */
  private filesOf(version: number): readonly ObjectInfo[] | null {
    const kinds = [...(this.checkpoints.get(version) ?? [])].sort(([a], [b]) => a - b);
    for (const [parts, found] of kinds) {
      if (found.size !== parts) continue;
      const files = Array.from({ length: parts }, (_, i) => found.get(i + 1)).filter((file) => file !== undefined);
      if (files.length === parts) return files;
    }
    return null;
  }
}
