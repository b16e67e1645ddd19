import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** Who logs in. Sentinels have a password of their own. */
export interface RedisCredentials {
  readonly username?: string;
  readonly password?: string;
  readonly sentinelPassword?: string;
}

export interface RedisEndpoint {
  readonly host: string;
  readonly port: number;
}

/** A store URL, taken apart. */
export interface RedisAddress {
  readonly kind: 'standalone' | 'cluster' | 'sentinel';
  readonly isTls: boolean;
  readonly endpoints: readonly RedisEndpoint[];
  /** The name under which sentinels know the primary; null for the other kinds. */
  readonly primaryName: string | null;
  readonly db: number;
  readonly credentials: RedisCredentials;
  /** The URL without user and password: the only form that is shown. */
  readonly url: string;
}

export interface AddressOptions {
  readonly credentials?: RedisCredentials;
  /** Whether the URL itself may hold user and password. */
  readonly allowUserInfo?: boolean;
}

const SCHEME = /^(redis|rediss)(\+cluster|\+sentinel)?:\/\//;
const PORTS = { standalone: 6379, cluster: 6379, sentinel: 26379 } as const;
const FORMS =
  'redis://HOST:PORT/DB, redis+cluster://HOST:PORT,HOST:PORT or redis+sentinel://HOST:PORT,HOST:PORT/NAME/DB; rediss for TLS';

/** True for a URL that this room opens. */
export function isRedisUrl(url: string): boolean {
  return SCHEME.test(url);
}

/**
 * Takes a store URL apart. Explicit credentials go before those of the URL.
 *
 * Errors: PREDICTIONS_CONFIG for another form, or for user and password in a URL where they are not allowed; no text of it
 * shows them.
 */
export function parseRedisUrl(url: string, options: AddressOptions = {}): RedisAddress {
  const scheme = SCHEME.exec(url);
  if (scheme === null) throw refused('not the URL of a Redis', url.split('://')[0]!.slice(0, 20));
  const kind = scheme[2] === '+cluster' ? 'cluster' : scheme[2] === '+sentinel' ? 'sentinel' : 'standalone';
  const rest = url.slice(scheme[0].length);
  // A password may hold a slash or an @, so the last @ is what ends it.
  const at = rest.lastIndexOf('@');
  const place = rest.slice(at + 1);
  const shown = `${scheme[0]}${place}`;
  if (at >= 0 && options.allowUserInfo !== true) {
    throw new PrescoreError('PREDICTIONS_CONFIG', {
      what: 'user and password do not belong into the URL of a store',
      where: shown,
      fix: 'Take them out of the URL; give them as PRESCORE_REDIS_USERNAME and PRESCORE_REDIS_PASSWORD.',
    });
  }
  if (/[?#\s]/.test(place)) throw refused('a store URL has no query, fragment or space', shown);
  const [hosts, ...path] = place.split('/');
  const endpoints = hosts!.split(',').map((host) => endpoint(host, PORTS[kind], shown));
  if (kind === 'standalone' && endpoints.length > 1) throw refused('several hosts need +cluster or +sentinel', shown);
  const primaryName = kind === 'sentinel' ? (path.shift() ?? '') : null;
  if (primaryName === '') throw refused('the name of the primary is missing', shown);
  const db = database(path, kind, shown);
  return {
    kind,
    isTls: scheme[1] === 'rediss',
    endpoints,
    primaryName,
    db,
    credentials: { ...userInfo(at < 0 ? '' : rest.slice(0, at), shown), ...defined(options.credentials) },
    url: shown,
  };
}

function endpoint(text: string, port: number, shown: string): RedisEndpoint {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(text);
  const given = match?.[2] === undefined ? port : Number(match[2]);
  if (match === null || given < 1 || given > 65535) throw refused('a host and port that cannot be', shown);
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port: given };
}

function database(path: readonly string[], kind: RedisAddress['kind'], shown: string): number {
  const parts = path.at(-1) === '' ? path.slice(0, -1) : path;
  if (parts.length === 0) return 0;
  if (parts.length > 1 || !/^\d{1,5}$/.test(parts[0]!)) throw refused('the path is not a database number', shown);
  const db = Number(parts[0]);
  if (kind === 'cluster' && db !== 0) throw refused('a cluster has database 0 only', shown);
  return db;
}

function userInfo(text: string, shown: string): RedisCredentials {
  const colon = text.indexOf(':');
  const [user, password] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  try {
    return {
      ...(user === '' ? {} : { username: decodeURIComponent(user) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    };
  } catch {
    throw refused('user or password is not percent-encoded properly', shown);
  }
}

// Callers fill this from variables that may be unset or empty.
function defined(credentials: RedisCredentials = {}): RedisCredentials {
  return Object.fromEntries(Object.entries(credentials).filter(([, text]) => text !== undefined && text !== ''));
}

function refused(what: string, got: string): PrescoreError {
  return new PrescoreError('PREDICTIONS_CONFIG', { what, expected: FORMS, got });
}
