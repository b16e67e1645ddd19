import type { Job } from '../contract/job.ts';
import { PrescoreError } from '../errors/prescore-error.ts';
import { BAD, checkShape } from './check-shape.ts';
import { compileJob } from './compile-job.ts';
import { IssueList } from './issues.ts';
import { JOB_SHAPE, JOB_VERSION } from './job-fields.ts';
import { lintJob } from './lint-job.ts';
import { readTree } from './read-tree.ts';
import type { SpecNode } from './tree.ts';

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

/**
 * Reads a job file (YAML 1.2 or JSON) into a frozen Job: defaults filled in, units resolved, URIs absolute. Pure: does no
 * I/O and reads no environment.
 *
 * Errors: SPEC_SYNTAX and SPEC_TOO_LARGE at once; SPEC_VERSION for a newer format; else one error for all problems, with
 * `details.detail` (a line each) and `details.data.issues` (objects): SPEC_SECRET when one is a credential,
 * OUTPUT_OVERLAPS_INPUT when that is all that is wrong, SPEC_INVALID otherwise. Repeat: safe.
 */
export function parseJob(text: string, { path, baseUri, resolveUri }: ParseOptions): Job {
  const issues = new IssueList();
  const tree = readTree(text, path, issues);
  refuseOtherVersion(tree, path);
  const file = checkShape(JOB_SHAPE, tree, [], { issues, resolveUri: (uri) => resolveUri(uri, baseUri) });
  const job = file === BAD ? null : compileJob(file);
  if (job !== null) lintJob(job, tree, issues);
  const error = issues.toError(path);
  if (error !== null) throw error;
  if (job === null)
    throw new PrescoreError('INTERNAL', { what: 'a job file was refused without a reason', where: path });
  return job;
}

/** A newer file has keys that we cannot judge, so its version is the only thing to tell. */
function refuseOtherVersion(tree: SpecNode, path: string): void {
  const version = tree.kind === 'map' ? tree.entries.get('prescore')?.value : undefined;
  if (version?.kind !== 'scalar' || typeof version.value !== 'number') return;
  if (!Number.isInteger(version.value) || version.value <= JOB_VERSION) return;
  throw new PrescoreError('SPEC_VERSION', {
    what: `the job file has version ${version.value} of the format; this prescore reads version ${JOB_VERSION}`,
    where: `${path}:${version.at.line}:${version.at.column}`,
    fix: 'Install a newer prescore, or write the file for the version that this one reads.',
    data: { version: version.value, supported: JOB_VERSION },
  });
}
