import type { Job } from '../../base/contract/job.ts';
import type { ObjectInfo, StoreResolver } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { compileGlob } from '../../job/values/glob.ts';
import { expandTemplate } from '../../job/values/template.ts';

/** One input object, pinned by what the store said of it. */
export interface InputObject {
  readonly uri: string;
  readonly size: number;
  readonly etag: string;
  readonly pathValues: Readonly<Record<string, string>>;
}

/**
 * Lists the input of one partition, sorted by URI. Names that begin with `_` or `.`, folder markers and `.crc` files are
 * left out. A URI without a glob names one object, or a folder whose files are all taken.
 *
 * Errors: INPUT_NOT_FOUND when nothing matches; those of the store.
 */
export async function listInputs(job: Job, partition: string | null, stores: StoreResolver): Promise<InputObject[]> {
  const found = new Map<string, InputObject>();
  const asked: string[] = [];
  for (const template of job.input.uris) {
    const uri = expandTemplate(template, partition);
    asked.push(uri);
    const { store } = stores.at(uri);
    for await (const info of matches(uri, stores)) {
      const object = store.uriOf(info.key);
      found.set(object, { uri: object, size: info.size, etag: info.etag, pathValues: pathValues(object, job) });
    }
  }
  if (found.size === 0)
    throw new PrescoreError('INPUT_NOT_FOUND', { what: 'input matched no file', where: asked.join(', ') });
  return [...found.values()].sort((a, b) => (a.uri < b.uri ? -1 : 1));
}

async function* matches(uri: string, stores: StoreResolver): AsyncGenerator<ObjectInfo> {
  const { store, key } = stores.at(uri);
  let glob = compileGlob(key);
  if (!glob.isPattern) {
    const single = await store.head(key);
    if (single !== null) {
      yield single;
      return;
    }
    glob = compileGlob(`${key}/`);
  }
  for await (const info of store.list(glob.prefix)) {
    if (!info.key.endsWith('/') && glob.matches(info.key)) yield info;
  }
}

function pathValues(uri: string, job: Job): Record<string, string> {
  const values: Record<string, string> = {};
  for (const column of Object.keys(job.input.pathColumns)) {
    const segment = uri.split('/').find((s) => s.startsWith(`${column}=`));
    if (segment === undefined) {
      throw new PrescoreError('INPUT_SCHEMA', {
        what: `input.pathColumns.${column}: the path has no segment ${column}=…`,
        where: uri,
      });
    }
    values[column] = decodeSegment(segment.slice(column.length + 1));
  }
  return values;
}

function decodeSegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not percent-encoded: the text is the value.
    return text;
  }
}
