import type { Job, WrittenJob } from '../../../../src/base/contract/job.ts';
import { isPrescoreError, PrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import { parseJob } from '../../../../src/job/parse/parse-job.ts';
import type { SpecIssue } from '../../../../src/job/tree/issues.ts';
import { pinned } from '../../../harness/pinned-job.ts';

export const SHA256 = 'ab'.repeat(32);

/** A job as an object; `with` replaces top-level keys, undefined removes one. */
export function jobText(replaced: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    prescore: 1,
    name: 'flight-delay',
    model: { uri: 'model.onnx', sha256: SHA256 },
    input: { uri: 'in/*.parquet' },
    output: { uri: 'out' },
    ...replaced,
  });
}

/** Stands in for the object store's own reading of URIs: relative to `/base`, with `..` and bad buckets refused. */
export function resolveUri(text: string): string {
  if (/^s3:\/\/[a-z0-9][a-z0-9.-]*(\/|$)/.test(text) || text.startsWith('file:///')) return text;
  if (text.includes('://') || text.startsWith('file:') || text.split('/').includes('..')) {
    throw new PrescoreError('URI_INVALID', { what: 'cannot be used', got: JSON.stringify(text) });
  }
  return text.startsWith('/') ? `file://${text}` : `file:///base/${text}`;
}

/** A job that names its model by its file. */
export function parse(text: string): Job {
  return pinned(parseWritten(text));
}

export function parseWritten(text: string): WrittenJob {
  return parseJob(text, { path: 'job.yaml', baseUri: 'file:///base/', resolveUri });
}

/** The error that a text is refused with; fails when it is not refused, or with something else than a PrescoreError. */
export function refusal(text: string): PrescoreError {
  try {
    parse(text);
  } catch (error) {
    if (isPrescoreError(error)) return error;
    throw error;
  }
  throw new Error('the job file was accepted');
}

/** The problems of a refused text. */
export function issuesOf(text: string): readonly SpecIssue[] {
  return (refusal(text).details.data?.['issues'] ?? []) as readonly SpecIssue[];
}

/** The one problem of a refused text. */
export function issueOf(text: string): SpecIssue {
  const issues = issuesOf(text);
  const [issue] = issues;
  if (issue === undefined || issues.length > 1) throw new Error(`expected one problem, got ${JSON.stringify(issues)}`);
  return issue;
}
