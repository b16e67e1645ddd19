import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectInfo, ObjectStore } from '../../base/contract/object-store.ts';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import type { Duck } from '../../data/duckdb/duckdb.ts';
import { pinnedSource } from '../../data/object-store/pinned-source.ts';
import { type ParquetFooter, readParquetFooter } from '../../data/parquet/parquet-footer.ts';
import { writeSparse } from '../../data/parquet/sparse-file.ts';
import { ownIdentity } from '../ledger/process-identity.ts';
import type { Checkpoint } from './find-log.ts';
import { damaged, type Fields, isFields } from './log-fault.ts';
import { LOG_FOLDER } from './log-names.ts';
import { readLogFile, replayLines } from './read-commits.ts';
import type { Replay } from './replay.ts';

const DUCK_BYTES = 512 * 1024 * 1024;
const SCRATCH_BYTES = 4 * 1024 * 1024 * 1024;
/** Actions that are values of JavaScript at a time. */
const ROWS_A_QUERY = 50_000;

/**
 * Replays a checkpoint: of one file, in parts, or of the second kind, whose files of actions lie in `_sidecars`. Of each action only what
 * `Replay` looks at is read. Tombstones say nothing of what counts and are passed over.
 *
 * Errors: INPUT_TABLE_LOG for what is damaged, missing or not whole; those of the store.
 */
export async function replayCheckpoint(
  store: ObjectStore,
  root: string,
  checkpoint: Checkpoint,
  replay: Replay,
): Promise<void> {
  const sidecars = new Set<string>();
  const noteSidecar = (action: Fields, where: string): void => {
    if (!isFields(action['sidecar'])) return;
    const { path } = action['sidecar'];
    if (typeof path !== 'string') throw damaged('a checkpoint names a sidecar without a path', where);
    sidecars.add(`${root}${LOG_FOLDER}_sidecars/${decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))}`);
  };
  const scratch = await makeScratch();
  // Loaded when it is needed: most tables are read without.
  const { Duck } = await import('../../data/duckdb/duckdb.ts');
  const duck = await Duck.open({ memoryBytes: DUCK_BYTES, scratchDir: scratch, scratchBytes: SCRATCH_BYTES });
  const read = async (file: ObjectInfo): Promise<void> => {
    const where = store.uriOf(file.key);
    if (!file.key.endsWith('.json')) return replayParquet(duck, store, file, scratch, replay, noteSidecar);
    const bytes = await readLogFile(store, file.key);
    if (bytes === null) throw damaged('a checkpoint of the table is gone', where);
    replayLines(bytes, where, replay, (action) => noteSidecar(action, where));
  };
  try {
    for (const file of checkpoint.files) await read(file);
    for (const key of sidecars) {
      const info = await store.head(key);
      if (info === null)
        throw damaged(`checkpoint ${checkpoint.version} needs a sidecar that is missing`, store.uriOf(key));
      await read(info);
    }
    // Asked for now, since commits after it may bring them.
    if (!replay.isBegun)
      throw damaged('a checkpoint has no protocol or no metadata', store.uriOf(checkpoint.files[0]!.key));
  } finally {
    duck.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A folder that whoever finds it can tell to be left over (as cli/processes/scratch-folder does). */
async function makeScratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'prescore-delta-'));
  await writeFile(join(folder, 'owner.json'), JSON.stringify(ownIdentity()));
  return folder;
}

async function replayParquet(
  duck: Duck,
  store: ObjectStore,
  file: ObjectInfo,
  scratch: string,
  replay: Replay,
  onAction: (action: Fields, where: string) => void,
): Promise<void> {
  const where = store.uriOf(file.key);
  const source = pinnedSource({ store, key: file.key, uri: where }, file.size, file.etag);
  try {
    const footer = await readParquetFooter(source, where);
    const here = store.localPath(file.key);
    const path = here ?? join(scratch, file.key.slice(file.key.lastIndexOf('/') + 1));
    if (here === null) await writeSparse(source, path, [], [{ offset: 0, length: file.size }]);
    const { parquetSource } = await import('../../data/duckdb/duckdb.ts');
    const select = selected(footer);
    const kinds = Object.keys(select);
    if (kinds.length === 0) throw damaged('a checkpoint has no column of actions', where);
    for (let from = 0; from < footer.rows; from += ROWS_A_QUERY) {
      const rows = await duck.rows(`select ${Object.values(select).join(', ')} from ${parquetSource(path)}
        where file_row_number >= ${from} and file_row_number < ${from + ROWS_A_QUERY}`);
      for (const row of rows) {
        const action = Object.fromEntries(
          kinds.flatMap((kind, i) => (typeof row[i] === 'string' ? [[kind, JSON.parse(row[i])]] : [])),
        );
        replay.take(action, where);
        onAction(action, where);
      }
    }
    if (here === null) await rm(path);
  } catch (error) {
    if (isPrescoreError(error) && !/^INPUT_(FO|TR|EM|CO)/.test(error.code)) throw error;
    const got = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw damaged('a checkpoint of the table cannot be read', where, got);
  }
}

/** SQL for the actions as JSON, by kind; null where a row is of another kind. Columns that are not there are null. */
function selected({ leaves }: ParquetFooter): Readonly<Record<string, string>> {
  const has = (path: string): boolean => leaves.some((leaf) => leaf.path === path || leaf.path.startsWith(`${path}.`));
  const fields = (kind: string, names: readonly string[]): string =>
    names.flatMap((name) => (has(`${kind}.${name}`) ? [`'${name}': "${kind}"."${name}"`] : [])).join(', ');
  const json = (kind: string, key: string, names: readonly string[]): readonly (readonly [string, string])[] =>
    has(`${kind}.${key}`)
      ? [
          [
            kind,
            `case when "${kind}"."${key}" is not null then to_json({${fields(kind, names)}})::VARCHAR end`,
          ] as const,
        ]
      : [];
  return Object.fromEntries([
    ...json('add', 'path', ['path', 'size', 'partitionValues', 'deletionVector']),
    ...json('protocol', 'minReaderVersion', ['minReaderVersion', 'readerFeatures']),
    ...json('metaData', 'schemaString', ['id', 'format', 'schemaString', 'partitionColumns', 'configuration']),
    ...json('sidecar', 'path', ['path']),
  ]);
}
