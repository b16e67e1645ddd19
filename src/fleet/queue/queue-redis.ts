import type { ErrorCode } from '../../base/errors/error-codes.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { checkServer } from '../../sets/redis/check-server.ts';
import { newPlainClient, RedisConnection } from '../../sets/redis/connection.ts';
import type { ConnectionSettings, RedisReply } from '../../sets/redis/connection-types.ts';
import { parseRedisUrl } from '../../sets/redis/redis-address.ts';
import { redisError } from '../../sets/redis/redis-errors.ts';
import { listOf, textOf } from '../../sets/redis/replies.ts';

/** Every key of the queue starts with it. */
export const PREFIX = 'prescore-queue';

/** Names of workers by the time (milliseconds since the epoch) until which they are believed to live. */
export const WORKERS_KEY = `${PREFIX}:workers`;

const CODES: Partial<Record<ErrorCode, ErrorCode>> = {
  PREDICTIONS_UNAVAILABLE: 'QUEUE_UNAVAILABLE',
  PREDICTIONS_READONLY: 'QUEUE_CONFIG',
  PREDICTIONS_FULL: 'QUEUE_CONFIG',
  PREDICTIONS_CONFIG: 'QUEUE_CONFIG',
  PREDICTIONS_DENIED: 'QUEUE_DENIED',
};

const FIXES: Partial<Record<ErrorCode, string>> = {
  PREDICTIONS_READONLY: 'Give the address of the primary, or use sentinel addresses.',
  PREDICTIONS_FULL: 'Raise maxmemory or free disk; the queue itself needs a few megabytes.',
};

export interface QueueRedisOptions extends ConnectionSettings {
  /** Accepts a server that evicts keys when its memory is full. Tasks are then lost and found again, which costs time. */
  readonly allowEviction: boolean;
}

/** The queue's Redis: one connection of ours with retries, and as many plain clients as BullMQ wants. */
export class QueueRedis {
  readonly url: string;
  readonly connection: RedisConnection;
  readonly warnings: readonly string[];
  private readonly settings: ConnectionSettings;
  private readonly clients: ReturnType<typeof newPlainClient>[] = [];

  private constructor(connection: RedisConnection, settings: ConnectionSettings, warnings: readonly string[]) {
    this.url = connection.url;
    this.connection = connection;
    this.settings = settings;
    this.warnings = warnings;
  }

  /**
   * Opens the server and looks whether it is fit to hold a queue. Ends within about ten seconds, whatever the server does.
   *
   * Errors: QUEUE_UNAVAILABLE, QUEUE_DENIED, QUEUE_CONFIG for an eviction policy other than noeviction.
   */
  static async open(url: string, options: QueueRedisOptions): Promise<QueueRedis> {
    let settings: ConnectionSettings = { retryForMs: 5_000, ...options };
    let shown = '';
    try {
      // The address is kept without its login, which the clients of BullMQ need as well.
      const address = parseRedisUrl(url, settings);
      shown = address.url;
      settings = { ...settings, credentials: address.credentials };
      // Said at once, before anything is asked of a cluster.
      newPlainClient(url, settings).disconnect();
      const connection = await RedisConnection.open(url, settings);
      try {
        const { servers } = await checkServer(connection, { allowEviction: true });
        const warnings: string[] = [];
        for (const { maxmemoryPolicy: policy, role, persistence } of servers) {
          if (policy !== '' && policy !== 'noeviction') {
            if (!options.allowEviction) throw evicts(connection.url, policy);
            warnings.push(`maxmemory-policy ${policy} may evict tasks; workers find them again, which costs time`);
          }
          if (role === 'slave') throw replica(connection.url);
          if (persistence === 'none')
            warnings.push('the queue keeps nothing over a restart; workers find lost tasks again');
        }
        return new QueueRedis(connection, settings, warnings);
      } catch (error) {
        await connection.close();
        throw error;
      }
    } catch (error) {
      throw queueError(error, shown);
    }
  }

  /** A client for BullMQ, connected. Closed with this object. */
  async client(): Promise<ReturnType<typeof newPlainClient>> {
    const client = newPlainClient(this.url, this.settings);
    // Errors of the connection show themselves in the commands.
    client.on('error', () => undefined);
    this.clients.push(client);
    await client.connect().catch((error: unknown) => {
      throw queueError(error, this.url);
    });
    return client;
  }

  /** Names of the workers that were there a moment ago. Errors: QUEUE_UNAVAILABLE. */
  async workers(): Promise<string[]> {
    try {
      await this.connection.call(['ZREMRANGEBYSCORE', WORKERS_KEY, '-inf', String(Date.now())]);
      return textsOf(await this.connection.call(['ZRANGE', WORKERS_KEY, '0', '-1']));
    } catch (error) {
      throw queueError(error, this.url);
    }
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.disconnect();
    await this.connection.close();
  }
}

function textsOf(reply: RedisReply): string[] {
  return listOf(reply).flatMap((item) => textOf(item) ?? []);
}

/** What went wrong with Redis, in the words of the queue. */
export function queueError(error: unknown, url: string): PrescoreError {
  const known = isPrescoreError(error) ? error : redisError(error, url);
  const code = CODES[known.code];
  if (code === undefined) return known;
  const { fix: _, ...details } = known.details;
  const fix = FIXES[known.code];
  return new PrescoreError(code, { ...details, ...(fix === undefined ? {} : { fix }) });
}

function evicts(url: string, policy: string): PrescoreError {
  return new PrescoreError('QUEUE_CONFIG', {
    what: 'the server may evict tasks when its memory is full',
    where: url,
    expected: 'maxmemory-policy noeviction',
    got: policy,
    fix: 'Set it, or give the queue a Redis of its own; --allow-eviction works with lost tasks, slower.',
  });
}

function replica(url: string): PrescoreError {
  return new PrescoreError('QUEUE_CONFIG', {
    what: 'the server is a replica and takes no writes',
    where: url,
    fix: 'Give the address of the primary, or use sentinel addresses.',
  });
}
