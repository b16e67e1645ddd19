import type { WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { TableVersion } from '../../base/contract/plan.ts';
import type { FileDescription } from '../../base/contract/table.ts';
import { fromErrorJson, PrescoreError } from '../../base/errors/prescore-error.ts';
import { pinFiles } from '../delta/pin-files.ts';
import { selectFiles } from '../delta/select-files.ts';
import { readSnapshot } from '../delta/snapshot.ts';
import type { Described } from './describe-inputs.ts';
import type { InputObject } from './input-object.ts';
import { pathValuesOf } from './path-values.ts';
import type { TableFolder } from './table-folder.ts';

/**
 * The files that a URI means of a Delta table, pinned, with the values of its partition columns. `versions` keeps the version of each
 * table, so that all URIs of one input that name it see the same.
 *
 * Errors: those of `readSnapshot`, `selectFiles` and `pinFiles`; INPUT_SCHEMA for path columns that the table has as well.
 */
export async function deltaFiles(
  job: WrittenJob,
  uri: string,
  { store, root }: TableFolder,
  stores: StoreResolver,
  versions: Map<string, number>,
): Promise<InputObject[]> {
  const place = store.uriOf(root);
  const snapshot = await readSnapshot(store, root, versions.get(place) ?? job.input.table?.version ?? null, stores);
  versions.set(place, snapshot.table.version);
  const { pathColumns } = job.input;
  const twin = snapshot.columns.find(({ name }) => Object.hasOwn(pathColumns, name));
  if (twin !== undefined) {
    throw new PrescoreError('INPUT_SCHEMA', {
      what: `input.pathColumns.${twin.name}: the Delta table has a column of this name`,
      where: snapshot.table.uri,
      fix: "Remove it from input.pathColumns: the table's own column is used, with its values in the log.",
    });
  }
  // Counted in segments: signs of the root may be written in brackets.
  const behind = stores
    .at(uri)
    .key.split('/')
    .slice(root.split('/').length - 1);
  const files = selectFiles(snapshot, behind.join('/'), uri);
  const pinned = await pinFiles(snapshot.table, files, stores);
  return files.map((file, i): InputObject => {
    const { size, etag } = pinned[i]!;
    const paths = pathValuesOf(file.uri, pathColumns);
    const pathValues = Object.keys(pathColumns).length === 0 ? file.values : { ...paths, ...file.values };
    const { deleted } = file;
    return { uri: file.uri, size, etag, snapshot, ...(deleted === undefined ? {} : { deleted }), pathValues };
  });
}

/** What is asked of a file's footer or first lines. Errors: none. */
export function describeRequest(
  { input: { format, csv } }: WrittenJob,
  { uri, size, etag, snapshot }: InputObject,
): Pick<InputObject, 'uri' | 'size' | 'etag'> & Pick<WrittenJob['input'], 'format' | 'csv'> {
  return snapshot === undefined
    ? { uri, size, etag, format, ...(csv === undefined ? {} : { csv }) }
    : { uri, size, etag, format: 'parquet' };
}

/** Files of tables with the columns that their tables have; others as they are. Errors: none. */
export function fitToTables(objects: readonly InputObject[], results: readonly Described[]): readonly Described[] {
  return results.map((result, i) => {
    const { snapshot } = objects[i]!;
    if (snapshot === undefined || !result.ok) return result;
    return { ok: true, file: { ...result.file, columns: snapshot.fit(result.file.columns) } };
  });
}

/** One file, with the columns that its table has. `describe`: what a pool says of files. Errors: those of `describe`, and the file's. */
export async function describeOne(
  job: WrittenJob,
  object: InputObject,
  describe: (requests: ReturnType<typeof describeRequest>[]) => Promise<readonly Described[]>,
): Promise<FileDescription> {
  const found = fitToTables([object], await describe([describeRequest(job, object)]))[0]!;
  if (!found.ok) throw fromErrorJson(found.error);
  return found.file;
}

/** The tables that these files are of, each once. Errors: none. */
export function tablesOf(objects: readonly InputObject[]): readonly TableVersion[] {
  return [...new Set(objects.flatMap(({ snapshot }) => (snapshot === undefined ? [] : [snapshot.table])))];
}
