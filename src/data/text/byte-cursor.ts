import type { ByteSource } from '../object-store/byte-source.ts';

const BLOCK_BYTES = 1024 * 1024;

/** Reads a source from its start to its end, a block ahead of what is asked for. */
export class ByteCursor {
  private readonly source: ByteSource;
  private readAt = 0;
  private block: Uint8Array = new Uint8Array(0);
  private at = 0;
  private ahead: Promise<Uint8Array> | null = null;

  constructor(source: ByteSource) {
    this.source = source;
  }

  /** Bytes that were given out. */
  get position(): number {
    return this.readAt - (this.block.length - this.at);
  }

  get isAtEnd(): boolean {
    return this.position >= this.source.size;
  }

  /** The next bytes of any number; none at the end. Errors: those of the source. */
  async next(): Promise<Uint8Array> {
    if (this.at === this.block.length) await this.load();
    const bytes = this.block.subarray(this.at);
    this.at = this.block.length;
    return bytes;
  }

  /** Up to `length` bytes, which stay to be read; fewer at the end. */
  async peek(length: number): Promise<Uint8Array> {
    while (this.block.length - this.at < length && this.readAt < this.source.size) {
      const rest = this.block.subarray(this.at);
      await this.load();
      const joined = new Uint8Array(rest.length + this.block.length);
      joined.set(rest);
      joined.set(this.block, rest.length);
      this.block = joined;
    }
    return this.block.subarray(this.at, this.at + length);
  }

  /** Exactly `length` bytes. Errors: what `cut` makes when there are fewer; those of the source. */
  async take(length: number, cut: (what: string) => Error): Promise<Uint8Array> {
    const bytes = await this.peek(length);
    if (bytes.length < length) throw cut('the archive ends too early');
    this.at += length;
    return bytes;
  }

  /** Passes over `length` bytes. Errors: as `take`. */
  async skip(length: number, cut: (what: string) => Error): Promise<void> {
    const buffered = this.block.length - this.at;
    if (length <= buffered) {
      this.at += length;
      return;
    }
    if (this.position + length > this.source.size) throw cut('the archive ends too early');
    this.readAt = this.position + length;
    this.block = new Uint8Array(0);
    this.at = 0;
    this.ahead = null;
  }

  private async load(): Promise<void> {
    const bytes = await (this.ahead ?? this.readNext());
    this.readAt += bytes.length;
    this.block = bytes;
    this.at = 0;
    this.ahead = this.readAt < this.source.size ? this.readNext() : null;
    // Told by the load that takes it.
    this.ahead?.catch(() => undefined);
  }

  private async readNext(): Promise<Uint8Array> {
    const length = Math.min(BLOCK_BYTES, this.source.size - this.readAt);
    return length <= 0 ? new Uint8Array(0) : this.source.read(this.readAt, length);
  }
}
