import { createHash } from 'node:crypto';
import type { AddressOptions } from './redis-address.ts';

/** A connection that is not there after this long is given up. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** A command, or all commands of one batch, without a reply for this long has failed. It is not tried again. */
export const COMMAND_TIMEOUT_MS = 5_000;
/** How long a command is tried again while the server restarts, loads, fails over or refuses connections. */
export const RETRY_FOR_MS = 10_000;
export type RedisArg = string | Buffer;
/** Name of the command, its key (if it has one), and the rest. */
export type RedisCommand = readonly RedisArg[];
/** Texts are always bytes. */
export type RedisReply = null | number | Buffer | readonly RedisReply[];
/** Sends one command to one server. */
export type SendCommand = (command: RedisCommand) => Promise<RedisReply>;

/** A Lua script that touches one key. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export interface ConnectionSettings extends AddressOptions {
  /** PEM of authorities for rediss, besides those of Node.js. */
  readonly ca?: string;
  readonly connectTimeoutMs?: number;
  readonly commandTimeoutMs?: number;
  readonly retryForMs?: number;
}

/** Errors: none. */
export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
