/** Bytes that a kernel finds in its memory, put one after the other. */
export class MemoryPlan {
  private readonly pieces: { at: number; bytes: Uint8Array }[] = [];
  private end: number;

  /** The first `reserved` bytes stay free: addresses below are no tables. */
  constructor(reserved: number) {
    this.end = reserved;
  }

  /** The address of bytes of their own, a multiple of 64. Owns: `bytes`, until `fill`. */
  put(bytes: Uint8Array): number {
    const at = this.room(bytes.length);
    this.pieces.push({ at, bytes });
    return at;
  }

  /** The address of what comes next. */
  get next(): number {
    return this.end;
  }

  /** The address of so many bytes that nothing is put into. */
  room(bytes: number): number {
    const at = this.end;
    this.end = Math.ceil((at + bytes) / 64) * 64;
    return at;
  }

  /** A memory with all of it, and `extra` bytes that a kernel may read beyond. */
  fill(extra: number): WebAssembly.Memory {
    const memory = new WebAssembly.Memory({ initial: Math.ceil((this.end + extra) / 65_536) });
    const all = new Uint8Array(memory.buffer);
    for (const { at, bytes } of this.pieces) all.set(bytes, at);
    return memory;
  }
}

/** Little-endian records, written one value after the other. */
export class ByteWriter {
  private view = new DataView(new ArrayBuffer(1024));
  private at = 0;

  u8(value: number): this {
    this.next(1).setUint8(this.at - 1, value);
    return this;
  }

  u16(value: number): this {
    this.next(2).setUint16(this.at - 2, value, true);
    return this;
  }

  i32(value: number): this {
    this.next(4).setInt32(this.at - 4, value, true);
    return this;
  }

  float(value: number, type: 'float32' | 'float64'): this {
    if (type === 'float32') this.next(4).setFloat32(this.at - 4, value, true);
    else this.next(8).setFloat64(this.at - 8, value, true);
    return this;
  }

  /** Writes over an earlier value. */
  patchI32(at: number, value: number): void {
    this.view.setInt32(at, value, true);
  }

  /** Zeros up to a multiple of `size`. */
  align(size: number): this {
    while (this.at % size !== 0) this.u8(0);
    return this;
  }

  get length(): number {
    return this.at;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, 0, this.at);
  }

  private next(bytes: number): DataView {
    this.at += bytes;
    if (this.at > this.view.byteLength) {
      const larger = new ArrayBuffer(2 * this.view.byteLength);
      new Uint8Array(larger).set(new Uint8Array(this.view.buffer));
      this.view = new DataView(larger);
    }
    return this.view;
  }
}
