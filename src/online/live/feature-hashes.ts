import type { FeatureRow } from '../../base/contract/job-scorer.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { RedisConnection } from '../../sets/redis/connection.ts';
import { Deadline } from '../../sets/redis/deadline.ts';

export interface FeatureHashesOptions {
  readonly url: string;
  /** Name of the hash of a key; holds `{key}`. */
  readonly template: string;
  readonly columns: readonly string[];
  /** Opens a connection that is used for nothing else. */
  readonly open: () => Promise<RedisConnection>;
  readonly limitMs: number;
}

/** Features from a Redis hash per key: one HMGET each, sent together. */
export class FeatureHashes {
  private readonly options: FeatureHashesOptions;
  private readonly deadline: Deadline;
  private readonly template: readonly [string, string];
  private connection: Promise<RedisConnection> | null = null;

  constructor(options: FeatureHashesOptions) {
    this.options = options;
    this.deadline = new Deadline(options.limitMs, options.url);
    const [before = '', after = ''] = options.template.split('{key}');
    this.template = [before, after];
  }

  /** The hash's fields as texts; null for a key without a hash. Errors: FEATURES_UNAVAILABLE. */
  async read(keys: readonly string[]): Promise<(FeatureRow | null)[]> {
    const { columns } = this.options;
    const [before, after] = this.template;
    try {
      this.connection ??= this.options.open();
      const connection = this.connection;
      const commands = keys.map((key) => ['HMGET', `${before}${key}${after}`, ...columns]);
      const replies = await this.deadline.within(connection.then((c) => c.callAll(commands)));
      return replies.map((reply) => rowOf(columns, Array.isArray(reply) ? reply : []));
    } catch (error) {
      // One that could not be opened is opened anew next time; an open one mends itself.
      this.connection?.catch(() => {
        this.connection = null;
      });
      throw new PrescoreError('FEATURES_UNAVAILABLE', { what: 'the features cannot be read', cause: error });
    }
  }

  async close(): Promise<void> {
    this.deadline.close();
    await this.connection?.then(
      (connection) => connection.close(),
      () => undefined,
    );
  }
}

function rowOf(columns: readonly string[], fields: readonly unknown[]): FeatureRow | null {
  const names: string[] = [];
  const values: string[] = [];
  for (const [i, name] of columns.entries()) {
    const field = fields[i];
    if (!Buffer.isBuffer(field)) continue;
    names.push(name);
    values.push(field.toString('utf8'));
  }
  return names.length > 0 ? { names, values } : null;
}
