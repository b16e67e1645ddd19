import { crc32 } from 'node:zlib';
import { HYBRID_PADDING, HybridRuns } from './hybrid-runs.ts';
import type { PageBytes } from './page-bytes.ts';
import { type PageHeader, readPageHeader } from './page-header.ts';
import { chunkRange, type ParquetFooter } from './parquet-footer.ts';
import { PHYSICAL } from './schema-nodes.ts';
import { isSnappyLength, unsnappy } from './snappy.ts';

const PLAIN = 0;
const PLAIN_DICTIONARY = 2;
const RLE = 3;
const RLE_DICTIONARY = 8;
const SNAPPY = 1;
const HEADER_BYTES = 512;
const MOST_HEADER = 65_536;
const MOST_PAGE = 64 * 1024 * 1024;
const NOTHING = new Uint8Array(0);

/** Where values of a column go: `words` 32-bit words each, and bits of which rows hold one. */
export interface ColumnBuffer {
  readonly words: Int32Array;
  /** Bit i (low bit first) is 1 where row i holds a value. Bits are only ever cleared by who writes values. */
  readonly valid: Uint8Array;
  hasNulls: boolean;
}

/**
 * One flat column of numbers of a Parquet file, read a few rows at a time: what DuckDB does for a column of a row group before its first
 * row costs more than a hundred rows. Pages are checked as by `checkPages`.
 *
 * Errors: RangeError for everything that is damaged, and for everything that is not known here (other encodings and codecs), which
 * says nothing of the file: DuckDB reads it, or tells what is wrong with it.
 */
export class FlatColumn {
  /** 32-bit words of a value. */
  readonly words: number;
  private footer: ParquetFooter;
  private leaf: number;
  private isRequired = false;
  private source: PageBytes;
  private readonly runs = new HybridRuns();
  private readonly levels = new HybridRuns();
  private page: Uint8Array = NOTHING;
  private view: DataView = new DataView(new ArrayBuffer(0));
  private dictionary = new Int32Array(0);
  private dictionaryBytes: Uint8Array = NOTHING;
  private dictionarySize = 0;
  private defined: Uint8Array = NOTHING;
  private at = 0;
  private end = 0;
  private codec = 0;
  private pages = 0;
  /** Values of the chunk that are in no page yet that was read. */
  private ahead = 0;
  /** Values of the page that were not given yet. */
  private left = 0;
  private isPlain = false;
  private hasLevels = false;
  private plainAt = 0;
  private plainEnd = 0;

  constructor(source: PageBytes, footer: ParquetFooter, leaf: number) {
    this.words = wordsOf(footer, leaf);
    this.source = source;
    this.footer = footer;
    this.leaf = leaf;
    this.attach(source, footer, leaf);
  }

  /** Goes on with a column in another file, of as many words. */
  attach(source: PageBytes, footer: ParquetFooter, leaf: number): void {
    this.source = source;
    this.footer = footer;
    this.leaf = leaf;
    this.isRequired = footer.columns[footer.leaves[leaf]!.column]!.isRequired;
  }

  /** Begins with a row group. */
  open(group: number): void {
    const { groups } = this.footer;
    const chunk = group * groups.leaves + this.leaf;
    const { offset, length } = chunkRange(groups, chunk);
    this.at = offset;
    this.end = offset + length;
    this.codec = groups.codec[chunk]!;
    this.ahead = groups.values[chunk]!;
    this.left = 0;
    this.pages = 0;
    this.dictionarySize = 0;
    if (this.codec > SNAPPY) throw new RangeError(`codec ${this.codec}`);
  }

  /** The next `count` rows of the row group, to rows [row, row + count) of a buffer. */
  read(count: number, into: ColumnBuffer, row: number): void {
    for (let done = 0; done < count; ) {
      while (this.left === 0) this.nextPage();
      const few = Math.min(count - done, this.left);
      this.give(few, into, row + done);
      this.left -= few;
      done += few;
    }
  }

  private give(count: number, into: ColumnBuffer, row: number): void {
    if (!this.hasLevels) {
      this.numbers(count, into.words, row * this.words);
      return;
    }
    if (this.defined.length < count) this.defined = new Uint8Array(count);
    const { defined, words } = this;
    this.levels.values(defined, count);
    let there = 0;
    for (let i = 0; i < count; i++) there += defined[i]!;
    this.numbers(there, into.words, row * words);
    if (there === count) return;
    into.hasNulls = true;
    // From the last row on: a value only moves up.
    for (let i = count - 1, from = there - 1; i >= 0; i--) {
      if (defined[i] === 0) {
        into.valid[(row + i) >> 3] = into.valid[(row + i) >> 3]! & ~(1 << ((row + i) & 7));
        continue;
      }
      for (let w = 0; w < words; w++) into.words[(row + i) * words + w] = into.words[(row + from) * words + w]!;
      from--;
    }
  }

  private numbers(count: number, out: Int32Array, at: number): void {
    const { words } = this;
    if (!this.isPlain) {
      this.runs.gather(this.dictionary, this.dictionarySize, words, out, at, count);
      return;
    }
    const size = count * words * 4;
    if (this.plainAt + size > this.plainEnd) throw new RangeError('a page ends too early');
    copyBytes(this.page, this.plainAt, out, at * 4, size);
    this.plainAt += size;
  }

  private nextPage(): void {
    if (this.ahead === 0 || this.at >= this.end) throw new RangeError('values are missing');
    const header = this.header();
    const body = this.at + header.size;
    this.at = body + header.compressed;
    if (this.at > this.end) throw new RangeError('a page is longer than its column chunk');
    const { kind } = header;
    if (kind === 'index') return;
    if (Math.max(header.compressed, header.uncompressed) > MOST_PAGE) throw new RangeError('a page of this size');
    // Before anything is allocated for it.
    if (!isSnappyLength(header.compressed, header.uncompressed)) throw new RangeError('a page claims too much');
    if (kind === 'dictionary' && this.pages > 0) throw new RangeError('a dictionary comes after the first page');
    this.pages++;
    if (kind === 'dictionary') this.takeDictionary(header, body);
    else {
      this.room(header.uncompressed);
      this.unpack(header, body, this.page);
      this.takeData(header);
    }
  }

  private header(): PageHeader {
    const left = this.end - this.at;
    for (const most of [HEADER_BYTES, MOST_HEADER]) {
      const held = Math.min(left, most);
      const from = this.source.hold(this.at, held);
      const isLast = held === left || most === MOST_HEADER;
      try {
        const header = readPageHeader(this.source.bytes, from);
        // Behind what is held stand other bytes.
        if (header.size <= held) return header;
      } catch (error) {
        if (!(error instanceof RangeError) || isLast) throw error;
      }
      if (isLast) break;
    }
    throw new RangeError('a page header is too long');
  }

  /** Puts the bytes of a page where they are read, unpacked. */
  private unpack(header: PageHeader, body: number, into: Uint8Array): void {
    const { compressed, uncompressed, levels } = header;
    if (levels > Math.min(compressed, uncompressed)) throw new RangeError('levels are longer than their page');
    const isPacked = this.codec === SNAPPY && (header.kind !== 'data-v2' || header.isCompressed);
    if (!isPacked && compressed !== uncompressed) throw new RangeError('a page gives two lengths');
    const from = this.source.hold(body, compressed);
    const { bytes } = this.source;
    if (header.crc !== null && crc32(bytes.subarray(from, from + compressed)) !== header.crc) {
      throw new RangeError('the checksum of a page does not fit');
    }
    copyBytes(bytes, from, into, 0, isPacked ? levels : compressed);
    if (isPacked && (compressed > levels || uncompressed > levels)) {
      unsnappy(bytes, from + levels, from + compressed, into, levels, uncompressed - levels);
    }
  }

  private room(bytes: number): void {
    if (this.page.length >= bytes + HYBRID_PADDING) return;
    this.page = new Uint8Array(bytes + HYBRID_PADDING);
    this.view = new DataView(this.page.buffer);
  }

  private takeDictionary(header: PageHeader, body: number): void {
    const { values, encoding, uncompressed } = header;
    const isPlain = encoding === PLAIN || encoding === PLAIN_DICTIONARY;
    if (!isPlain || values * this.words * 4 !== uncompressed) throw new RangeError('a dictionary of another form');
    if (this.dictionary.byteLength < uncompressed) {
      this.dictionary = new Int32Array(uncompressed / 4);
      this.dictionaryBytes = new Uint8Array(this.dictionary.buffer);
    }
    this.unpack(header, body, this.dictionaryBytes);
    this.dictionarySize = values;
  }

  private takeData(header: PageHeader): void {
    const { values, encoding, rows, uncompressed: length } = header;
    if (values > this.ahead || (rows !== null && rows !== values)) throw new RangeError('a page of too many values');
    this.ahead -= values;
    this.left = values;
    const from = this.takeLevels(header, length);
    this.isPlain = encoding === PLAIN;
    if (this.isPlain) {
      this.plainAt = from;
      this.plainEnd = length;
      return;
    }
    if (encoding !== PLAIN_DICTIONARY && encoding !== RLE_DICTIONARY) throw new RangeError(`encoding ${encoding}`);
    // A page of nothing but nulls may have no values at all, not even how many bits they have.
    if (from === length) this.runs.open(this.page, this.view, from, from, 0);
    else this.runs.open(this.page, this.view, from + 1, length, this.page[from]!);
  }

  /** Where the values of the page begin. */
  private takeLevels({ kind, levels, levelEncoding, values }: PageHeader, length: number): number {
    this.hasLevels = false;
    if (this.isRequired) {
      if (levels > 0) throw new RangeError('levels where every row holds a value');
      return 0;
    }
    if (kind === 'data' && (levelEncoding !== RLE || length < 4)) throw new RangeError('levels of another form');
    const from = kind === 'data' ? 4 : 0;
    const to = kind === 'data' ? 4 + this.view.getUint32(0, true) : levels;
    if (to > length) throw new RangeError('a page ends too early');
    if (values === 0) return to;
    this.levels.open(this.page, this.view, from, to, 1);
    this.hasLevels = !this.levels.isAll(1, values);
    return to;
  }
}

/** 32-bit words of a value of a leaf: FLOAT and INT32 have one, DOUBLE and INT64 two. */
export function wordsOf({ leaves }: ParquetFooter, leaf: number): number {
  const { type } = leaves[leaf]!;
  return type === PHYSICAL.float || type === PHYSICAL.int32 ? 1 : 2;
}

/** Few bytes are copied by hand: a view of them costs more. */
const FEW_BYTES = 64;

function copyBytes(from: Uint8Array, at: number, into: Uint8Array | Int32Array, to: number, size: number): void {
  const bytes = into instanceof Uint8Array ? into : new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  if (size <= FEW_BYTES && into instanceof Uint8Array) for (let i = 0; i < size; i++) bytes[to + i] = from[at + i]!;
  else bytes.set(from.subarray(at, at + size), to);
}
