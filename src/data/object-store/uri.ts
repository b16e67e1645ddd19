import { resolve } from 'node:path';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { schemeAdvice } from './foreign-schemes.ts';

/** A place that was understood. File keys are absolute paths without the leading slash; S3 keys are kept byte for byte. */
export type ParsedUri =
  | { readonly kind: 'file'; readonly key: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly key: string };

const LONGEST_S3_KEY = 1024;
// dbfs:/path has one slash; read as a path, it would be a folder of that name.
const SCHEME = /^(?:([a-z][a-z0-9+.-]*):\/\/|(dbfs):\/)/i;

/**
 * Reads a plain path, `file:///abs` or `s3://bucket/key`. Plain paths are taken literally (no escapes, no `~`), relative
 * ones against `baseFolder`. `file:` URIs are percent-decoded once; S3 keys never are. A trailing slash is kept.
 *
 * Errors: URI_INVALID. Repeat: safe.
 */
export function parseUri(text: string, baseFolder: string): ParsedUri {
  if (text === '') throw invalid(text, 'it is empty');
  if (text.includes('\0')) throw invalid(text, 'it holds a NUL character');
  if (!text.isWellFormed()) throw invalid(text, 'it is not valid Unicode');
  if (/^file:/i.test(text)) return { kind: 'file', key: parseFileUri(text) };
  const [, named, bare] = SCHEME.exec(text) ?? [];
  const scheme = (named ?? bare)?.toLowerCase();
  if (scheme === undefined) return { kind: 'file', key: parsePlainPath(text, baseFolder) };
  if (scheme === 's3') return parseS3Uri(text);
  const { what, fix } = schemeAdvice(scheme, text);
  throw invalid(text, what, fix);
}

/**
 * The text of a place; `parseUri` gives the place back. A file is its plain absolute path and an S3 key is not escaped, so
 * that people can read it, placeholders and glob signs stay what they are, and names can be appended as they are.
 */
export function formatUri(uri: ParsedUri): string {
  return uri.kind === 's3' ? `s3://${uri.bucket}/${uri.key}` : `/${uri.key}`;
}

/**
 * The normal form of a URI or path, fit to be kept in a plan.
 *
 * Errors: URI_INVALID. Repeat: safe.
 */
export function resolveUri(text: string, baseFolder: string): string {
  return formatUri(parseUri(text, baseFolder));
}

/** A key below a prefix, with one slash between them; the empty prefix is the root. */
export function joinKey(prefix: string, relative: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix + relative : `${prefix}/${relative}`;
}

function parsePlainPath(text: string, baseFolder: string): string {
  if (/^~(\/|$)/.test(text)) throw invalid(text, '~ is not expanded', 'Write the path of your home folder out.');
  return withoutLeadingSlash(resolve(baseFolder, text), text);
}

function parseFileUri(text: string): string {
  const match = /^file:\/\/([^/]*)(\/.*)$/is.exec(text);
  if (match === null) throw invalid(text, 'a file: URI has three slashes', 'Write file:///abs/path, or a plain path.');
  if (match[1] !== '') throw invalid(text, 'a file: URI must not name a host', 'Write file:///abs/path.');
  const path = match[2]!;
  const fix = 'Write % as %25; %2F and %00 cannot be used.';
  if (/%2f|%00/i.test(path)) throw invalid(text, 'it escapes a character that no file name can hold', fix);
  try {
    // "?" and "#" are ordinary characters of file names, hence no URL object.
    return withoutLeadingSlash(resolve(decodeURIComponent(path)), path);
  } catch {
    throw invalid(text, 'its percent escapes cannot be decoded', fix);
  }
}

/** `resolve` drops a trailing slash, which means "the folder's content" in a prefix. */
function withoutLeadingSlash(absolute: string, text: string): string {
  const key = absolute.slice(1);
  return key !== '' && text.endsWith('/') ? `${key}/` : key;
}

function parseS3Uri(text: string): ParsedUri {
  const rest = text.slice('s3://'.length);
  const slash = rest.indexOf('/');
  const bucket = slash === -1 ? rest : rest.slice(0, slash);
  const reason = bucketProblem(bucket);
  if (reason !== null) throw invalid(text, reason);
  return checked({ kind: 's3', bucket, key: slash === -1 ? '' : rest.slice(slash + 1) }, text);
}

function checked(uri: ParsedUri, text: string): ParsedUri {
  if (uri.kind === 's3' && Buffer.byteLength(uri.key) > LONGEST_S3_KEY) {
    throw invalid(text, `its key is longer than ${LONGEST_S3_KEY} bytes`);
  }
  return uri;
}

function bucketProblem(bucket: string): string | null {
  if (bucket === '') return 'it names no bucket';
  if (bucket.includes('@')) return 'credentials do not belong into a URI';
  if (bucket.length < 3 || bucket.length > 63) return 'a bucket name has 3 to 63 characters';
  if (!/^[a-z0-9][a-z0-9.-]*[a-z0-9]$/.test(bucket)) {
    return 'a bucket name holds only a-z, 0-9, "." and "-" and starts and ends with a letter or digit';
  }
  if (bucket.includes('..')) return 'a bucket name must not hold two dots in a row';
  if (/^\d+\.\d+\.\d+\.\d+$/.test(bucket)) return 'a bucket name must not look like an IP address';
  return null;
}

function invalid(text: string, reason: string, fix?: string): PrescoreError {
  // What stands before an @ may be a credential.
  const where = text.replace(/:\/\/[^/]*@/, '://***@');
  return new PrescoreError('URI_INVALID', { what: reason, where, ...(fix === undefined ? {} : { fix }) });
}
