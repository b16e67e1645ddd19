import type { ObjectStore, StoreResolver } from '../../base/contract/object-store.ts';
import type { DeletedRows, TableVersion } from '../../base/contract/plan.ts';
import type { ColumnInfo } from '../../base/contract/table.ts';
import { type FoundLog, findLog } from './find-log.ts';
import { fitColumns } from './fit-columns.ts';
import { damaged } from './log-fault.ts';
import { type PartitionValue, partitionValue } from './partition-value.ts';
import { replayCommits } from './read-commits.ts';
import { checkProtocol } from './reader-features.ts';
import { type AddedFile, Replay } from './replay.ts';
import { type TableColumn, tableColumns } from './table-schema.ts';

/** A data file that counts in a version of a table. */
export interface DataFile {
  readonly uri: string;
  /** Bytes, as the log says. */
  readonly size: number;
  /** Partition column to a text that DuckDB casts exactly; null for a null. */
  readonly values: Readonly<Record<string, string | null>>;
  readonly deleted?: DeletedRows;
}

/** A version of a Delta table: its columns, and which files count. */
export interface Snapshot {
  readonly table: TableVersion;
  readonly columns: readonly TableColumn[];
  /** Sorted by URI. */
  readonly files: readonly DataFile[];
  /** The columns of the table as a data file with these columns has them; the same array for the same array. */
  fit(own: readonly ColumnInfo[]): readonly ColumnInfo[];
}

const known = new WeakMap<
  StoreResolver,
  Map<string, { readonly version: number; readonly snapshot: Promise<Snapshot> }>
>();

/**
 * The version of the Delta table with this root (a key, with its slash or empty); null: the newest. Whatever is asked last of a table is
 * kept for the next who asks for the same version.
 *
 * Errors: INPUT_TABLE_VERSION, INPUT_TABLE_LOG, INPUT_UNSUPPORTED for what the table needs of its reader; those of the store.
 */
export async function readSnapshot(
  store: ObjectStore,
  root: string,
  version: number | null,
  stores: StoreResolver,
): Promise<Snapshot> {
  const found = await findLog(store, root, version);
  const kept = known.get(stores) ?? new Map<string, { version: number; snapshot: Promise<Snapshot> }>();
  known.set(stores, kept);
  const uri = store.uriOf(root);
  const last = kept.get(uri);
  if (last?.version === found.version) return last.snapshot;
  const snapshot = replayed(store, root, found);
  kept.set(uri, { version: found.version, snapshot });
  snapshot.catch(() => kept.delete(uri));
  return snapshot;
}

async function replayed(store: ObjectStore, root: string, { version, checkpoint }: FoundLog): Promise<Snapshot> {
  const replay = new Replay(store.uriOf(root));
  if (checkpoint !== null) {
    const { replayCheckpoint } = await import('./read-checkpoint.ts');
    await replayCheckpoint(store, root, checkpoint, replay);
  }
  await replayCommits(store, root, (checkpoint?.version ?? -1) + 1, version, replay);
  const uri = store.uriOf(root).replace(/\/+$/, '');
  const where = `${uri} (version ${version})`;
  const isMapped = checkProtocol(replay.protocol, replay.metadata, where);
  const columns = tableColumns(replay.metadata, isMapped, where);
  return new DeltaSnapshot({ format: 'delta', uri, version }, columns, replay.added);
}

class DeltaSnapshot implements Snapshot {
  readonly table: TableVersion;
  readonly columns: readonly TableColumn[];
  readonly files: readonly DataFile[];
  private readonly fits = new WeakMap<readonly ColumnInfo[], readonly ColumnInfo[]>();
  private readonly values = new Map<AddedFile['partitionValues'], DataFile['values']>();

  constructor(table: TableVersion, columns: readonly TableColumn[], added: readonly AddedFile[]) {
    this.table = table;
    // A partition column whose values cannot be read is one that no job can use.
    const unzoned = new Set<string>();
    this.files = added
      .map((file): DataFile => {
        const { place, size, deleted } = file;
        const values = this.valuesOf(file, columns, unzoned);
        return { uri: place, size, values, ...(deleted === undefined ? {} : { deleted }) };
      })
      .sort((a, b) => (a.uri < b.uri ? -1 : 1));
    this.columns = columns.map((c) => (unzoned.has(c.name) ? { ...c, type: null, says: UNZONED } : c));
  }

  fit(own: readonly ColumnInfo[]): readonly ColumnInfo[] {
    const found = this.fits.get(own) ?? fitColumns(this.columns, own);
    this.fits.set(own, found);
    return found;
  }

  private valuesOf(file: AddedFile, columns: readonly TableColumn[], unzoned: Set<string>): DataFile['values'] {
    const found = this.values.get(file.partitionValues);
    if (found !== undefined) return found;
    const values = new Map<string, string | null>();
    for (const { name, physicalName, type, isPartition } of columns) {
      if (!isPartition || type === null) continue;
      const text = Object.hasOwn(file.partitionValues, physicalName) ? file.partitionValues[physicalName] : undefined;
      const value: PartitionValue = text === undefined ? { kind: 'invalid' } : partitionValue(text, type);
      if (value.kind === 'unzoned') unzoned.add(name);
      if (value.kind === 'invalid') {
        const what = `partition column ${JSON.stringify(name)} has no value of type ${type} in the log`;
        throw damaged(what, file.place, JSON.stringify(text ?? null));
      }
      values.set(name, value.kind === 'value' ? value.text : null);
    }
    const made = Object.fromEntries(values);
    this.values.set(file.partitionValues, made);
    return made;
  }
}

const UNZONED = 'timestamp, with partition values whose zone only their writer knows';
