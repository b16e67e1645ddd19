import type { ErrorCode } from '../../base/errors/error-codes.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';

type Rule = readonly [pattern: RegExp, code: ErrorCode, fix?: string];

const LINK = 'Check that the server runs and can be reached from here, then start the same command again.';

/** Replies and socket errors by what they mean; the first that fits holds. */
const RULES: readonly Rule[] = [
  [/\b(NOAUTH|WRONGPASS|NOPERM|DENIED)\b|invalid password|invalid username-password/i, 'PREDICTIONS_DENIED'],
  [/\bOOM\b/, 'PREDICTIONS_FULL'],
  [
    /\bMISCONF\b/,
    'PREDICTIONS_FULL',
    'Free disk on the server, or mend what its log says about saving, then publish again.',
  ],
  [/\bREADONLY\b/, 'PREDICTIONS_READONLY'],
  [
    /DB index is out of range|SELECT is not allowed/,
    'PREDICTIONS_CONFIG',
    'Give a database number that the server has; most have 0 to 15, a cluster has 0 only.',
  ],
  [/^(MOVED|ASK) /, 'PREDICTIONS_CONFIG', 'The server is part of a cluster: use a redis+cluster:// URL.'],
  [/cluster support disabled/i, 'PREDICTIONS_CONFIG', 'The server is no cluster: use a redis:// URL.'],
  [
    /No such master|invalid reply: null/,
    'PREDICTIONS_CONFIG',
    'The sentinels do not know a primary of this name: check it.',
  ],
  [
    /^(ERR_SSL|ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_OSSL|EPROTO)|certificate|SSL routines|wrong version number/i,
    'PREDICTIONS_CONFIG',
    'Check that the server speaks TLS at this port, and give its authority, for example by NODE_EXTRA_CA_CERTS.',
  ],
  [
    /Protocol error|Unknown RESP type/,
    'PREDICTIONS_CONFIG',
    'Something other than a Redis answers there: check the address.',
  ],
  [/unknown command|wrong number of arguments/i, 'PREDICTIONS_CONFIG', 'Use Redis 6.2 or newer, or Valkey.'],
  [
    /\bWRONGTYPE\b/,
    'PREDICTIONS_CONFIG',
    'A key of another program has the name of one of ours: use a database of its own.',
  ],
];

/** Replies after which the same command may work a moment later. */
const PASSING = /^(LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|NOREPLICAS)\b/;
/** What the client library says when it has nothing to say about the reason. */
export const CLOSED =
  /Connection is closed|Command aborted|max retries per request|sentinels are unreachable and retry is disabled\.$/;
const LOST =
  /Connection is closed|Command aborted|max retries|isn't writeable|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|Socket timeout|startup nodes|slots cache|sentinels are unreachable|no sentinel could help|Socket closed|closed unexpectedly/i;

/** Text and code of whatever a client library threw; its own objects hold arguments of commands and are not kept. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, lastNodeError, errors } = error as { code?: unknown; lastNodeError?: unknown; errors?: unknown };
  if (lastNodeError instanceof Error) return errorText(lastNodeError);
  // Both families of an address refused: the first says enough.
  if (Array.isArray(errors) && errors.length > 0) return errorText(errors[0]);
  const text = error.message.replace(/^All sentinels are unreachable.*Last error: /, 'no sentinel could help: ');
  return typeof code === 'string' && !text.includes(code) ? `${code}: ${text}` : text;
}

/** What an error of the server or of the way to it means, once. Errors: none. */
export function redisError(error: unknown, where: string): PrescoreError {
  if (isPrescoreError(error)) return error;
  const text = errorText(error);
  const rule = RULES.find(([pattern]) => pattern.test(text));
  const code = rule?.[1] ?? 'PREDICTIONS_UNAVAILABLE';
  const fix = rule === undefined ? (PASSING.test(text) ? undefined : LINK) : rule[2];
  return new PrescoreError(code, {
    what: CLOSED.test(text)
      ? 'the connection was lost'
      : text.split('\n')[0]!.replace(/(\. Please report this)?\.?$/, ''),
    where,
    ...(fix === undefined ? {} : { fix }),
  });
}

/** Whether trying again shortly may help: the server starts, fails over, or the connection went away. */
export function isPassing(error: unknown): boolean {
  if (isPrescoreError(error)) return false;
  const text = errorText(error);
  return PASSING.test(text) || (LOST.test(text) && !RULES.some(([pattern]) => pattern.test(text)));
}
