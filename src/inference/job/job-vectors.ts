import type { FeatureForm } from '../../base/contract/job-scorer.ts';
import { type SourceKind, TEXT_LIMIT } from '../../data/duckdb/source-kind.ts';
import type { FeatureVector } from '../../scoring/tensor/feature-batch.ts';
import { type BadValue, bad, type CarrierValue } from './job-carrier.ts';
import { listReader } from './job-list.ts';
import type { ValueReader } from './job-value.ts';

/** A column that rows of a request may have. */
export interface RequestColumn {
  readonly name: string;
  /** DuckDB's type of the source column. */
  readonly type: string;
  readonly kind: SourceKind;
  readonly read: ValueReader;
}

/** One column of a batch of live rows. Owns: its arrays, which hold `capacity` rows. */
export abstract class RowVector implements FeatureVector {
  protected rows = 0;
  private readonly bits: Uint8Array;
  private valid = 0;

  constructor(capacity: number) {
    this.bits = new Uint8Array((capacity + 7) >> 3);
  }

  reset(rows: number): void {
    this.rows = rows;
    this.valid = 0;
    // A call of `fill` costs more than the few bytes.
    for (let i = 0; i < (rows + 7) >> 3; i++) this.bits[i] = 0;
  }

  abstract put(row: number, value: unknown, form: FeatureForm): BadValue | null;

  protected setValid(row: number): void {
    this.bits[row >> 3]! |= 1 << (row & 7);
    this.valid++;
  }

  validity(): Uint8Array | null {
    return this.valid === this.rows ? null : this.bits;
  }

  text(_row: number): string | null {
    return wrongCarrier('a text');
  }

  f32(): Float32Array {
    return wrongCarrier('f32');
  }

  f64(): Float64Array {
    return wrongCarrier('f64');
  }

  i32(): Int32Array {
    return wrongCarrier('i32');
  }

  words64(): Int32Array {
    return wrongCarrier('64-bit words');
  }

  stringWords(): Uint32Array {
    return wrongCarrier('texts');
  }

  list(): { readonly entries: Uint32Array; readonly child: FeatureVector } {
    return wrongCarrier('a list');
  }
}

function wrongCarrier(what: string): never {
  throw new TypeError(`the column does not carry ${what}`);
}

/** An empty column. */
export function vectorOf(column: RequestColumn, rows: number): RowVector {
  if (column.kind.list) return new ListVector(column, rows);
  return column.kind.carrier === 'str' ? new TextVector(column, rows) : new NumberVector(column, rows);
}

class NumberVector extends RowVector {
  private readonly data: Float32Array | Float64Array | Int32Array;
  private readonly read: ValueReader;
  private readonly isWide: boolean;

  constructor({ kind, read }: RequestColumn, rows: number) {
    super(rows);
    this.read = read;
    this.isWide = kind.carrier === 'i64' || kind.carrier === 'u64';
    if (kind.carrier === 'f32') this.data = new Float32Array(rows);
    else if (kind.carrier === 'f64') this.data = new Float64Array(rows);
    else this.data = new Int32Array(this.isWide ? rows * 2 : rows);
  }

  put(row: number, value: unknown, form: FeatureForm): BadValue | null {
    if (form === 'json') return this.take(row, this.read.json(value));
    return value === '' ? null : this.take(row, this.read.text(String(value)));
  }

  take(row: number, value: CarrierValue | BadValue): BadValue | null {
    if (typeof value === 'object') return value;
    if (this.isWide) writeWords(this.data as Int32Array, row, value);
    else this.data[row] = value as number;
    this.setValid(row);
    return null;
  }

  override f32(): Float32Array {
    return this.data instanceof Float32Array ? this.data : super.f32();
  }

  override f64(): Float64Array {
    return this.data instanceof Float64Array ? this.data : super.f64();
  }

  override i32(): Int32Array {
    return this.data instanceof Int32Array && !this.isWide ? this.data : super.i32();
  }

  override words64(): Int32Array {
    return this.data instanceof Int32Array && this.isWide ? this.data : super.words64();
  }
}

function writeWords(words: Int32Array, row: number, value: CarrierValue): void {
  if (typeof value === 'bigint') {
    words[row * 2] = Number(BigInt.asIntN(32, value));
    words[row * 2 + 1] = Number(BigInt.asIntN(32, value >> 32n));
    return;
  }
  const number = value as number;
  words[row * 2] = number % 4294967296;
  words[row * 2 + 1] = Math.floor(number / 4294967296);
}

/** A first word that says: longer than what a vector of DuckDB holds itself, so equal words mean equal texts here only. */
const LONG = 0xffffffff;

class TextVector extends RowVector {
  private readonly texts: (string | null)[];
  private readonly read: ValueReader;
  private readonly isLimited: boolean;

  constructor({ type, read }: RequestColumn, rows: number) {
    super(rows);
    this.texts = new Array<string | null>(rows).fill(null);
    this.read = read;
    this.isLimited = type === 'VARCHAR' || type === 'JSON';
  }

  put(row: number, value: unknown, form: FeatureForm): BadValue | null {
    if (form === 'text' && value === '' && !this.read.keepsEmpty) return null;
    const read = form === 'json' ? this.read.json(value) : this.read.text(String(value));
    if (typeof read === 'object') return read;
    this.texts[row] = this.isLimited ? limited(read as string) : (read as string);
    this.setValid(row);
    return null;
  }

  override reset(rows: number): void {
    super.reset(rows);
    this.texts.fill(null);
  }

  override text(row: number): string | null {
    return this.texts[row] ?? null;
  }

  override stringWords(): Uint32Array {
    const words = new Uint32Array(this.rows * 4);
    for (let row = 0; row < this.rows; row++) {
      words[row * 4] = LONG;
      words[row * 4 + 1] = row;
    }
    return words;
  }
}

function limited(text: string): string {
  const isShort = text.length * 3 <= TEXT_LIMIT.bytes;
  return isShort || Buffer.byteLength(text, 'utf8') <= TEXT_LIMIT.bytes ? text : TEXT_LIMIT.mark;
}

const NO_LIST = bad('expected a list of numbers');

class ListVector extends RowVector {
  private readonly column: RequestColumn;
  private readonly entries: Uint32Array;
  private readonly elements: (CarrierValue | null)[] = [];
  private child: NumberVector | null = null;

  constructor(column: RequestColumn, rows: number) {
    super(rows);
    this.column = column;
    this.entries = new Uint32Array(rows * 4);
  }

  override reset(rows: number): void {
    super.reset(rows);
    this.elements.length = 0;
    this.child = null;
  }

  put(row: number, value: unknown, form: FeatureForm): BadValue | null {
    if (form === 'text' && value === '') return null;
    const start = this.elements.length;
    const problem = form === 'json' ? this.takeJson(value) : this.takeText(String(value));
    if (problem !== null) {
      this.elements.length = start;
      return problem;
    }
    this.entries[row * 4] = start;
    this.entries[row * 4 + 2] = this.elements.length - start;
    this.setValid(row);
    return null;
  }

  private takeJson(value: unknown): BadValue | null {
    if (!Array.isArray(value)) return NO_LIST;
    for (const element of value as readonly unknown[]) {
      const problem = this.take(element === null ? null : this.column.read.json(element));
      if (problem !== null) return problem;
    }
    return null;
  }

  private takeText(text: string): BadValue | null {
    const elements = listReader(text);
    if (elements === null) return NO_LIST;
    for (const element of elements) {
      const problem = this.take(element === null ? null : this.column.read.text(element));
      if (problem !== null) return problem;
    }
    return null;
  }

  private take(value: CarrierValue | BadValue | null): BadValue | null {
    if (typeof value === 'object' && value !== null) return bad(`an element: ${value.message}`, value.rule);
    this.elements.push(value);
    return null;
  }

  override list(): { readonly entries: Uint32Array; readonly child: FeatureVector } {
    this.child ??= this.elementVector();
    return { entries: this.entries, child: this.child };
  }

  private elementVector(): NumberVector {
    const { length } = this.elements;
    const child = new NumberVector({ ...this.column, kind: { ...this.column.kind, list: false } }, length);
    // Counts the rows that it has, for its validity.
    child.reset(length);
    this.elements.forEach((value, i) => {
      if (value !== null) child.take(i, value);
    });
    return child;
  }
}
