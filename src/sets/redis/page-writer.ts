import type { GenerationMeta, GenerationWriter, Page } from '../../base/contract/prediction-set.ts';
import { Turns } from '../../base/lanes/turns.ts';
import { asBuffer } from './as-buffer.ts';
import type { RedisConnection } from './connection.ts';
import type { RedisCommand } from './connection-types.ts';
import { doneKey, pageKey } from './key-layout.ts';
import { expiryArgs, expiryMs } from './page-expiry.ts';
import { listOf, textOf } from './replies.ts';

/** Written and not yet acknowledged, at most. */
const IN_FLIGHT_BYTES = 4 * 1024 * 1024;
/** Of one pipeline: large enough to be quick, small enough that readers of the same server wait about a millisecond. */
const PIPELINE_BYTES = 1024 * 1024;
/** What a SET costs besides its page. */
const COMMAND_BYTES = 100;

/**
 * Writes the pages of one generation. A residue counts as done only when the server has acknowledged all its pages, so another
 * attempt goes on where this one ends.
 */
export class RedisPageWriter implements GenerationWriter {
  private readonly connection: RedisConnection;
  private readonly meta: GenerationMeta;
  private readonly inFlight = new Turns(IN_FLIGHT_BYTES);
  private readonly expiry: readonly string[];

  constructor(connection: RedisConnection, meta: GenerationMeta) {
    this.connection = connection;
    this.meta = meta;
    this.expiry = expiryArgs(meta);
  }

  async doneResidues(): Promise<ReadonlySet<number>> {
    const reply = await this.connection.call(['SMEMBERS', this.doneKey()]);
    return new Set(listOf(reply).map((member) => Number(textOf(member))));
  }

  async writePages(pages: readonly Page[], residue: number): Promise<void> {
    const sent: Promise<unknown>[] = [];
    let batch: RedisCommand[] = [];
    let bytes = 0;
    const send = (): void => {
      const [commands, size] = [batch, bytes];
      batch = [];
      bytes = 0;
      if (commands.length > 0) sent.push(this.inFlight.run(size, () => this.connection.callAll(commands)));
    };
    for (const page of pages) {
      const size = page.bytes.length + COMMAND_BYTES;
      if (bytes + size > PIPELINE_BYTES) send();
      batch.push(['SET', this.pageKey(page.bucket), asBuffer(page.bytes), ...this.expiry]);
      bytes += size;
    }
    send();
    // All must have ended before the caller gets its pages back, also when one fails.
    const failed = (await Promise.allSettled(sent)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    await this.markDone(residue);
  }

  /** The server shows pages as soon as it has them; no reader asks before the pointer is flipped. */
  finish(): Promise<void> {
    return Promise.resolve();
  }

  abandon(): Promise<void> {
    return Promise.resolve();
  }

  private async markDone(residue: number): Promise<void> {
    const at = expiryMs(this.meta);
    await this.connection.call(['SADD', this.doneKey(), String(residue)]);
    if (at !== null) await this.connection.call(['PEXPIREAT', this.doneKey(), String(at)]);
  }

  private pageKey(bucket: number): string {
    return pageKey(this.meta.set, this.meta.generation, bucket);
  }

  private doneKey(): string {
    return doneKey(this.meta.set, this.meta.generation);
  }
}
