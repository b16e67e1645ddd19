import { existsSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import type { WrittenJob } from '../../base/contract/job.ts';
import type { TableVersion } from '../../base/contract/plan.ts';
import { type FolderLayout, folderLayout } from '../../job/draft/folder-layout.ts';

/** The input of a draft: what its folders say, and how it is named. */
export interface DraftInput {
  readonly layout: FolderLayout;
  readonly uris: string | readonly string[];
  /** A file that the draft reads. */
  readonly first: string;
}

const MOST_FILES = 50;

/**
 * How a draft names its input. `asked` is what was given, as seen from the job file; `files` are all that the job lists, absolute.
 * Where the job file and so its output lie in the folder that was given, the files are named one by one: a folder that holds the
 * output is no input.
 *
 * Errors: none.
 */
export function draftInput(
  asked: readonly string[],
  job: WrittenJob,
  files: readonly string[],
  target: string,
  hasOwnOutput: boolean,
): DraftInput {
  const layout = layoutOf(asked, job, files);
  const chosen = files.filter((file) => isChosen(file, layout, files));
  const first = chosen[0] ?? files[0] ?? '';
  const [uri = '', another] = job.input.uris;
  const folder = `${uri.replace(/\/+$/, '')}/`;
  const isAround = another === undefined && files[0] !== uri && `${dirname(target)}/`.startsWith(folder);
  if (isAround && !hasOwnOutput && layout.partitions === null && chosen.length <= MOST_FILES) {
    const note = `the tables that are there now (${layout.notes[0] ?? 'the folder holds the output too'}); a folder of their own could be read whole`;
    return {
      layout: { ...layout, notes: [note] },
      uris: chosen.map((file) => seenFrom(target, escapeGlob(file))),
      first,
    };
  }
  return { layout, uris: another === undefined ? layout.uri : asked, first };
}

/** The input of a draft over Delta tables: named as it was asked for, since their logs say what counts. Errors: none. */
export function deltaInput(
  asked: readonly string[],
  files: readonly string[],
  tables: readonly TableVersion[],
): DraftInput {
  const says = tables.map(({ uri, version }) => `${uri} (version ${version} now)`).join(', ');
  const layout = { uri: asked[0] ?? '', partitions: null, pathColumns: {}, notes: [], table: `a Delta table: ${says}` };
  return { layout, uris: asked.length > 1 ? asked : layout.uri, first: files[0] ?? '' };
}

function layoutOf(input: readonly string[], job: WrittenJob, files: readonly string[]): FolderLayout {
  const [only, another] = input;
  const [uri = ''] = job.input.uris;
  const isFile = files.length === 1 && files[0] === uri;
  if (only === undefined || another !== undefined || isFile) {
    return { uri: only ?? '', partitions: null, pathColumns: {}, notes: [] };
  }
  const fixed = uri.slice(0, `${uri}*`.search(/[*?[]/));
  const root = /[*?[]/.test(uri) ? fixed.slice(0, fixed.lastIndexOf('/') + 1) : `${uri.replace(/\/+$/, '')}/`;
  return folderLayout(only, root, files);
}

/** Whether a file is one that the draft reads: in a mixed folder only those of the table are. */
function isChosen(uri: string, { uri: pattern }: FolderLayout, files: readonly string[]): boolean {
  const ending = /\*(\.[a-z]+)$/.exec(pattern)?.[1];
  return files.length === 1 || ending === undefined || uri.endsWith(ending);
}

/** A file whose name has signs of a glob is meant as it is. */
export function literal(text: string): string {
  const isFile = !/^[a-z0-9+.-]+:/i.test(text) && /[*?[]/.test(text) && existsSync(text);
  return isFile ? escapeGlob(text) : text;
}

function escapeGlob(text: string): string {
  return text.replace(/[*?[]/g, '[$&]');
}

/** A local file as seen from the job file, so that the folder can be moved as a whole. */
export function seenFrom(target: string, uri: string): string {
  if (!uri.startsWith('/')) return uri;
  const near = relative(dirname(target), uri);
  const closing = uri.endsWith('/') && near !== '' ? '/' : '';
  if (near === '') return './';
  return near.startsWith('../../../..') ? uri : `${near}${closing}`;
}
