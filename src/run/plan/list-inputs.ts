import type { Job } from '../../base/contract/job.ts';
import type { ObjectInfo, StoreResolver } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { compileGlob, whyIgnored } from '../../job/values/glob.ts';
import { expandTemplate } from '../../job/values/template.ts';
import { pathValuesOf } from './path-values.ts';

/** One input object, pinned by what the store said of it. */
export interface InputObject {
  readonly uri: string;
  readonly size: number;
  readonly etag: string;
  /** As texts that DuckDB casts exactly; null for a null. */
  readonly pathValues: Readonly<Record<string, string | null>>;
}

/** What stood below the places that were listed and was not taken. */
export interface PassedOver {
  readonly uri: string;
  readonly why: string;
}

const EXAMPLES = 3;

/**
 * Lists the input of one partition, sorted by URI. Hidden names, bookkeeping of tables, folder markers and `.crc` files are passed
 * over. A URI without a pattern names one object, or a folder whose files are all taken. `onPassedOver` hears of names that
 * begin with `_` and look like data.
 *
 * Errors: INPUT_NOT_FOUND when nothing matches, with what was passed over; INPUT_SCHEMA for path values; those of the store.
 */
export async function listInputs(
  job: Job,
  partition: string | null,
  stores: StoreResolver,
  onPassedOver: (one: PassedOver) => void = () => undefined,
): Promise<InputObject[]> {
  const found = new Map<string, InputObject>();
  const asked: string[] = [];
  const passed: PassedOver[] = [];
  for (const template of job.input.uris) {
    const uri = expandTemplate(template, partition);
    asked.push(uri);
    const { store } = stores.at(uri);
    const listed = await matches(uri, stores);
    for (const { key, why } of listed.passedOver) passed.push({ uri: store.uriOf(key), why });
    for (const info of listed.taken) {
      const object = store.uriOf(info.key);
      const pathValues = pathValuesOf(object, job.input.pathColumns);
      found.set(object, { uri: object, size: info.size, etag: info.etag, pathValues });
    }
  }
  if (found.size === 0) {
    throw new PrescoreError('INPUT_NOT_FOUND', {
      what: 'input matched no file',
      where: asked.join(', '),
      ...(passed.length === 0 ? {} : { got: sayPassed(passed) }),
    });
  }
  for (const one of passed) if (looksLikeData(one)) onPassedOver(one);
  return [...found.values()].sort((a, b) => (a.uri < b.uri ? -1 : 1));
}

interface Listed {
  readonly taken: readonly ObjectInfo[];
  readonly passedOver: readonly { readonly key: string; readonly why: string }[];
}

async function matches(uri: string, stores: StoreResolver): Promise<Listed> {
  const { store, key } = stores.at(uri);
  const glob = compileGlob(key);
  if (glob.isPattern) return listed(glob, store.list(glob.prefix));
  const single = await store.head(glob.prefix);
  if (single !== null && single.size > 0) return { taken: [single], passedOver: [] };
  const folder = `${glob.prefix}/`;
  const below = await listed(
    { prefix: folder, matches: (at) => whyIgnored(at.slice(folder.length)) === null },
    store.list(folder),
  );
  // Consoles of object stores mark a folder by an empty object of its name.
  return single !== null && below.taken.length === 0 ? { ...below, taken: [single] } : below;
}

async function listed(
  { prefix, matches }: { readonly prefix: string; readonly matches: (key: string) => boolean },
  objects: AsyncIterable<ObjectInfo>,
): Promise<Listed> {
  const start = prefix.lastIndexOf('/') + 1;
  const passedOver: { readonly key: string; readonly why: string }[] = [];
  const empty: ObjectInfo[] = [];
  const taken: ObjectInfo[] = [];
  const folders = new Set<string>();
  for await (const info of objects) {
    const { key } = info;
    if (matches(key)) (info.size === 0 ? empty : taken).push(info);
    else {
      const why = whyIgnored(key.slice(start));
      if (why !== null) passedOver.push({ key, why });
    }
    if (empty.length > 0) noteFolders(key, folders);
  }
  // Markers are listed before what lies in their folder.
  const files = empty.filter(({ key }) => !folders.has(key));
  for (const { key } of empty) if (folders.has(key)) passedOver.push({ key, why: 'a folder marker' });
  return { taken: [...taken, ...files], passedOver };
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
  const more = passed.length > EXAMPLES ? ` and ${passed.length - EXAMPLES} more` : '';
  return `only what is passed over: ${shown.join(', ')}${more}`;
}
