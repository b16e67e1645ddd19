import type { WrittenJob } from '../../base/contract/job.ts';
import type { ObjectInfo, StoreResolver } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { compileGlob, type Glob, whyIgnored } from '../../job/values/glob.ts';
import { expandTemplate } from '../../job/values/template.ts';
import { deltaFiles } from './delta-inputs.ts';
import type { InputObject } from './input-object.ts';
import { pathValuesOf } from './path-values.ts';
import { findTableFolder, type TableFolder } from './table-folder.ts';

/** What stood below the places that were listed and was not taken. */
export interface PassedOver {
  readonly uri: string;
  readonly why: string;
}

const EXAMPLES = 3;
/** Of what is passed over only so many are kept: there may be a million. */
const MOST_PASSED = 100;

/**
 * Lists the input of one partition, sorted by URI. Hidden names, bookkeeping of tables, folder markers and `.crc` files are passed
 * over. A URI without a pattern names one object, or a folder whose files are all taken. `onPassedOver` hears of names that
 * begin with `_` and look like data. Of a Delta table the files are those that its log names, whatever lies in its folder.
 *
 * Errors: INPUT_NOT_FOUND when nothing matches, with what was passed over; INPUT_SCHEMA for path values; those of
 * `findTableFolder`, of `deltaFiles` and of the store.
 */
export async function listInputs(
  job: WrittenJob,
  partition: string | null,
  stores: StoreResolver,
  onPassedOver: (one: PassedOver) => void = () => undefined,
): Promise<InputObject[]> {
  const found = new Map<string, InputObject>();
  const asked: string[] = [];
  const passed: PassedOver[] = [];
  const versions = new Map<string, number>();
  for (const template of job.input.uris) {
    const uri = expandTemplate(template, partition);
    asked.push(uri);
    const { store } = stores.at(uri);
    const pass: Pass = (key, why) => {
      if (passed.length < MOST_PASSED) passed.push({ uri: store.uriOf(key), why });
    };
    const table = await tableOf(uri, job, stores);
    if (table !== null) {
      for (const input of await deltaFiles(job, uri, table, stores, versions)) found.set(input.uri, input);
      continue;
    }
    for await (const { key, size, etag } of matches(uri, stores, pass)) {
      const object = store.uriOf(key);
      found.set(object, { uri: object, size, etag, pathValues: pathValuesOf(object, job.input.pathColumns) });
    }
  }
  if (found.size === 0) {
    throw new PrescoreError('INPUT_NOT_FOUND', {
      what: 'input matched no file',
      where: asked.join(', '),
      ...(passed.length === 0 ? sayTables(versions) : { got: sayPassed(passed) }),
    });
  }
  for (const one of passed) if (looksLikeData(one)) onPassedOver(one);
  return [...found.values()].sort((a, b) => (a.uri < b.uri ? -1 : 1));
}

function sayTables(versions: ReadonlyMap<string, number>): { readonly got?: string } {
  const tables = [...versions].map(
    ([uri, version]) => `${uri}, a Delta table whose version ${version} has no file there`,
  );
  return tables.length === 0 ? {} : { got: tables.join(', ') };
}

/** The Delta table that a URI means, or means a part of; null for plain files. */
async function tableOf(uri: string, job: WrittenJob, stores: StoreResolver): Promise<TableFolder | null> {
  const { store, key } = stores.at(uri);
  const glob = compileGlob(key);
  const place = placeOf(glob);
  const isAsked = job.input.table !== undefined;
  // Who names a file means that file.
  const single = glob.isPattern || isAsked ? null : await store.head(glob.prefix);
  if (single !== null && single.size > 0) return null;
  const found = await findTableFolder(store, place, stores);
  if (found !== null || !isAsked) return found;
  throw new PrescoreError('INPUT_NOT_FOUND', {
    what: 'input.table is delta, and there is no Delta table',
    where: uri,
    expected: `a folder with commits in ${store.uriOf(place)}_delta_log/`,
  });
}

/** The folder before the first sign of a pattern, with its slash; of what is no pattern the folder of that name. */
function placeOf({ isPattern, prefix }: Pick<Glob, 'isPattern' | 'prefix'>): string {
  if (isPattern) return prefix.slice(0, prefix.lastIndexOf('/') + 1);
  return prefix === '' ? '' : `${prefix}/`;
}

type Pass = (key: string, why: string) => void;

async function* matches(uri: string, stores: StoreResolver, pass: Pass): AsyncGenerator<ObjectInfo> {
  const { store, key } = stores.at(uri);
  const glob = compileGlob(key);
  if (glob.isPattern) return yield* listed(glob, store.list(glob.prefix), pass);
  const place = placeOf(glob);
  const single = await store.head(glob.prefix);
  if (single !== null && single.size > 0) return yield single;
  const isData = (at: string): boolean => whyIgnored(at.slice(place.length)) === null;
  let found = 0;
  for await (const info of listed({ prefix: place, matches: isData }, store.list(place), pass)) {
    found++;
    yield info;
  }
  // Consoles of object stores mark a folder by an empty object of its name.
  if (single !== null && found === 0) yield single;
}

async function* listed(
  { prefix, matches }: { readonly prefix: string; readonly matches: (key: string) => boolean },
  objects: AsyncIterable<ObjectInfo>,
  pass: Pass,
): AsyncGenerator<ObjectInfo> {
  const start = prefix.lastIndexOf('/') + 1;
  const empty: ObjectInfo[] = [];
  const folders = new Set<string>();
  for await (const info of objects) {
    const { key } = info;
    if (matches(key)) {
      if (info.size === 0) empty.push(info);
      else yield info;
    } else {
      const why = whyIgnored(key.slice(start));
      if (why !== null) pass(key, why);
    }
    if (empty.length > 0) noteFolders(key, folders);
  }
  // A marker is listed before what lies in its folder.
  for (const info of empty) if (!folders.has(info.key)) yield info;
}

function noteFolders(key: string, folders: Set<string>): void {
  for (let slash = key.lastIndexOf('/'); slash > 0; slash = key.lastIndexOf('/', slash - 1)) {
    const folder = key.slice(0, slash);
    if (folders.has(folder)) return;
    folders.add(folder);
  }
}

function looksLikeData({ uri, why }: PassedOver): boolean {
  return why === 'a name that begins with _' && /\.(parquet|pq|arrow|arrows|feather|ipc)$/i.test(uri);
}

function sayPassed(passed: readonly PassedOver[]): string {
  const shown = passed.slice(0, EXAMPLES).map(({ uri, why }) => `${uri} (${why})`);
  const count = passed.length >= MOST_PASSED ? 'many' : passed.length - EXAMPLES;
  const more = passed.length > EXAMPLES ? ` and ${count} more` : '';
  return `only what is passed over: ${shown.join(', ')}${more}`;
}
