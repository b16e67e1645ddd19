import type { ErrorCode } from '../../base/errors/error-codes.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { RedisConnection } from './connection.ts';
import { type ConnectionSettings, type RedisCommand, type RedisReply, script } from './connection-types.ts';
import { redisError } from './redis-errors.ts';
import { bytesOf, listOf, numberOf, textOf } from './replies.ts';

/** An entry of a stream as Redis gives it; null fields: it was delivered once and is not in the stream any more. */
export interface StreamEntry {
  readonly id: string;
  /** In order; a name may come twice. */
  readonly fields: readonly (readonly [name: Buffer, value: Buffer])[] | null;
}

export interface StreamStatus {
  /** Events that nobody of the group was given yet; null where Redis does not know (before 7.0, or after deletions). */
  readonly lag: number | null;
  /** Events that were given to a consumer and are not acknowledged. */
  readonly pending: number;
  /** Id of the oldest event of both kinds; null when there is none. */
  readonly oldestId: string | null;
}

const CODES: Partial<Record<ErrorCode, ErrorCode>> = {
  PREDICTIONS_UNAVAILABLE: 'STREAM_UNAVAILABLE',
  PREDICTIONS_DENIED: 'STREAM_DENIED',
  PREDICTIONS_READONLY: 'STREAM_CONFIG',
  PREDICTIONS_FULL: 'STREAM_CONFIG',
  PREDICTIONS_CONFIG: 'STREAM_CONFIG',
};

/**
 * Takes consumers out of a group: the one that is named in ARGV[2], and those that were not heard of for ARGV[3] milliseconds. Only
 * when they hold no event: what they hold would be lost with them.
 */
const FORGET = script(`
local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if consumers.err then return 0 end
local gone = 0
for _, c in ipairs(consumers) do
  if c[4] == 0 and (c[2] == ARGV[2] or c[6] > tonumber(ARGV[3])) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], c[2])
    gone = gone + 1
  end
end
return gone
`);

/**
 * A Redis Stream as one consumer group sees it. A connection that waits for events can do nothing else, so readers and those who
 * acknowledge have one each. Commands may be sent twice when the connection breaks; all of them bear it: events that were given
 * with a lost reply are found by `heldBy` or `claim`, and a dead letter may come twice.
 *
 * Errors: STREAM_UNAVAILABLE, STREAM_DENIED, STREAM_CONFIG. Owns: its connection until `close`.
 */
export class EventStream {
  readonly key: string;
  readonly group: string;
  private readonly connection: RedisConnection;

  private constructor(connection: RedisConnection, key: string, group: string) {
    this.connection = connection;
    this.key = key;
    this.group = group;
  }

  static async open(url: string, key: string, group: string, settings: ConnectionSettings): Promise<EventStream> {
    try {
      return new EventStream(await RedisConnection.open(url, settings), key, group);
    } catch (error) {
      throw streamError(error, key);
    }
  }

  /** Makes the group, and the stream if need be. False when it was there. */
  async makeGroup(from: 'beginning' | 'end'): Promise<boolean> {
    try {
      await this.call(['XGROUP', 'CREATE', this.key, this.group, from === 'end' ? '$' : '0', 'MKSTREAM']);
      return true;
    } catch (error) {
      if (isPrescoreError(error) && error.details.what.includes('BUSYGROUP')) return false;
      throw error;
    }
  }

  /** New events for a consumer; waits up to `blockMs` for the first one, 0: not at all. */
  async next(consumer: string, count: number, blockMs: number): Promise<StreamEntry[]> {
    const block = blockMs > 0 ? ['BLOCK', String(Math.ceil(blockMs))] : [];
    const from = ['GROUP', this.group, consumer, 'COUNT', String(count), ...block];
    return readReply(await this.call(['XREADGROUP', ...from, 'STREAMS', this.key, '>']));
  }

  /** Ids of events that a consumer holds, after one of them (exclusive), in order. Asking does not count as a delivery. */
  async heldBy(consumer: string, count: number, after: string): Promise<string[]> {
    const reply = await this.call(['XPENDING', this.key, this.group, `(${after}`, '+', String(count), consumer]);
    return listOf(reply).map((entry) => textOf(listOf(entry)[0]) ?? '');
  }

  /** Gives these events to a consumer again, whoever holds them. */
  async giveAgain(consumer: string, ids: readonly string[]): Promise<StreamEntry[]> {
    const reply = await this.call(['XCLAIM', this.key, this.group, consumer, '0', ...ids]);
    return listOf(reply)
      .filter((entry) => entry !== null)
      .map(entryOf);
  }

  /**
   * Takes over events that somebody has held without a sign of life for so long, from a place in the list of held events on; gives
   * the next place, null at the end.
   */
  async claim(
    consumer: string,
    idleMs: number,
    count: number,
    from: string,
  ): Promise<{ readonly next: string | null; readonly entries: StreamEntry[] }> {
    const idle = String(Math.ceil(idleMs));
    const command = ['XAUTOCLAIM', this.key, this.group, consumer, idle, from, 'COUNT', String(count)];
    const [next, entries] = listOf(await this.call(command));
    const place = textOf(next);
    return {
      next: place === '0-0' ? null : place,
      entries: listOf(entries)
        .filter((entry) => entry !== null)
        .map(entryOf),
    };
  }

  /** How often each of these events was given to somebody. */
  async deliveries(ids: readonly string[]): Promise<Map<string, number>> {
    const replies = await this.callAll(ids.map((id) => ['XPENDING', this.key, this.group, id, id, '1']));
    return new Map(
      replies.flatMap((reply, i) => {
        const [entry] = listOf(reply);
        return entry === undefined ? [] : [[ids[i]!, numberOf(listOf(entry)[3])] as const];
      }),
    );
  }

  /** A sign of life for events that are held: nobody takes them over. */
  async touch(consumer: string, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.call(['XCLAIM', this.key, this.group, consumer, '0', ...ids, 'JUSTID']);
  }

  async acknowledge(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.call(['XACK', this.key, this.group, ...ids]);
  }

  /** Adds entries to another stream of about `most` entries at most. */
  async addTo(key: string, most: number, entries: readonly (readonly (string | Buffer)[])[]): Promise<void> {
    await this.callAll(entries.map((fields) => ['XADD', key, 'MAXLEN', '~', String(most), '*', ...fields]));
  }

  async status(): Promise<StreamStatus> {
    const groups = listOf(await this.call(['XINFO', 'GROUPS', this.key])).map(factsOf);
    const own = groups.find((facts) => textOf(facts.get('name')) === this.group);
    if (own === undefined) return { lag: null, pending: 0, oldestId: null };
    const last = textOf(own.get('last-delivered-id')) ?? '0-0';
    const [pending, unread] = await this.callAll([
      ['XPENDING', this.key, this.group],
      ['XRANGE', this.key, `(${last}`, '+', 'COUNT', '1'],
    ]);
    const [first] = listOf(unread);
    const [count, oldestPending] = listOf(pending);
    const ids = [textOf(oldestPending), first === undefined ? null : entryOf(first).id].filter((id) => id !== null);
    const lag = own.get('lag') ?? null;
    return {
      lag: typeof lag === 'number' ? lag : null,
      pending: numberOf(count),
      oldestId: ids.sort((a, b) => idTime(a) - idTime(b))[0] ?? null,
    };
  }

  /** Takes a consumer that stops out of the group, and others that were not heard of for so long, unless they hold events. */
  async forget(consumer: string, idleMs: number): Promise<void> {
    try {
      await this.connection.evaluate(FORGET, this.key, [this.group, consumer, String(Math.ceil(idleMs))]);
    } catch (error) {
      throw streamError(error, this.key);
    }
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  private async call(command: RedisCommand): Promise<RedisReply> {
    try {
      return await this.connection.call(command);
    } catch (error) {
      throw streamError(error, this.key);
    }
  }

  private async callAll(commands: readonly RedisCommand[]): Promise<RedisReply[]> {
    try {
      return await this.connection.callAll(commands);
    } catch (error) {
      throw streamError(error, this.key);
    }
  }
}

/** Whether the group is gone, and must be made again: the server has lost its data, or somebody has removed the stream. */
export function isGroupGone(error: unknown): boolean {
  return isPrescoreError(error) && /NOGROUP|no such key|no longer exists/i.test(error.details.what);
}

/** When an event was added: the first half of its id. */
export function idTime(id: string): number {
  return Number(id.split('-')[0]);
}

function streamError(error: unknown, key: string): PrescoreError {
  const known = isPrescoreError(error) ? error : redisError(error, key);
  const code = CODES[known.code];
  if (code === undefined) return known;
  const { fix: _, ...details } = known.details;
  return new PrescoreError(code, { ...details, ...(details.where === undefined ? { where: key } : {}) });
}

// Of the one stream that was asked: a map from its key in the newer protocol, a list of pairs in the older one.
function readReply(reply: RedisReply): StreamEntry[] {
  if (reply === null) return [];
  const [first, second] = listOf(reply);
  return listOf(Buffer.isBuffer(first) ? second : listOf(first)[1]).map(entryOf);
}

function entryOf(reply: RedisReply): StreamEntry {
  const [id, flat] = listOf(reply);
  const found = textOf(id) ?? '';
  if (flat === null || flat === undefined) return { id: found, fields: null };
  const texts = listOf(flat).map((text) => bytesOf(text) ?? Buffer.alloc(0));
  const fields = Array.from({ length: texts.length >> 1 }, (_, i) => [texts[i * 2]!, texts[i * 2 + 1]!] as const);
  return { id: found, fields };
}

function factsOf(reply: RedisReply): Map<string, RedisReply> {
  const flat = listOf(reply);
  return new Map(flat.flatMap((name, i) => (i % 2 === 0 ? [[textOf(name) ?? '', flat[i + 1] ?? null] as const] : [])));
}
