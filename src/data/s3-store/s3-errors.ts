import type { ErrorCode } from '../../base/errors/error-codes.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Outcome, Verdict } from '../object-store/retry.ts';
import { failureOf, type S3Failure, safeCause } from './s3-failure.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly what: string;
  readonly fix?: string;
  /** How often at most the request is sent; no limit but the deadline when left out. */
  readonly attempts?: number;
}

const KEYS_WRONG =
  'Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or the profile: they are not the ones of this store.';
const FEW = 5;

const busy: Meaning = { code: 'STORE_UNAVAILABLE', what: 'The store asks to slow down' };
const broken: Meaning = { code: 'STORE_UNAVAILABLE', what: 'The store failed' };
const conflict: Meaning = { code: 'STORE_UNAVAILABLE', what: 'Another request for the same key was at work' };
const network: Meaning = {
  code: 'STORE_UNAVAILABLE',
  what: 'The store cannot be reached or broke off',
  fix: 'Check that the store and the network are up, then start the same command again; finished chunks are kept.',
};
const expired: Meaning = {
  code: 'STORE_DENIED',
  what: 'The credentials have expired',
  fix: 'Get fresh credentials, then start the same command again; finished chunks are kept.',
  attempts: 1,
};
const elsewhere: Meaning = {
  code: 'STORE_CONFIG',
  what: 'The bucket belongs to another region or endpoint',
  fix: 'Set region (and endpoint) in stores: of the job file, or AWS_REGION.',
  attempts: 1,
};
const full: Meaning = { code: 'STORE_NO_SPACE', what: 'The store is full or its quota used up', attempts: 1 };
const certificate: Meaning = {
  code: 'STORE_CONFIG',
  what: "The store's TLS certificate is not trusted",
  fix: 'For a private CA set NODE_EXTRA_CA_CERTS to its certificate file; checks are never switched off.',
  attempts: 1,
};
const noTls: Meaning = {
  code: 'STORE_CONFIG',
  what: 'The endpoint does not speak the protocol of its URL',
  fix: 'Check http:// against https:// and the port of endpoint in stores:.',
  attempts: 2,
};
const denied: Meaning = { code: 'STORE_DENIED', what: 'The store refused the request', attempts: 1 };

const BY_CODE: Readonly<Record<string, Meaning>> = {
  ...same(
    busy,
    'SlowDown',
    'Throttling',
    'ThrottlingException',
    'RequestLimitExceeded',
    'TooManyRequests',
    'TooManyRequestsException',
  ),
  ...same(broken, 'InternalError', 'ServiceUnavailable', 'RequestTimeout', 'XMinioServerNotInitialized'),
  ...same(conflict, 'OperationAborted', 'ConditionalRequestConflict'),
  ...same(
    network,
    'ECONNRESET',
    'ECONNREFUSED',
    'ECONNABORTED',
    'EPIPE',
    'ETIMEDOUT',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
  ),
  ...same(
    network,
    'EHOSTDOWN',
    'ENETDOWN',
    'TimeoutError',
    'AbortError',
    'ERR_STREAM_PREMATURE_CLOSE',
    'TruncatedBody',
  ),
  ...same(expired, 'ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'InvalidToken'),
  ...same(elsewhere, 'PermanentRedirect', 'TemporaryRedirect', 'Redirect', 'AuthorizationHeaderMalformed'),
  ...same(elsewhere, 'IllegalLocationConstraintException', 'IncorrectEndpoint'),
  ...same(full, 'QuotaExceeded', 'InsufficientStorage', 'XMinioStorageFull', 'XMinioAdminBucketQuotaExceeded'),
  ...same(certificate, 'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
  ...same(certificate, 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_HAS_EXPIRED'),
  ...same(certificate, 'CERT_NOT_YET_VALID', 'ERR_TLS_CERT_ALTNAME_INVALID'),
  ...same(noTls, 'EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'HPE_INVALID_CONSTANT'),
  ...same({ ...denied, fix: KEYS_WRONG }, 'InvalidAccessKeyId', 'SignatureDoesNotMatch'),
  ...same(denied, 'AccessDenied', 'Forbidden', 'AllAccessDisabled', 'AccountProblem'),
  NoSuchBucket: {
    code: 'STORE_CONFIG',
    what: 'The bucket does not exist',
    fix: 'Create the bucket, or correct its name or the endpoint in stores:.',
    attempts: 1,
  },
  RequestTimeTooSkewed: {
    code: 'STORE_CONFIG',
    what: 'The clock of this machine is off',
    fix: 'Set the clock (NTP); requests are signed with the time.',
    // The SDK corrects its clock after the first answer.
    attempts: 3,
  },
  CredentialsProviderError: {
    code: 'STORE_DENIED',
    what: 'No credentials were found',
    fix: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile (AWS_PROFILE), or give the machine a role.',
    attempts: 2,
  },
  ENOTFOUND: {
    code: 'STORE_UNAVAILABLE',
    what: 'The host name of the store is unknown',
    fix: 'Check endpoint and region in stores:, pathStyle for stores without a host name per bucket, and the DNS.',
    attempts: FEW,
  },
  WrongBody: { code: 'STORE_CORRUPT', what: 'The store sent other bytes than were asked for', attempts: FEW },
  IncompleteAnswer: {
    code: 'STORE_CONFIG',
    what: 'The endpoint does not answer like an S3 store',
    fix: 'Check endpoint in stores: of the job file: is it the S3 port, not a console or a proxy page?',
    attempts: FEW,
  },
  NotImplemented: {
    code: 'STORE_CONFIG',
    what: 'The store does not know this kind of request',
    fix: 'Run prescore doctor, which lists what the store can do.',
    attempts: 1,
  },
  KeyTooLongError: { code: 'URI_INVALID', what: 'The key is too long for the store', attempts: 1 },
  InvalidBucketName: { code: 'URI_INVALID', what: 'The store does not accept this bucket name', attempts: 1 },
  ERR_INVALID_URL: {
    code: 'STORE_CONFIG',
    what: 'The endpoint is not a URL',
    fix: 'Write endpoint in stores: as http://host:port or https://host.',
    attempts: 1,
  },
};

const BY_STATUS: Readonly<Record<number, Meaning>> = {
  301: elsewhere,
  302: elsewhere,
  307: elsewhere,
  308: elsewhere,
  401: denied,
  403: denied,
  408: broken,
  409: conflict,
  425: busy,
  429: busy,
  501: { ...BY_CODE['NotImplemented']! },
  507: full,
};

/** Whether a failed request is sent again; an error that has its meaning already never is. */
export function judgeFailure(error: unknown): Verdict {
  if (isPrescoreError(error)) return { retry: false };
  const failure = failureOf(error);
  const { attempts } = meaningOf(failure);
  if (attempts === 1) return { retry: false };
  return {
    retry: true,
    ...(attempts === undefined ? {} : { atMostAttempts: attempts }),
    ...(failure.retryAfterMs === null ? {} : { atLeastMs: failure.retryAfterMs }),
  };
}

/** The error that people see for a request that failed for good; a PrescoreError passes through. */
export function storeError(error: unknown, where: string, { attempts, elapsedMs, exhausted }: Outcome): PrescoreError {
  if (isPrescoreError(error)) return error;
  const failure = failureOf(error);
  const { code, what, fix } = meaningOf(failure);
  const tries = exhausted && attempts > 1 ? `, ${attempts} attempts in ${(elapsedMs / 1000).toFixed(1)} s` : '';
  const region = code === 'STORE_CONFIG' && failure.region !== null ? ` The bucket is in ${failure.region}.` : '';
  const advice = region === '' ? fix : `${fix ?? ''}${region}`.trim();
  return new PrescoreError(code, {
    what: `${what} (${failure.code}: ${failure.message}${tries})`,
    where,
    cause: safeCause(error),
    data: { storeCode: failure.code, status: failure.status, requestId: failure.requestId, attempts },
    ...(advice === undefined ? {} : { fix: advice }),
  });
}

/** Why a request is sent again, in a few words for logs. */
export function reasonOf(error: unknown): string {
  const { code, status } = failureOf(error);
  return status === null ? code : `${status} ${code}`;
}

function meaningOf(failure: S3Failure): Meaning {
  const { code, status, message } = failure;
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  if (known !== undefined) return known;
  if (status !== null && BY_STATUS[status] !== undefined) return BY_STATUS[status];
  if (status !== null && status >= 500) return broken;
  if (status !== null && status >= 400)
    return { code: 'STORE_CONFIG', what: 'The store rejected the request', attempts: 1 };
  if (/region is missing/i.test(message)) return { ...elsewhere, what: 'No region is set' };
  // Neither a known network fault nor an answer with a meaning: perhaps something that is not an S3 store.
  return { ...network, attempts: FEW };
}

function same(meaning: Meaning, ...codes: readonly string[]): Record<string, Meaning> {
  return Object.fromEntries(codes.map((code) => [code, meaning]));
}
