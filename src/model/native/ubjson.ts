import type { RefuseModel } from './refuse-model.ts';

const DEEPEST = 64;
const BYTES: Readonly<Record<string, number>> = { d: 4, D: 8, i: 1, U: 1, I: 2, l: 4, L: 8, C: 1 };

/**
 * Reads UBJSON as XGBoost writes it (src/common/json.cc): big endian, lengths as int64, arrays of one type packed. Objects have no
 * prototype. Errors: MODEL_INVALID with the offset.
 */
export function readUbjson(bytes: Uint8Array, refuse: RefuseModel): unknown {
  const reader = new UbjReader(bytes, refuse);
  const value = reader.value(0);
  reader.end();
  return value;
}

class UbjReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly refuse: RefuseModel;
  private readonly decoder = new TextDecoder('utf-8');
  private at = 0;

  constructor(bytes: Uint8Array, refuse: RefuseModel) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.refuse = refuse;
  }

  end(): void {
    if (this.at !== this.bytes.length) this.fail('the file has bytes behind its end');
  }

  value(depth: number): unknown {
    if (depth > DEEPEST) this.fail('the file is nested too deeply');
    const mark = this.mark();
    if (mark === '{') return this.object(depth);
    if (mark === '[') return this.array(depth);
    if (mark === 'S') return this.text();
    if (mark === 'T' || mark === 'F') return mark === 'T';
    if (mark === 'Z') return null;
    if (BYTES[mark] === undefined) this.fail('the file has a value of an unknown type');
    return this.number(mark);
  }

  private object(depth: number): unknown {
    const object = Object.create(null) as Record<string, unknown>;
    while (this.peek() !== '}') {
      const key = this.text();
      object[key] = this.value(depth + 1);
    }
    this.at++;
    return object;
  }

  private array(depth: number): unknown {
    if (this.peek() === '$') return this.packed();
    const values: unknown[] = [];
    if (this.peek() === '#') {
      this.at++;
      for (let left = this.length(1); left > 0; left--) values.push(this.value(depth + 1));
      return values;
    }
    while (this.peek() !== ']') values.push(this.value(depth + 1));
    this.at++;
    return values;
  }

  private packed(): unknown {
    this.at++;
    const type = this.mark();
    const size = BYTES[type];
    if (size === undefined || this.mark() !== '#') return this.fail('an array is of an unknown type');
    const count = this.length(size);
    const values = type === 'd' ? new Float32Array(count) : new Float64Array(count);
    for (let i = 0; i < count; i++) values[i] = this.number(type);
    return values;
  }

  private number(type: string): number {
    const at = this.take(BYTES[type]!);
    if (type === 'd') return this.view.getFloat32(at);
    if (type === 'D') return this.view.getFloat64(at);
    if (type === 'U') return this.view.getUint8(at);
    if (type === 'I') return this.view.getInt16(at);
    if (type === 'l') return this.view.getInt32(at);
    if (type === 'L') return Number(this.view.getBigInt64(at));
    return this.view.getInt8(at);
  }

  private text(): string {
    const length = this.length(1);
    const at = this.take(length);
    return this.decoder.decode(this.bytes.subarray(at, at + length));
  }

  /** A count of elements of so many bytes at least, which must be there. */
  private length(size: number): number {
    if (this.mark() !== 'L') this.fail('a length is missing');
    const length = this.number('L');
    if (!(length >= 0 && length * size <= this.bytes.length - this.at))
      this.fail('the file ends before what it announces');
    return length;
  }

  private mark(): string {
    return String.fromCharCode(this.bytes[this.take(1)]!);
  }

  private peek(): string {
    if (this.at >= this.bytes.length) this.fail('the file ends too early');
    return String.fromCharCode(this.bytes[this.at]!);
  }

  private take(count: number): number {
    if (count > this.bytes.length - this.at) this.fail('the file ends too early');
    this.at += count;
    return this.at - count;
  }

  private fail(what: string): never {
    return this.refuse(what, `offset ${this.at}`);
  }
}
