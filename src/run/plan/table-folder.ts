import type { ObjectStore, StoreResolver } from '../../base/contract/object-store.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';

/** A format that is a folder of Parquet files and a log of which of them count. */
interface FolderFormat {
  readonly says: string;
  /** Folder of the log below the table's, and a name that only it holds. */
  readonly log: string;
  readonly mark: RegExp;
  /** The line that writes the rows that count. `mark` is the newest file that was found. Null: its log is read. */
  readonly convert: ((place: string, mark: string) => string) | null;
}

const FORMATS: readonly FolderFormat[] = [
  {
    says: 'a Delta table',
    log: '_delta_log/',
    mark: /^(\d{20}\.json|\d{20}\.checkpoint.*\.parquet|_last_checkpoint)$/,
    convert: null,
  },
  {
    says: 'an Iceberg table',
    log: 'metadata/',
    mark: /\.metadata\.json(\.gz)?$/,
    convert: (place, mark) =>
      `(pip install polars pyiceberg): python -c "import polars; polars.scan_iceberg('${place}/metadata/${mark}').collect().write_parquet('table.parquet')"`,
  },
  {
    says: 'a Hudi table',
    log: '.hoodie/',
    mark: /^hoodie\.properties$/,
    convert: (place) =>
      `(pip install hudi pyarrow): python -c "import hudi, pyarrow as a, pyarrow.parquet as p; p.write_table(a.Table.from_batches(hudi.HudiTableBuilder.from_base_uri('${place}').build().read()), 'table.parquet')"`,
  },
];

/** What each format is and the line that writes its rows; for the documentation. Errors: none. */
export function folderAdvice(place: string): readonly (readonly [says: string, line: string])[] {
  return FORMATS.flatMap(({ says, convert }) => (convert === null ? [] : [[says, convert(place, NEWEST)] as const]));
}

const NEWEST = 'NEWEST.metadata.json';

/** A Delta table. */
export interface TableFolder {
  readonly store: ObjectStore;
  /** The key of its folder, with its slash or empty. */
  readonly root: string;
}

/** Names of a log that are looked at. */
const MOST_NAMES = 1000;

interface Found {
  readonly format: FolderFormat;
  readonly root: string;
  readonly mark: string;
}

const known = new WeakMap<StoreResolver, Map<string, Promise<Found | null>>>();

/**
 * Whether the files of a folder alone are not the table: Delta, Iceberg and Hudi leave deleted and replaced rows in place and keep
 * a log of what counts. `folder` is the key of what is listed, with its slash or empty; folders above it are looked at as far as they may be the
 * table's. Each folder is looked at once for a resolver. Gives a Delta table, whose log is read; null for plain files.
 *
 * Errors: INPUT_UNSUPPORTED with the line that writes the table as it is now, where it is none of Delta; those of the store.
 */
export async function findTableFolder(
  store: ObjectStore,
  folder: string,
  stores: StoreResolver,
): Promise<TableFolder | null> {
  const seen = known.get(stores) ?? new Map<string, Promise<Found | null>>();
  known.set(stores, seen);
  const found = await Promise.all(
    rootsOf(folder).map((root) => {
      const place = store.uriOf(root);
      const looked = seen.get(place) ?? lookAt(store, root);
      seen.set(place, looked);
      looked.catch(() => seen.delete(place));
      return looked;
    }),
  );
  const first = found.find((one) => one !== null);
  if (first === undefined || first === null) return null;
  if (first.format.convert === null) return { store, root: first.root };
  throw refusal(first, first.format.convert, store.uriOf(first.root).replace(/\/+$/, ''));
}

/** The folder itself; the one above its partition folders; the one above `data`, where Iceberg puts its files. */
function rootsOf(folder: string): string[] {
  const above = folder.replace(/([^/=]+=[^/]*\/)+$/, '');
  const roots = [folder, above, above.replace(/(^|\/)data\/$/, '$1')];
  return [...new Set(roots)].filter((root) => root !== '' || folder === '');
}

async function lookAt(store: ObjectStore, root: string): Promise<Found | null> {
  const found = await Promise.all(
    FORMATS.map(async (format): Promise<Found | null> => {
      const mark = await newestMark(store, `${root}${format.log}`, format.mark);
      return mark === null ? null : { format, root, mark };
    }),
  );
  return found.find((one) => one !== null) ?? null;
}

async function newestMark(store: ObjectStore, prefix: string, mark: RegExp): Promise<string | null> {
  let newest: { readonly name: string; readonly modifiedMs: number } | null = null;
  let names = 0;
  try {
    for await (const { key, modifiedMs } of store.list(prefix)) {
      const name = key.slice(prefix.length);
      if (mark.test(name) && modifiedMs >= (newest?.modifiedMs ?? 0)) newest = { name, modifiedMs };
      if (++names >= MOST_NAMES) break;
    }
  } catch (error) {
    // Who may list the input only is asked for no more rights than that.
    if (!isPrescoreError(error) || error.code !== 'STORE_DENIED') throw error;
  }
  return newest?.name ?? null;
}

function refusal({ format, mark }: Found, convert: NonNullable<FolderFormat['convert']>, place: string): PrescoreError {
  const isPlain = (text: string): boolean => /^[A-Za-z0-9/_.:+=-]+$/.test(text);
  const line = convert(isPlain(place) ? place : 'TABLE', isPlain(mark) ? mark : NEWEST);
  return new PrescoreError('INPUT_UNSUPPORTED', {
    what: `the folder is ${format.says}: its files alone also hold rows that were deleted or replaced`,
    where: place,
    fix: `Write its rows as plain Parquet ${line}`,
    data: { format: format.says },
  });
}
