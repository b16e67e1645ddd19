import { ERROR_CODES, type ErrorCode } from '../../base/errors/error-codes.ts';
import type { PrescoreError } from '../../base/errors/prescore-error.ts';

interface Entry {
  readonly status: number;
  readonly own: boolean | 'words';
  /** What the client can do is said too. */
  readonly isAdvised?: true;
}

/**
 * The HTTP status of each error that a request can meet; any other code is a fault of the server (500). `own`: the message says
 * what was wrong with the request, or (`words`) with the key or the model, without the place; the others say only what the table of errors
 * says, so that nothing of the inside gets out.
 */
const STATUS: Partial<Readonly<Record<ErrorCode, Entry>>> = {
  HTTP_REQUEST: { status: 400, own: true },
  KEY_INVALID: { status: 400, own: true },
  LIVE_REQUEST: { status: 400, own: true },
  HTTP_UNAUTHORIZED: { status: 401, own: false },
  HTTP_FORBIDDEN: { status: 403, own: true },
  HTTP_ORIGIN: { status: 403, own: false },
  HTTP_NOT_FOUND: { status: 404, own: false, isAdvised: true },
  SET_UNKNOWN: { status: 404, own: false },
  LIVE_MODEL_UNKNOWN: { status: 404, own: false },
  PREDICTION_NOT_FOUND: { status: 404, own: 'words', isAdvised: true },
  FEATURES_NOT_FOUND: { status: 404, own: false, isAdvised: true },
  HTTP_METHOD: { status: 405, own: false },
  HTTP_TIMEOUT: { status: 408, own: false },
  HTTP_TOO_LARGE: { status: 413, own: true },
  HTTP_MEDIA_TYPE: { status: 415, own: true },
  HTTP_HOST: { status: 421, own: false },
  FEATURES_INVALID: { status: 422, own: true },
  LIVE_CANCELLED: { status: 499, own: false },
  LIVE_OVERLOADED: { status: 503, own: 'words' },
  LIVE_MODEL_BROKEN: { status: 503, own: 'words' },
  LIVE_UNAVAILABLE: { status: 503, own: false },
  SERVER_OVERLOADED: { status: 503, own: false },
  PREDICTION_TOO_OLD: { status: 503, own: false },
  PREDICTIONS_UNAVAILABLE: { status: 503, own: false },
  PREDICTIONS_DENIED: { status: 503, own: false },
  PREDICTIONS_CONFIG: { status: 503, own: false },
  PREDICTIONS_LOST: { status: 503, own: false },
  FEATURES_UNAVAILABLE: { status: 503, own: false },
  LIVE_DEADLINE: { status: 504, own: false },
};

/** A model that fails in its work is no fault of ours. What the runtime says of it may hold values of other requests. */
const OF_MODEL: Entry = { status: 500, own: false };

/** Seconds after which a 503 may be tried again. */
export const RETRY_AFTER_S = 1;
/** A model that could not be loaded is tried again after a minute. */
const BROKEN_AFTER_S = 60;

/** What a client is told of an error. */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly requestId?: string;
  /** Name of the part of the request, such as `keys[3]`. */
  readonly where?: string;
}

export function statusOf(code: ErrorCode): number {
  return entryOf(code)?.status ?? 500;
}

/** What Retry-After says; null where it would be of no use. */
export function retryAfterS(code: ErrorCode): number | null {
  if (statusOf(code) !== 503) return null;
  return code === 'LIVE_MODEL_BROKEN' ? BROKEN_AFTER_S : RETRY_AFTER_S;
}

/** The error in words that are safe to send: no places, addresses or stacks of the server. */
export function bodyOf(error: PrescoreError): ErrorBody {
  const { code, details } = error;
  const entry = entryOf(code);
  if (entry === undefined || entry.own === false) {
    const shown = entry === undefined ? 'INTERNAL' : code;
    const { meaning, fix } = ERROR_CODES[shown];
    return { code: shown, message: entry?.isAdvised === true ? `${meaning} ${fix}` : meaning };
  }
  const parts = [details.what];
  if (details.expected !== undefined) parts.push(`expected ${details.expected}`);
  if (details.got !== undefined) parts.push(`got ${details.got}`);
  const message = entry.isAdvised === true ? `${parts.join('; ')} ${error.fix}` : parts.join('; ');
  return entry.own === 'words' || details.where === undefined
    ? { code, message }
    : { code, message, where: details.where };
}

function entryOf(code: ErrorCode): Entry | undefined {
  return STATUS[code] ?? (code.startsWith('MODEL_') ? OF_MODEL : undefined);
}
