import type { RejectReason } from '../../base/contract/binding.ts';
import type { ColumnInfo, CsvLayout } from '../../base/contract/table.ts';
import type { ScanBatch } from '../arrow-values/row-scan.ts';
import { CsvScanner, type CsvSyntax, csvSyntax, ESCAPED, LongRecord, QUOTED, unescapeField } from './csv-scanner.ts';
import type { RecordBuffer } from './record-buffer.ts';
import { ROW_TYPES, type RowLimits, SideBytes, TextBatch, type TextRows } from './text-batch.ts';

const LF = 0x0a;
const CR = 0x0d;

const PROBLEMS = {
  'open quote': 'a quote is not closed before the end of the file',
  'after quote': 'something follows a closing quote that is neither a delimiter nor the end of the line',
  'carriage return': 'a carriage return stands outside of quotes and is not the end of the line',
} as const;

/**
 * CSV records as rows. A record that is malformed gives a row with a fault for each of its lines, so that every line of the file
 * is in one row or in one fault; so does one that is longer than the limit. Blank lines are passed over, except where a record
 * has one field: there they are a null.
 */
export class CsvRows implements TextRows {
  readonly types: readonly string[];
  rows = 0;
  private readonly buffer: RecordBuffer;
  private readonly layout: CsvLayout;
  private readonly limits: RowLimits;
  private readonly syntax: CsvSyntax;
  private readonly scanner: CsvScanner;
  readonly batch: TextBatch;
  private readonly side = new SideBytes();
  /** Of each wanted column. */
  private readonly fields: readonly number[];
  private readonly nulls: readonly Uint8Array[];
  private isAwaitingHeader: boolean;
  private header: Uint8Array | null = null;
  /** Line of the next byte, from 1. */
  private line = 1;
  /** Lines of a malformed record that have no row yet, and what is wrong with it. */
  private openLines = 0;
  private faultLine = 0;
  private recordLine = 0;
  private faultText = '';
  /** Inside a record that is too long to be kept. */
  private skipping: LongRecord | null = null;
  /** Where the first record of the batch lies that has values; -1 before there is one. The buffer does not move from then on. */
  private firstByte = -1;

  constructor(buffer: RecordBuffer, layout: CsvLayout, columns: readonly ColumnInfo[], limits: RowLimits) {
    this.buffer = buffer;
    this.layout = layout;
    this.limits = limits;
    this.syntax = csvSyntax(layout);
    this.scanner = new CsvScanner(this.syntax, Math.max(1, layout.fields));
    this.batch = new TextBatch(columns, layout);
    this.types = [...columns.map((c) => c.type), ...ROW_TYPES];
    this.fields = columns.map((c) => c.text?.field ?? -1);
    this.nulls = layout.nulls.map((text) => new TextEncoder().encode(text));
    this.isAwaitingHeader = layout.hasHeader;
  }

  get faults(): readonly RejectReason[] {
    return this.batch.faults.all;
  }

  next(): ScanBatch | null {
    const { batch, buffer, limits } = this;
    batch.rows = 0;
    this.side.clear();
    this.firstByte = -1;
    while (!batch.isFull && this.rows + batch.rows < limits.rows) {
      if (this.openLines > 0) this.addFaultLine();
      else if (this.skipping !== null) this.skipOn(this.skipping);
      else if (buffer.isDone) break;
      else {
        const stop = this.scanner.scan(buffer.bytes, buffer.from, buffer.end, buffer.isLast && !limits.isCut);
        if (stop !== -1) this.take(stop);
        // What the batch has of the buffer must stay where it is.
        else if (batch.rows > 0) break;
        else if (buffer.isLast) break;
        else if (!buffer.more()) this.beginSkipping();
      }
    }
    if (batch.rows === 0) return null;
    if (this.firstByte !== -1) batch.requireUtf8(buffer.bytes.subarray(this.firstByte, buffer.from));
    this.rows += batch.rows;
    return batch.scanned();
  }

  private take(stop: number): void {
    const { scanner, buffer, layout, batch } = this;
    const line = this.line;
    const isLineEnd = buffer.bytes[stop - 1] === LF;
    const ends = isLineEnd ? (buffer.bytes[stop - 2] === CR ? 2 : 1) : 0;
    const lines = scanner.lineFeeds + (isLineEnd ? 0 : 1);
    this.line += scanner.lineFeeds;
    const isBlank = scanner.isBlank && (layout.fields !== 1 || this.isAwaitingHeader);
    if (isBlank) {
      buffer.from = stop;
      return;
    }
    if (this.isAwaitingHeader) {
      this.isAwaitingHeader = false;
      this.header = buffer.bytes.slice(buffer.from, stop - ends);
    } else if (this.isHeaderAgain(buffer.from, stop - ends))
      this.openFault(line, lines, 'the header stands here again');
    else if (scanner.problem !== null) this.openFault(line, lines, PROBLEMS[scanner.problem]);
    else if (scanner.fields !== layout.fields) {
      this.openFault(line, lines, `${scanner.fields} ${fieldsWord(scanner.fields)} instead of ${layout.fields}`);
    } else {
      if (this.firstByte === -1) this.firstByte = buffer.from;
      this.fill(batch.addRow(line));
    }
    buffer.from = stop;
  }

  /** Files that were put one behind the other have their header in the middle; of one field it may be a value. */
  private isHeaderAgain(from: number, to: number): boolean {
    const { header } = this;
    if (header === null || header.length !== to - from || this.layout.fields < 2) return false;
    return header.every((byte, i) => byte === this.buffer.bytes[from + i]);
  }

  private fill(row: number): void {
    const { scanner, buffer, batch, fields, syntax, side } = this;
    for (let k = 0; k < fields.length; k++) {
      const field = fields[k]!;
      const flags = scanner.flags[field]!;
      const start = scanner.starts[field]!;
      const stop = scanner.ends[field]!;
      const reader = batch.readers[k]!;
      const isQuoted = (flags & QUOTED) !== 0;
      if (isQuoted ? start === stop && !reader.keepsEmpty : this.isNull(start, stop)) continue;
      let isRead: boolean;
      if ((flags & ESCAPED) === 0) isRead = reader.read(row, buffer.bytes, start, stop);
      else {
        side.reserve(stop - start);
        const from = side.used;
        side.used = unescapeField(syntax, buffer.bytes, start, stop, isQuoted, side.bytes, from);
        isRead = reader.read(row, side.bytes, from, side.used);
      }
      if (!isRead) batch.markBadValue(row, k);
    }
  }

  private isNull(start: number, stop: number): boolean {
    if (start === stop) return true;
    const { bytes } = this.buffer;
    return this.nulls.some(
      (text) => text.length === stop - start && text.every((byte, i) => byte === bytes[start + i]),
    );
  }

  private openFault(line: number, lines: number, text: string): void {
    this.recordLine = line;
    this.faultLine = line;
    this.openLines = lines;
    this.faultText = text;
  }

  private addFaultLine(): void {
    const isFirst = this.faultLine === this.recordLine;
    this.batch.addFault(
      this.faultLine,
      isFirst ? this.faultText : `part of the record that begins in line ${this.recordLine}: ${this.faultText}`,
    );
    this.faultLine++;
    this.openLines--;
  }

  private beginSkipping(): void {
    this.skipping = new LongRecord(this.syntax);
    this.recordLine = this.line;
    this.faultLine = this.line;
    this.faultText = 'a record is longer than 16 MiB; if it should not be, a quote is not closed';
  }

  /** Goes on through a record of any length, a block at a time, and counts its lines. */
  private skipOn(record: LongRecord): void {
    const { buffer } = this;
    if (buffer.from < buffer.end) {
      buffer.from = record.pass(buffer.bytes, buffer.from, buffer.end);
      this.line += record.lineFeeds;
      this.openLines += record.lineFeeds;
      if (record.isDone) this.skipping = null;
    } else if (buffer.isLast) {
      this.openLines++;
      this.skipping = null;
    } else buffer.more();
  }
}

function fieldsWord(count: number): string {
  return count === 1 ? 'field' : 'fields';
}
