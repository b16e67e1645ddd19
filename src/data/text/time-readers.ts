import { asciiText, BATCH_ROWS, FixedReader, skipBlanks, trimBlanks } from './column-reader.ts';
import { type InstantText, readIsoDate, readIsoInstant, type TimeReader } from './time-texts.ts';

/** Longer than any date or time that is read. */
const MOST_BYTES = 128;
const TEXTS = { number: false, text: true, flag: false } as const;
const WORD = 2 ** 32;

/** Dates, as days since 1970-01-01. */
export class DateReader extends FixedReader<Int32Array<ArrayBuffer>> {
  readonly json = TEXTS;
  readonly says: string;
  private readonly readText: TimeReader;

  constructor(format: { readonly text: string; readonly read: TimeReader } | null) {
    super(new Int32Array(BATCH_ROWS));
    this.readText = format?.read ?? readIsoDate;
    this.says = `a date as ${format?.text ?? '2013-01-31'}`;
  }

  read(row: number, bytes: Uint8Array, from: number, to: number): boolean {
    const found = instantAt(bytes, from, to, this.readText);
    if (found === null || found.hasZone || found.micros !== 0) return false;
    this.values[row] = found.days;
    this.setValid(row);
    return true;
  }
}

/** Timestamps, as microseconds since 1970-01-01 UTC: with a zone, or without one, but not now so and now so. */
export class TimestampReader extends FixedReader<Float64Array<ArrayBuffer>> {
  readonly json = TEXTS;
  readonly says: string;
  private readonly words = new Uint32Array(this.values.buffer);
  private readonly readText: TimeReader;
  private readonly hasZone: boolean;

  constructor(hasZone: boolean, format: { readonly text: string; readonly read: TimeReader } | null) {
    super(new Float64Array(BATCH_ROWS));
    this.hasZone = hasZone;
    this.readText = format?.read ?? readIsoInstant;
    const example = format?.text ?? `2013-01-31T23:59:59.999999${hasZone ? 'Z' : ''}`;
    this.says = `a time ${hasZone ? 'with' : 'without'} a zone as ${example}`;
  }

  read(row: number, bytes: Uint8Array, from: number, to: number): boolean {
    const found = instantAt(bytes, from, to, this.readText);
    if (found === null || found.hasZone !== this.hasZone) return false;
    // A day has fewer than 2^37 microseconds and days are fewer than 2^22: the sum is below 2^59, beyond what a double holds.
    const high = found.days * DAY_HIGH;
    const low = found.days * DAY_LOW + found.micros;
    const carry = Math.floor(low / WORD);
    this.words[row * 2] = low - carry * WORD;
    this.words[row * 2 + 1] = high + carry;
    this.setValid(row);
    return true;
  }
}

/** The microseconds of a day in two words of 32 bits. */
const DAY_MICROS = 86_400_000_000;
const DAY_HIGH = Math.floor(DAY_MICROS / WORD);
const DAY_LOW = DAY_MICROS % WORD;

function instantAt(bytes: Uint8Array, from: number, to: number, read: TimeReader): InstantText | null {
  const start = skipBlanks(bytes, from, to);
  const stop = trimBlanks(bytes, start, to);
  return stop - start > MOST_BYTES ? null : read(asciiText(bytes, start, stop));
}
