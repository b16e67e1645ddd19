import { toPrescoreError } from '../../base/errors/prescore-error.ts';
import type { Logger } from '../../base/telemetry/logger.ts';
import { bodyOf, type ErrorBody, retryAfterS, statusOf } from './http-status.ts';
import { traceFields } from './request-trace.ts';

export const JSON_TYPE = 'application/json; charset=utf-8';

/** An answer that is not yet written to a connection. Names of headers are in lower case. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What an error needs to know of the request that it answers. */
export interface FailedRequest {
  readonly id: string;
  readonly traceparent: string | string[] | undefined;
}

export type ErrorWriter = (error: ErrorBody) => unknown;

export const plainError: ErrorWriter = (error) => ({ error });

/** Headers of every answer. */
export function commonHeaders(requestId: string): Record<string, string> {
  return { 'x-request-id': requestId, 'x-content-type-options': 'nosniff' };
}

/**
 * The answer to an error: its status, its code and words that are safe to send. A fault of our own is logged.
 *
 * Errors: none.
 */
export function errorAnswer(thrown: unknown, request: FailedRequest, log: Logger, say = plainError): HttpAnswer {
  const error = toPrescoreError(thrown);
  const status = statusOf(error.code);
  if (status === 500)
    log.error({ requestId: request.id, ...traceFields(request.traceparent), err: error }, 'a request failed');
  const headers: Record<string, string> = { 'cache-control': 'no-store', 'content-type': JSON_TYPE };
  const retryAfter = retryAfterS(error.code);
  if (retryAfter !== null) headers['retry-after'] = String(retryAfter);
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  // What comes after such an answer on its connection may be the rest of a body that nobody reads.
  if (status === 413 || status === 415 || status === 408) headers['connection'] = 'close';
  return { status, headers, body: JSON.stringify(say({ ...bodyOf(error), requestId: request.id })) };
}
