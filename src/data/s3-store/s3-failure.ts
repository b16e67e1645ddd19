import type { S3Calls, S3Head } from './s3-calls.ts';

/** What is known of a failed request, without the SDK's types and without credentials. */
export interface S3Failure {
  /** The error code of the store (`NoSuchKey`), of Node (`ECONNRESET`), or the name of the error. */
  readonly code: string;
  /** The HTTP status, where an answer came. */
  readonly status: number | null;
  readonly message: string;
  readonly requestId: string | null;
  /** The region that the store says is right. */
  readonly region: string | null;
  /** What the store asks to wait, in milliseconds. */
  readonly retryAfterMs: number | null;
}

/** A body or answer that is not what was asked for, worth another try. `name` tells which. */
export class BadAnswer extends Error {
  constructor(name: 'TruncatedBody' | 'WrongBody' | 'IncompleteAnswer', message: string) {
    super(message);
    this.name = name;
  }
}

/** Reads the facts out of anything that a request threw. */
export function failureOf(error: unknown): S3Failure {
  const name = text(error, 'name') ?? 'Error';
  const nodeCode = text(error, 'code');
  const metadata = field(error, '$metadata');
  const status = number(metadata, 'httpStatusCode');
  const headers = field(field(error, '$response'), 'headers');
  const retryAfter = Number(text(headers, 'retry-after') ?? Number.NaN);
  return {
    code: status === null && nodeCode !== null ? nodeCode : name,
    status,
    message: redact(text(error, 'message') ?? String(error)),
    requestId: text(metadata, 'requestId'),
    region: text(headers, 'x-amz-bucket-region') ?? text(error, 'Region'),
    retryAfterMs: Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter * 1000 : null,
  };
}

/** True when the key does not exist (in a bucket that does, as far as the answer tells). */
export function isMissing(error: unknown): boolean {
  const { code, status } = failureOf(error);
  return status === 404 && code !== 'NoSuchBucket';
}

/** HEAD with null for a key that does not exist. */
export async function headOrNull(calls: S3Calls, key: string, signal: AbortSignal): Promise<S3Head | null> {
  try {
    return await calls.head(key, signal);
  } catch (error) {
    if (isMissing(error)) return null;
    const { code, status } = failureOf(error);
    if (status === 403 && WORDLESS.test(code)) await hearWhy(calls, key, signal);
    throw error;
  }
}

/** What stands for the code of an answer without a body. */
const WORDLESS = /^(Unknown|UnknownError|403|Forbidden|Error)$/;

// The answer to a HEAD has no body, so that a refusal says nothing: a GET is refused with the reason.
async function hearWhy(calls: S3Calls, key: string, signal: AbortSignal): Promise<void> {
  const { body } = await calls.get(key, null, signal).catch((error: unknown) => {
    if (failureOf(error).status === 403) throw error;
    return { body: null };
  });
  body?.destroy();
}

/** What a condition failed on is gone when one looks: to be tried again, like the store's own conflicts. */
export function vanished(): Error {
  return Object.assign(new Error('an object was in the way and is gone now'), { name: 'ConditionalRequestConflict' });
}

/** A copy of an error that is safe to show: the SDK's own carries the request with its signature. */
export function safeCause(error: unknown): Error {
  const failure = failureOf(error);
  const copy = new Error(failure.message);
  copy.name = failure.code;
  if (error instanceof Error && error.stack !== undefined) copy.stack = redact(error.stack);
  return copy;
}

/** Some stores quote the whole Authorization header back. */
function redact(message: string): string {
  return message
    .replace(/AWS4-HMAC-SHA256.*/gs, '[redacted]')
    .replace(/\b(Authorization|Credential|Signature|X-Amz-Security-Token)=\S+/gi, '$1=[redacted]')
    .replace(/\b(AKIA|ASIA)[A-Z0-9]{12,}\b/g, '[redacted]');
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Reflect.get(value, name);
}

function text(value: unknown, name: string): string | null {
  const found = field(value, name);
  return typeof found === 'string' && found !== '' ? found : null;
}

function number(value: unknown, name: string): number | null {
  const found = field(value, name);
  return typeof found === 'number' ? found : null;
}
