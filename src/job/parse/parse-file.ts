import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { IssueList } from '../tree/issues.ts';
import { readTree } from '../tree/read-tree.ts';
import type { SpecNode } from '../tree/tree.ts';
import type { CheckContext } from './check-context.ts';
import { BAD } from './check-shape.ts';

export interface ParseOptions {
  /** Of the file, as the user knows it; for messages. */
  readonly path: string;
  /** URI of the folder that relative paths start from. */
  readonly baseUri: string;
  /**
   * Absolute URI of a path or URI of the file. Placeholders and glob characters must come through unchanged. May throw
   * URI_INVALID, which becomes one of the problems.
   */
  readonly resolveUri: (text: string, baseUri: string) => string;
}

/** A kind of file that users write. */
export interface FileFormat<F, T> {
  /** Such as `job file`. */
  readonly says: string;
  /** `checkShape` with the format's own shape. */
  readonly check: (tree: SpecNode, context: CheckContext) => F | typeof BAD;
  /** The key that holds the version, and the version that this package reads. */
  readonly versionKey: string;
  readonly version: number;
  /** From the checked file to what the rest of prescore works with. */
  readonly compile: (file: F) => T;
  /** Rules between keys. */
  readonly lint: (compiled: T, tree: SpecNode, issues: IssueList) => void;
}

/**
 * Reads a file (YAML 1.2 or JSON) of a format: defaults filled in, units resolved, URIs absolute. Pure: does no I/O and
 * reads no environment.
 *
 * Errors: SPEC_SYNTAX and SPEC_TOO_LARGE at once; SPEC_VERSION for a newer format; else one error for all problems, with
 * `details.detail` (a line each) and `details.data.issues` (objects): SPEC_SECRET when one is a credential,
 * OUTPUT_OVERLAPS_INPUT or SPEC_DRAFT when that is all that is wrong, SPEC_INVALID otherwise. Repeat: safe.
 */
export function parseFile<F, T>(
  text: string,
  format: FileFormat<F, T>,
  { path, baseUri, resolveUri }: ParseOptions,
): T {
  const issues = new IssueList();
  const tree = readTree(text, path, issues);
  refuseOtherKind(tree, path, format);
  refuseOtherVersion(tree, path, format);
  const file = format.check(tree, {
    issues,
    resolveUri: (uri, asWritten = (folder) => folder) => resolveUri(uri, asWritten(baseUri)),
  });
  const compiled = file === BAD ? null : format.compile(file);
  if (compiled !== null) format.lint(compiled, tree, issues);
  const error = issues.toError(path);
  if (error !== null) throw error;
  if (compiled === null)
    throw new PrescoreError('INTERNAL', { what: `a ${format.says} was refused without a reason`, where: path });
  return compiled;
}

const KINDS = {
  prescore: { says: 'job file', command: 'run' },
  'prescore-serve': { says: 'serve file', command: 'serve' },
  'prescore-stream': { says: 'stream file', command: 'stream' },
} as const;

/** A file for another command has nothing that can be mended. */
function refuseOtherKind(
  tree: SpecNode,
  path: string,
  { says, versionKey }: { readonly says: string; readonly versionKey: string },
): void {
  if (tree.kind !== 'map' || tree.entries.has(versionKey)) return;
  for (const [key, kind] of Object.entries(KINDS)) {
    if (!tree.entries.has(key)) continue;
    throw new PrescoreError('SPEC_INVALID', {
      what: `this is a ${kind.says}, as prescore ${kind.command} takes it`,
      where: path,
      expected: `a ${says}, which begins with ${versionKey}: 1`,
      fix: `What one looks like: prescore help ${says.replace(' ', '-')}.`,
    });
  }
}

/** A newer file has keys that we cannot judge, so its version is the only thing to tell. */
function refuseOtherVersion(
  tree: SpecNode,
  path: string,
  { says, versionKey, version: own }: { readonly says: string; readonly versionKey: string; readonly version: number },
): void {
  const version = tree.kind === 'map' ? tree.entries.get(versionKey)?.value : undefined;
  if (version?.kind !== 'scalar' || typeof version.value !== 'number') return;
  if (!Number.isInteger(version.value) || version.value <= own) return;
  throw new PrescoreError('SPEC_VERSION', {
    what: `the ${says} has version ${version.value} of the format; this prescore reads version ${own}`,
    where: `${path}:${version.at.line}:${version.at.column}`,
    fix: 'Install a newer prescore, or write the file for the version that this one reads.',
    data: { version: version.value, supported: own },
  });
}
