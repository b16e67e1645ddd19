import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { ErrorCode } from '../../base/errors/error-codes.ts';
import { type PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { bodyOf, RETRY_AFTER_S } from '../http/http-status.ts';

const STATUS: Partial<Readonly<Record<ErrorCode, status>>> = {
  HTTP_REQUEST: status.INVALID_ARGUMENT,
  LIVE_REQUEST: status.INVALID_ARGUMENT,
  HTTP_TOO_LARGE: status.INVALID_ARGUMENT,
  HTTP_UNAUTHORIZED: status.UNAUTHENTICATED,
  HTTP_FORBIDDEN: status.PERMISSION_DENIED,
  HTTP_NOT_FOUND: status.NOT_FOUND,
  LIVE_MODEL_UNKNOWN: status.NOT_FOUND,
  LIVE_OVERLOADED: status.RESOURCE_EXHAUSTED,
  SERVER_OVERLOADED: status.RESOURCE_EXHAUSTED,
  LIVE_DEADLINE: status.DEADLINE_EXCEEDED,
  LIVE_UNAVAILABLE: status.UNAVAILABLE,
  LIVE_MODEL_BROKEN: status.FAILED_PRECONDITION,
  LIVE_CANCELLED: status.CANCELLED,
};

/** Statuses after which a client may ask again, and is told when. */
const AGAIN: ReadonlySet<status> = new Set([status.RESOURCE_EXHAUSTED, status.UNAVAILABLE]);

/** An error as a gRPC status, in the words that HTTP has for it. */
export function toServiceError(thrown: unknown): Pick<ServiceError, 'code' | 'details' | 'metadata'> {
  const error: PrescoreError = toPrescoreError(thrown);
  const code = STATUS[error.code] ?? status.INTERNAL;
  const { message, where } = bodyOf(error);
  const metadata = new Metadata();
  metadata.set('prescore-code', bodyOf(error).code);
  if (AGAIN.has(code)) metadata.set('grpc-retry-pushback-ms', String(RETRY_AFTER_S * 1000));
  // A status goes as a header: long texts and other than ASCII are escaped by the library, and cut here.
  const details = where === undefined ? message : `${where}: ${message}`;
  return { code, details: details.slice(0, 1000), metadata };
}
