const QUOTE = 34;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const NINE = 57;
const BACKSLASH = 92;
/** Digits up to which a number and the power of ten below it are exact doubles: their quotient is rounded once, as it should be. */
const EXACT_DIGITS = 15;
const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, i) => 10 ** i);
const WORDS: readonly (readonly [string, null | boolean])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
];
const LITERALS = WORDS.map(([word, value]) => ({ bytes: Buffer.from(word), value }));

/** JSON text, taken token by token as long as it has nothing unusual. */
export class PlainText {
  private readonly bytes: Buffer;
  private readonly longest: number;
  private at = 0;

  /** Texts may have `longest` bytes. Owns: `bytes` stays the caller's. */
  constructor(bytes: Buffer, longest: number) {
    this.bytes = bytes;
    this.longest = longest;
  }

  /** Goes on behind spaces and this byte; false where there is another one. */
  takes(byte: number): boolean {
    this.skipSpaces();
    if (this.at >= this.bytes.length || this.bytes[this.at] !== byte) return false;
    this.at++;
    return true;
  }

  /** The same for a row of bytes. */
  takesAll(bytes: Uint8Array): boolean {
    this.skipSpaces();
    const { at } = this;
    if (at + bytes.length > this.bytes.length) return false;
    for (let i = 0; i < bytes.length; i++) if (this.bytes[at + i] !== bytes[i]) return false;
    this.at = at + bytes.length;
    return true;
  }

  /** Whether nothing is left but spaces. */
  isAtEnd(): boolean {
    this.skipSpaces();
    return this.at === this.bytes.length;
  }

  /** A number, a text of printable ASCII without escapes, or a literal; undefined for all else. */
  value(): string | number | boolean | null | undefined {
    this.skipSpaces();
    if (this.at >= this.bytes.length) return undefined;
    const first = this.bytes[this.at]!;
    if (first === QUOTE) return this.text();
    if (first === MINUS || (first >= ZERO && first <= NINE)) return this.number();
    for (const { bytes, value } of LITERALS) if (first === bytes[0] && this.takesAll(bytes)) return value;
    return undefined;
  }

  private text(): string | undefined {
    const from = this.at + 1;
    const { length } = this.bytes;
    for (let at = from; at < length; at++) {
      const byte = this.bytes[at]!;
      if (byte === QUOTE) {
        if (at - from > this.longest) return undefined;
        this.at = at + 1;
        return this.bytes.toString('latin1', from, at);
      }
      if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return undefined;
    }
    return undefined;
  }

  private number(): number | undefined {
    const from = this.at;
    const isNegative = this.bytes[from] === MINUS;
    const start = isNegative ? from + 1 : from;
    const [whole, point] = this.digits(start, 0);
    // No digit, or more behind a leading zero.
    if (point === start || (point > start + 1 && this.bytes[start] === ZERO)) return undefined;
    let [number, end, decimals] = [whole, point, 0];
    if (this.byteAt(point) === POINT) {
      [number, end] = this.digits(point + 1, whole);
      decimals = end - point - 1;
      if (decimals === 0) return undefined;
    }
    const after = this.byteAt(end) | 0x20;
    // An exponent is rare.
    if (after === 0x65) return undefined;
    this.at = end;
    if (end - start > EXACT_DIGITS) return Number(this.bytes.toString('latin1', from, end));
    const size = decimals === 0 ? number : number / POWERS[decimals]!;
    return isNegative ? -size : size;
  }

  /** The number `before` with the digits from a place on, and the place behind them. */
  private digits(from: number, before: number): [number: number, end: number] {
    const { bytes } = this;
    let number = before;
    let at = from;
    for (; at < bytes.length; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      number = number * 10 + digit;
    }
    return [number, at];
  }

  private byteAt(at: number): number {
    return at < this.bytes.length ? this.bytes[at]! : 0;
  }

  private skipSpaces(): void {
    const { bytes } = this;
    while (this.at < bytes.length) {
      const byte = bytes[this.at]!;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.at++;
    }
  }
}
