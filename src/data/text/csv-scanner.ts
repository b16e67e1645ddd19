import type { CsvLayout } from '../../base/contract/table.ts';

/** Byte values; -1 where there is none. */
export interface CsvSyntax {
  readonly delimiter: number;
  readonly quote: number;
  readonly escaping: number;
}

/** What makes a record malformed, whatever its fields hold. */
export type CsvProblem = 'open quote' | 'after quote' | 'carriage return';

/** Flags of a field. */
export const QUOTED = 1;
/** Its text is not the bytes between its ends: quotes are doubled, or characters escaped. */
export const ESCAPED = 2;

const LF = 0x0a;
const CR = 0x0d;

/** The characters of a layout. */
export type CsvCharacters = Pick<CsvLayout, 'delimiter' | 'quote' | 'escape'>;

/** Their bytes. */
export function csvSyntax(characters: CsvCharacters): CsvSyntax {
  const byteOf = (text: string | null): number => (text === null ? -1 : text.charCodeAt(0));
  const quoteByte = byteOf(characters.quote);
  const escapeByte = byteOf(characters.escape);
  // A quote that escapes itself is what doubling is.
  return {
    delimiter: byteOf(characters.delimiter),
    quote: quoteByte,
    escaping: escapeByte === quoteByte ? -1 : escapeByte,
  };
}

/**
 * Finds the fields of one CSV record (RFC 4180; a quote inside an unquoted field is a character like any other, as all readers
 * have it). Of a malformed record it finds the end that a lenient reader would: nothing that was inside it can come out as a
 * record of its own.
 */
export class CsvScanner {
  /** Of the first fields of the record that was scanned last, as many as are kept. Ends do not include the quotes. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly flags: Uint8Array;
  /** Fields of the record, kept or not. */
  fields = 0;
  /** Line feeds in it, its own end included. */
  lineFeeds = 0;
  problem: CsvProblem | null = null;
  private readonly syntax: CsvSyntax;

  constructor(syntax: CsvSyntax, kept: number) {
    this.syntax = syntax;
    this.starts = new Int32Array(kept);
    this.ends = new Int32Array(kept);
    this.flags = new Uint8Array(kept);
  }

  /** True for a record of nothing at all: a blank line. */
  get isBlank(): boolean {
    return this.fields === 1 && this.starts[0] === this.ends[0] && this.flags[0] === 0 && this.problem === null;
  }

  /** Position behind the record that begins at `from`; -1 when it does not end before `end` and more bytes may come. */
  scan(bytes: Uint8Array, from: number, end: number, isLast: boolean): number {
    const { delimiter, quote, escaping } = this.syntax;
    this.fields = 0;
    this.lineFeeds = 0;
    this.problem = null;
    for (let at = from; ; ) {
      let start = at;
      let flags = 0;
      let stop = -1;
      if (at < end && bytes[at] === quote) {
        start = at + 1;
        const closed = this.closingQuote(bytes, start, end, isLast);
        if (closed === -1) return -1;
        flags = this.escapes ? QUOTED | ESCAPED : QUOTED;
        stop = closed;
        at = Math.min(closed + 1, end);
      }
      const outside = at;
      let byte = -1;
      for (; at < end; at++) {
        byte = bytes[at]!;
        if (byte === delimiter || byte === LF) break;
        if (byte === escaping && stop === -1) {
          if (at + 1 >= end && !isLast) return -1;
          flags |= ESCAPED;
          if (bytes[++at] === LF && at < end) this.lineFeeds++;
        } else if (byte === CR) {
          if (at + 1 >= end && !isLast) return -1;
          if (at + 1 >= end || bytes[at + 1] === LF) break;
          this.problem ??= 'carriage return';
        }
      }
      if (at >= end && !isLast) return -1;
      at = Math.min(at, end);
      if (stop === -1) stop = at;
      else if (at > outside) this.problem ??= 'after quote';
      this.keep(start, stop, flags);
      if (at >= end) return end;
      if (byte === delimiter) {
        at++;
        continue;
      }
      const next = byte === CR ? at + 2 : at + 1;
      if (next <= end) this.lineFeeds++;
      return Math.min(next, end);
    }
  }

  private escapes = false;

  /** Position of the quote that ends a field; `end` when none does and no more bytes come; -1 when more may. */
  private closingQuote(bytes: Uint8Array, start: number, end: number, isLast: boolean): number {
    const { quote, escaping } = this.syntax;
    this.escapes = false;
    for (let at = start; at < end; at++) {
      const byte = bytes[at];
      if (byte === quote) {
        if (at + 1 >= end && !isLast) return -1;
        if (at + 1 >= end || bytes[at + 1] !== quote) return at;
        this.escapes = true;
        at++;
      } else if (byte === escaping) {
        this.escapes = true;
        if (bytes[++at] === LF && at < end) this.lineFeeds++;
      } else if (byte === LF) this.lineFeeds++;
    }
    if (!isLast) return -1;
    this.problem ??= 'open quote';
    return end;
  }

  private keep(start: number, stop: number, flags: number): void {
    const field = this.fields++;
    if (field >= this.starts.length) return;
    this.starts[field] = start;
    this.ends[field] = stop;
    this.flags[field] = flags;
  }
}

/**
 * The text of an escaped field: `into` is given its bytes at `to`. Returns the position behind them. A backslash (or whatever the
 * escape is) stands for the character behind it.
 */
export function unescapeField(
  { quote, escaping }: CsvSyntax,
  bytes: Uint8Array,
  start: number,
  stop: number,
  isQuoted: boolean,
  into: Uint8Array,
  to: number,
): number {
  let out = to;
  for (let at = start; at < stop; at++) {
    const byte = bytes[at]!;
    const isDoubled = isQuoted && byte === quote && bytes[at + 1] === quote;
    if ((byte === escaping || isDoubled) && at + 1 < stop) at++;
    into[out++] = bytes[at]!;
  }
  return out;
}

/** Finds the end of a CSV record that is too long to be kept, block after block. */
export class LongRecord {
  isDone = false;
  /** Line feeds of the last block that belong to the record. */
  lineFeeds = 0;
  private readonly syntax: CsvSyntax;
  private isQuoted = false;
  /** At the start of a field, or right behind a closing quote, which a second one takes back. */
  private canOpen = true;
  private isEscaped = false;

  constructor(syntax: CsvSyntax) {
    this.syntax = syntax;
  }

  /** Position behind the record, or `end` when it goes on. */
  pass(bytes: Uint8Array, from: number, end: number): number {
    const { delimiter, quote, escaping } = this.syntax;
    this.lineFeeds = 0;
    for (let at = from; at < end; at++) {
      const byte = bytes[at];
      if (byte === LF) this.lineFeeds++;
      if (this.isEscaped) {
        this.isEscaped = false;
      } else if (byte === escaping) {
        this.isEscaped = true;
        this.canOpen = false;
      } else if (byte === quote && (this.isQuoted || this.canOpen)) {
        this.isQuoted = !this.isQuoted;
        this.canOpen = !this.isQuoted;
      } else if (byte === LF && !this.isQuoted) {
        this.isDone = true;
        return at + 1;
      } else this.canOpen = byte === delimiter;
    }
    return end;
  }
}
