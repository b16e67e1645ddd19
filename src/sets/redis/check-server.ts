import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { RedisConnection } from './connection.ts';
import type { SendCommand } from './connection-types.ts';
import { listOf, textOf } from './replies.ts';

const OLDEST = [6, 2] as const;

/** What a server says about itself; empty texts where its user may not ask. */
export interface ServerFacts {
  /** `Redis 7.0.15` or `Valkey 9.1.2`. */
  readonly version: string;
  readonly role: string;
  readonly maxmemory: number;
  readonly maxmemoryPolicy: string;
  /** What survives a restart: an append-only file, snapshots, or nothing. */
  readonly persistence: 'aof' | 'rdb' | 'none' | 'unknown';
}

export interface ServerReport {
  /** One entry, or one for every master of a cluster. */
  readonly servers: readonly ServerFacts[];
  /** Sentences about what may go wrong. */
  readonly warnings: readonly string[];
}

export interface ServerDemands {
  /** Accepts a server that evicts any key when its memory is full. */
  readonly allowEviction?: boolean;
}

/**
 * Looks at version, role, eviction and persistence of the server, or of all masters of a cluster.
 *
 * Errors: PREDICTIONS_CONFIG for a version below 6.2, or for an `allkeys-*` policy unless `allowEviction`; those of the
 * connection.
 */
export async function checkServer(connection: RedisConnection, demands: ServerDemands = {}): Promise<ServerReport> {
  const servers = await connection.onEach(factsOf);
  const warnings: string[] = [];
  for (const { version, role, maxmemoryPolicy: policy, persistence } of servers) {
    if (version === '') warnings.push('this user may not use INFO, so version and eviction policy are not known');
    if (isTooOld(version)) throw refused(connection, 'server is too old', 'Redis 6.2 or newer, or Valkey', version);
    if (policy.startsWith('allkeys-')) {
      const allowed = demands.allowEviction === true;
      if (!allowed) throw refused(connection, 'server may evict pages', 'maxmemory-policy noeviction', policy);
      warnings.push(`maxmemory-policy ${policy} may evict pages of a generation that is served`);
    }
    if (policy.startsWith('volatile-'))
      warnings.push(`maxmemory-policy ${policy} may evict pages of sets that have a ttl`);
    if (role === 'slave') warnings.push('the server is a replica, so nothing can be published here');
    if (persistence === 'none') warnings.push('the server keeps nothing over a restart');
  }
  return { servers, warnings: [...new Set(warnings)] };
}

async function factsOf(send: SendCommand): Promise<ServerFacts> {
  const info = await infoOf(send);
  const valkey = info.get('valkey_version');
  const redis = info.get('redis_version');
  return {
    version: valkey !== undefined ? `Valkey ${valkey}` : redis !== undefined ? `Redis ${redis}` : '',
    role: info.get('role') ?? '',
    maxmemory: Number(info.get('maxmemory') ?? 0),
    maxmemoryPolicy: info.get('maxmemory_policy') ?? '',
    persistence: info.get('aof_enabled') === '1' ? 'aof' : await snapshots(send),
  };
}

async function infoOf(send: SendCommand): Promise<ReadonlyMap<string, string>> {
  const text = await send(['INFO']).then(textOf, unlessDenied(''));
  const lines = (text ?? '').split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

// Only the setting tells: a server that has never saved looks like one that never will.
async function snapshots(send: SendCommand): Promise<ServerFacts['persistence']> {
  const reply = await send(['CONFIG', 'GET', 'save']).then(listOf, unlessDenied([]));
  if (reply.length < 2) return 'unknown';
  return textOf(reply[1]) === '' ? 'none' : 'rdb';
}

// Hosted servers rename or forbid CONFIG.
function unlessDenied<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (isPrescoreError(error) && (error.code === 'PREDICTIONS_DENIED' || error.code === 'PREDICTIONS_CONFIG'))
      return instead;
    throw error;
  };
}

function isTooOld(version: string): boolean {
  const match = /^Redis (\d+)\.(\d+)/.exec(version);
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}

function refused(connection: RedisConnection, what: string, expected: string, got: string): PrescoreError {
  return new PrescoreError('PREDICTIONS_CONFIG', { what: `the ${what}`, where: connection.url, expected, got });
}
