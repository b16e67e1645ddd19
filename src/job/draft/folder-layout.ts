import { pathType } from './path-type.ts';

/** What the folders of an input say: where partitions stand, and which of their names are columns. */
export interface FolderLayout {
  /** As the job file is to name it. */
  readonly uri: string;
  /** Partition folders below the input; null when there are none, or too many, or not everywhere the same. */
  readonly partitions: {
    readonly values: readonly string[] /** Such as `month={partition}`. */;
    readonly folder: string;
  } | null;
  /** Path key -> type word of the job file, for every key that all files have. */
  readonly pathColumns: Readonly<Record<string, string>>;
  /** Said of what was left aside; empty when nothing was. */
  readonly notes: readonly string[];
  /** Said of a Delta table, whose log is read in place of its folders; absent for plain files. */
  readonly table?: string;
}

const MOST_PARTITIONS = 1000;
const TABLE = /\.(parquet|pq|parq|arrow|arrows|feather|ipc)$/i;
const PARTITION = '{partition}';

/**
 * Looks at the names of the files of an input. `uri` is what was asked for, without a placeholder: a file, a folder or a glob;
 * `root` is the absolute URI of the folder before its first sign of a glob, with its slash; `files` are absolute URIs below it;
 *
 * Errors: none.
 */
export function folderLayout(uri: string, root: string, files: readonly string[]): FolderLayout {
  const relative = files.map((file) => file.slice(root.length));
  const isFolder = !/[*?[]/.test(uri);
  const asked = isFolder && !uri.endsWith('/') ? `${uri}/` : uri;
  const narrowed = isFolder ? narrow(relative) : { pattern: '', notes: [] };
  const tables = isFolder
    ? relative.filter((name) => narrowed.ending === undefined || name.endsWith(narrowed.ending))
    : relative;
  const keys = commonKeys(tables);
  const values = partitionValues(tables, keys);
  const pathColumns = Object.fromEntries(keys.map((key) => [key, pathType(valuesOf(tables, key))] as const));
  const folder = keys.length > 0 && values !== null ? `${keys[0]}=${PARTITION}` : null;
  const place = folder === null ? null : isFolder ? `${asked}${folder}/${narrowed.pattern}` : inGlob(asked, keys);
  if (folder === null || values === null || place === null) {
    const deep = tables.some((name) => name.includes('/')) ? '**/' : '';
    const plain = narrowed.pattern === '' ? uri : `${asked}${deep}${narrowed.pattern}`;
    return { uri: plain, partitions: null, pathColumns, notes: narrowed.notes };
  }
  return { uri: place, partitions: { values, folder }, pathColumns, notes: narrowed.notes };
}

interface Narrowed {
  /** Such as `*.parquet`; empty for all files. */
  readonly pattern: string;
  readonly ending?: string;
  readonly notes: readonly string[];
}

/** A folder may hold the model, the job file or a note beside its tables: then only the tables are meant. */
function narrow(files: readonly string[]): Narrowed {
  const others = files.filter((name) => !TABLE.test(name));
  const endings = new Set(files.flatMap((name) => TABLE.exec(name)?.[0] ?? []));
  const [ending] = endings;
  if (others.length === 0 || ending === undefined || endings.size > 1) return { pattern: '', notes: [] };
  const shown = others.slice(0, 3).map((name) => name.slice(name.lastIndexOf('/') + 1));
  const more = others.length > 3 ? `, … (${others.length})` : '';
  return {
    pattern: `*${ending}`,
    ending,
    notes: [`the folder holds other files (${shown.join(', ')}${more}): only *${ending} is read`],
  };
}

const segments = (file: string): string[] => file.split('/').slice(0, -1);
const HIVE = /^([^=]+)=(.*)$/;

/** Keys of the `key=value` folders, in order, when they are the same for all files and come first. */
function commonKeys(files: readonly string[]): string[] {
  let common: string[] | null = null;
  for (const file of files) {
    const parts = segments(file);
    const end = parts.findIndex((part) => !HIVE.test(part));
    const keys = parts.slice(0, end < 0 ? parts.length : end).map((part) => HIVE.exec(part)?.[1] ?? '');
    if (common !== null && keys.join('/') !== common.join('/')) return [];
    common = keys;
  }
  return new Set(common).size === (common?.length ?? 0) ? (common ?? []) : [];
}

function valuesOf(files: readonly string[], key: string): string[] {
  const found = files.map(
    (file) =>
      segments(file)
        .find((part) => part.startsWith(`${key}=`))
        ?.slice(key.length + 1) ?? '',
  );
  return [...new Set(found)];
}

/** What stands for the placeholder behind the first key, further levels included; null when one cannot be written so. */
function partitionValues(files: readonly string[], keys: readonly string[]): string[] | null {
  const [first] = keys;
  if (first === undefined) return null;
  const values = files.map((file) =>
    segments(file)
      .slice(0, keys.length)
      .join('/')
      .slice(first.length + 1),
  );
  const all = [...new Set(values)].sort();
  const isPlain = (value: string): boolean =>
    /^[^\u0000-\u001f\u007f*?[\]{}\\%#]+$/.test(value) && !/(^|\/)[_.]/.test(value);
  return all.length <= MOST_PARTITIONS && all.every(isPlain) ? all : null;
}

/** The glob with the placeholder in place of the star of its one partition folder; null when that is written in another way. */
function inGlob(glob: string, keys: readonly string[]): string | null {
  const [key] = keys;
  const at = glob.split('/');
  const stars = at.filter((segment) => segment.includes('*') && segment !== at.at(-1));
  if (keys.length !== 1 || stars.length !== 1 || stars[0] !== `${key}=*`) return null;
  return at.map((segment) => (segment === `${key}=*` ? `${key}=${PARTITION}` : segment)).join('/');
}
