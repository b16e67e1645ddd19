import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { Cluster, Command, Redis, type RedisOptions } from 'ioredis';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import {
  COMMAND_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  type ConnectionSettings,
  RETRY_FOR_MS,
  type RedisArg,
  type RedisCommand,
  type RedisReply,
  type Script,
  type SendCommand,
} from './connection-types.ts';
import { Deadline } from './deadline.ts';
import { parseRedisUrl, type RedisAddress } from './redis-address.ts';
import { CLOSED, errorText, isPassing, redisError } from './redis-errors.ts';

/** Tries of the first connection: a wrong address should be said soon. */
const FIRST_TRIES = 3;
const LONGEST_PAUSE_MS = 1_000;

/**
 * One connection to a Redis, to the primary that sentinels name, or to all nodes of a cluster. Everything it does ends within
 * `retryForMs` and twice `commandTimeoutMs`, whatever the server does.
 *
 * Errors: PREDICTIONS_*, see `redisError`. Owns: its sockets until `close`.
 */
export class RedisConnection {
  readonly url: string;
  readonly isCluster: boolean;
  private readonly client: Redis | Cluster;
  private readonly deadline: Deadline;
  private readonly retryForMs: number;
  private lastError: unknown = null;
  /** What no new connection can mend. */
  private fatal: PrescoreError | null = null;
  private wasReady = false;
  private isClosed = false;

  private constructor(address: RedisAddress, settings: ConnectionSettings) {
    this.url = address.url;
    this.isCluster = address.kind === 'cluster';
    const commandTimeoutMs = settings.commandTimeoutMs ?? COMMAND_TIMEOUT_MS;
    this.deadline = new Deadline(commandTimeoutMs, address.url);
    this.retryForMs = settings.retryForMs ?? RETRY_FOR_MS;
    this.client = newClient(address, settings, commandTimeoutMs);
    const note = (error: unknown): void => this.noteError(error);
    this.client.on('error', note);
    this.client.on('node error', note);
    this.client.on('sentinelError', note);
    this.client.on('ready', () => {
      this.lastError = null;
      this.wasReady = true;
    });
  }

  /** Opens and greets the server: a wrong address, password or database is said here. */
  static async open(url: string, settings: ConnectionSettings = {}): Promise<RedisConnection> {
    const address = parseRedisUrl(url, settings);
    const connection = new RedisConnection(address, settings);
    try {
      await connection.call(['PING']);
      return connection;
    } catch (error) {
      await connection.close();
      if (address.kind !== 'standalone') await RedisConnection.check(address, settings);
      throw error;
    }
  }

  /** With sentinels and clusters the client does not say why a server cannot be reached; a plain connection does. */
  private static async check(address: RedisAddress, settings: ConnectionSettings): Promise<void> {
    const { sentinelPassword: password } = address.credentials;
    const ofSentinel = password === undefined ? {} : { password };
    const credentials = address.kind === 'cluster' ? address.credentials : ofSentinel;
    const single = new RedisConnection({ ...address, kind: 'standalone', db: 0, credentials }, settings);
    await single.call(['PING']).finally(() => single.close());
  }

  /** Sends one command and gives its reply. It may be sent twice when the connection breaks: it must bear that. */
  call(command: RedisCommand): Promise<RedisReply> {
    return this.trying(() => this.client.sendCommand(commandOf(command)) as Promise<RedisReply>);
  }

  /** Sends commands together and gives their replies in order; the first failure fails all. In a cluster each goes its own way. */
  async callAll(commands: readonly RedisCommand[]): Promise<RedisReply[]> {
    if (commands.length === 0) return [];
    // A pipeline costs as much as a command.
    if (commands.length === 1) return [await this.call(commands[0]!)];
    return this.trying(async () => {
      const { client } = this;
      if (client instanceof Cluster)
        return Promise.all(commands.map((c) => client.sendCommand(commandOf(c)) as Promise<RedisReply>));
      const pipeline = client.pipeline();
      for (const [name, ...args] of commands) pipeline.callBuffer(String(name), ...args);
      const replies = (await pipeline.exec()) ?? [];
      for (const [error] of replies) if (error !== null) throw error;
      return replies.map(([, reply]) => reply as RedisReply);
    });
  }

  /** Runs a script on one key; its text is sent only where the server does not know it. */
  evaluate({ text, sha }: Script, key: RedisArg, args: readonly RedisArg[]): Promise<RedisReply> {
    return this.trying(async () => {
      try {
        return (await this.client.sendCommand(commandOf(['EVALSHA', sha, '1', key, ...args]))) as RedisReply;
      } catch (error) {
        if (!errorText(error).startsWith('NOSCRIPT')) throw error;
        return (await this.client.sendCommand(commandOf(['EVAL', text, '1', key, ...args]))) as RedisReply;
      }
    });
  }

  /** Does something on every server that holds keys: the one there is, or all masters of a cluster, one after the other. */
  async onEach<T>(task: (send: SendCommand) => Promise<T>): Promise<T[]> {
    const { client } = this;
    if (!(client instanceof Cluster)) return [await task((command) => this.call(command))];
    await this.call(['PING']);
    const results: T[] = [];
    for (const node of client.nodes('master'))
      results.push(
        await task((command) => this.trying(() => node.sendCommand(commandOf(command)) as Promise<RedisReply>)),
      );
    return results;
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.deadline.close();
    this.client.disconnect();
    return Promise.resolve();
  }

  private noteError(error: unknown): void {
    // What is said first tells more than the closing that follows it.
    if (this.lastError !== null && CLOSED.test(errorText(error))) return;
    this.lastError = error;
    // The client would go on in database 0.
    if (!/DB index is out of range|SELECT is not allowed/.test(errorText(error))) return;
    this.fatal = redisError(error, this.url);
    this.client.disconnect();
  }

  private async trying<T>(send: () => Promise<T>): Promise<T> {
    const started = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        if (this.client.status !== 'ready' || this.isClosed || this.fatal !== null) await this.ready();
        return await this.inTime(send());
      } catch (error) {
        const reason = CLOSED.test(errorText(error)) ? (this.lastError ?? error) : error;
        const isLate = this.wasReady ? performance.now() - started >= this.retryForMs : attempt >= FIRST_TRIES;
        if (this.isClosed || this.fatal !== null || isLate || !isPassing(reason))
          throw this.fatal ?? redisError(reason, this.url);
        await sleep(Math.min(50 * 2 ** attempt, LONGEST_PAUSE_MS));
      }
    }
  }

  private inTime<T>(task: Promise<T>): Promise<T> {
    return this.deadline.within(task);
  }

  /** Waits for the connection, which the client makes again by itself; fails with the reason when one attempt does. */
  private async ready(): Promise<void> {
    const { client } = this;
    if (this.isClosed)
      throw new PrescoreError('PREDICTIONS_UNAVAILABLE', { what: 'the store is closed', where: this.url });
    if (client.status !== 'ready' && this.fatal === null) {
      const events = new AbortController();
      try {
        await this.inTime(
          new Promise<void>((resolve, reject) => {
            const fail = (): void => reject(this.lastError ?? 'Connection is closed');
            once(client, 'ready', resolve, events.signal);
            once(client, 'close', fail, events.signal);
            once(client, 'end', fail, events.signal);
            if (client.status === 'wait' || client.status === 'end') client.connect().catch(() => undefined);
          }),
        );
      } finally {
        events.abort();
      }
    }
    if (this.fatal !== null) throw this.fatal;
  }
}

/**
 * A plain client for a library that speaks to Redis by itself. It connects when asked, never queues commands while the server is
 * away, and gives up on a reply like every other connection.
 *
 * Errors: PREDICTIONS_CONFIG for a cluster or an address that is none. Owns: the caller disconnects it.
 */
export function newPlainClient(url: string, settings: ConnectionSettings): Redis {
  const address = parseRedisUrl(url, settings);
  const client = address.kind === 'cluster' ? null : newClient(address, settings, COMMAND_TIMEOUT_MS);
  if (client instanceof Redis) {
    client.options.commandTimeout = COMMAND_TIMEOUT_MS;
    return client;
  }
  const what = 'the queue cannot be on a cluster';
  throw new PrescoreError('PREDICTIONS_CONFIG', {
    what,
    where: address.url,
    expected: 'redis:// or redis+sentinel://',
  });
}

/** Reply mapping is left to its default; with it the types of the client do not fit each other. */
type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

function newClient(address: RedisAddress, settings: ConnectionSettings, commandTimeoutMs: number): Redis | Cluster {
  const { username, password, sentinelPassword } = address.credentials;
  const tls: ConnectionOptions = settings.ca === undefined ? {} : { ca: settings.ca };
  const connectTimeout = settings.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const common: ClientOptions = {
    lazyConnect: true,
    connectTimeout,
    connectionName: 'prescore',
    disableClientInfo: true,
    // A host that vanished sends no end: without data the connection is made anew.
    socketTimeout: commandTimeoutMs + 1_000,
    // Commands are sent again here, not by the client, so that nobody who gave up is surprised by a late write.
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(address.isTls ? { tls } : {}),
  };
  if (address.kind === 'cluster') {
    return new Cluster([...address.endpoints], {
      lazyConnect: true,
      redisOptions: common,
      slotsRefreshTimeout: connectTimeout,
      clusterRetryStrategy: pause,
      // A certificate names a host, so names must not become addresses first.
      ...(address.isTls ? { dnsLookup: (host, done) => done(null, host) } : {}),
    });
  }
  const single: ClientOptions = { ...common, db: address.db, enableOfflineQueue: false, retryStrategy: pause };
  if (address.kind === 'standalone') return new Redis({ ...single, ...address.endpoints[0]! });
  return new Redis({
    ...single,
    sentinels: [...address.endpoints],
    name: address.primaryName!,
    // Only INFO tells whether a server that sentinels name is still the primary.
    enableReadyCheck: true,
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: commandTimeoutMs,
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    ...(address.isTls ? { sentinelTLS: tls, enableTLSForSentinelMode: true } : {}),
  });
}

function pause(times: number): number {
  return Math.min(50 * 2 ** times, LONGEST_PAUSE_MS);
}

function once(client: Redis | Cluster, event: string, listener: () => void, signal: AbortSignal): void {
  client.once(event, listener);
  signal.addEventListener('abort', () => client.off(event, listener));
}

function commandOf([name, ...args]: RedisCommand): Command {
  return new Command(String(name), args, { replyEncoding: null });
}
