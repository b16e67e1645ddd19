import type { PlannedFile } from '../../base/contract/plan.ts';
import type { ColumnInfo } from '../../base/contract/table.ts';
import { isPathColumn } from '../../data/duckdb/local-slice.ts';
import { type AskedColumn, areFlat, flatPlaces } from '../../data/parquet/flat-leaves.ts';
import type { ParquetFooter, RowSpan } from '../../data/parquet/parquet-footer.ts';
import type { LocalizeOptions } from './located-slice.ts';

/** What a planned file's columns are called, and read as. Files of the same columns share one. */
export interface FileView {
  readonly columns: readonly ColumnInfo[];
  /** Column -> DuckDB's name in the file. Columns of its path and computed ones are not in it. */
  readonly names: ReadonlyMap<string, string>;
  readonly casts: ReadonlyMap<string, string>;
  readonly fileNames: ReadonlyMap<string, string>;
  /** Features by what they are read from, and their leaves, by the columns of footers; null where DuckDB reads them. */
  readonly leaves: WeakMap<
    ParquetFooter['columns'],
    { readonly features: readonly string[]; readonly places: readonly number[] | null }
  >;
}

const known = new WeakMap<readonly ColumnInfo[], { readonly path: string; readonly view: FileView }>();

/** The view of a file. Errors: none. */
export function viewOf({ columns, pathValues }: PlannedFile): FileView {
  const path = Object.keys(pathValues).join('\0');
  const found = known.get(columns);
  if (found?.path === path) return found.view;
  const own = columns.filter((c) => c.computedFrom === undefined && !isPathColumn(pathValues, c.name));
  const view: FileView = {
    columns: own,
    names: new Map(own.map((c) => [c.name, c.duckName ?? c.name])),
    casts: new Map(own.flatMap((c) => (c.storedAs === undefined ? [] : [[c.name, c.type] as const]))),
    fileNames: new Map(columns.flatMap((c) => (c.fileName === undefined ? [] : [[c.name, c.fileName]]))),
    leaves: new WeakMap(),
  };
  known.set(columns, { path, view });
  return view;
}

/**
 * Leaves of the feature columns, where they can be read without DuckDB: those that stand in the file, with the types that were planned, in row
 * groups that are not too large; null for others.
 */
export function flatLeavesOf(
  view: FileView,
  footer: ParquetFooter,
  spans: readonly RowSpan[],
  { columns: features, mostBytes }: NonNullable<LocalizeOptions['flat']>,
): readonly number[] | null {
  let found = view.leaves.get(footer.columns);
  if (found?.features !== features) {
    found = { features, places: placesOf(view, footer, features) };
    view.leaves.set(footer.columns, found);
  }
  return found.places === null || !areFlat(footer, found.places, spans, mostBytes) ? null : found.places;
}

function placesOf(view: FileView, footer: ParquetFooter, features: readonly string[]): readonly number[] | null {
  const own = new Map(view.columns.map((c) => [c.name, c]));
  const asked: AskedColumn[] = [];
  for (const name of features) {
    const column = own.get(name);
    if (column === undefined || column.storedAs !== undefined) return null;
    asked.push({ name: view.fileNames.get(name) ?? name, type: column.type });
  }
  return flatPlaces(footer, asked);
}
