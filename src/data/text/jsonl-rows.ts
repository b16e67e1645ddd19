import type { RejectReason } from '../../base/contract/binding.ts';
import type { ColumnInfo } from '../../base/contract/table.ts';
import type { ScanBatch } from '../arrow-values/row-scan.ts';
import { type JsonKind, JsonObject, type JsonVisitor } from './json-object.ts';
import { JsonNames, unescapeJson } from './json-text.ts';
import { JSON_FORMS } from './reader-of-type.ts';
import type { RecordBuffer } from './record-buffer.ts';
import { ROW_TYPES, type RowLimits, SideBytes, TextBatch, type TextRows } from './text-batch.ts';

const LF = 0x0a;

/**
 * Lines of JSON as rows: a name that is missing and `null` are null, names that nobody asks for are passed over. A line that is no
 * JSON object, names a wanted column twice or is too long gives a row with a fault. Blank lines are passed over.
 */
export class JsonlRows implements TextRows {
  readonly types: readonly string[];
  rows = 0;
  private readonly buffer: RecordBuffer;
  private readonly limits: RowLimits;
  readonly batch: TextBatch;
  private readonly names: JsonNames;
  private readonly object = new JsonObject();
  private readonly side = new SideBytes();
  private readonly kinds: (JsonKind | null)[];
  private readonly starts: Int32Array;
  private readonly stops: Int32Array;
  private readonly escapes: Uint8Array;
  private twice = -1;
  /** Of the next byte, from 1. */
  private line = 1;
  private isSkipping = false;
  private firstByte = -1;

  constructor(buffer: RecordBuffer, columns: readonly ColumnInfo[], limits: RowLimits) {
    this.buffer = buffer;
    this.limits = limits;
    this.batch = new TextBatch(columns, JSON_FORMS);
    this.types = [...columns.map((c) => c.type), ...ROW_TYPES];
    this.names = new JsonNames(columns.map((c) => c.name));
    this.kinds = columns.map(() => null);
    this.starts = new Int32Array(columns.length);
    this.stops = new Int32Array(columns.length);
    this.escapes = new Uint8Array(columns.length);
  }

  get faults(): readonly RejectReason[] {
    return this.batch.faults.all;
  }

  next(): ScanBatch | null {
    const { batch, buffer, limits } = this;
    batch.rows = 0;
    this.side.clear();
    this.firstByte = -1;
    while (!batch.isFull && this.rows + batch.rows < limits.rows && !buffer.isDone) {
      const lf = buffer.bytes.subarray(0, buffer.end).indexOf(LF, buffer.from);
      if (lf !== -1) this.take(lf, lf + 1);
      else if (buffer.isLast) {
        if (limits.isCut) break;
        this.take(buffer.end, buffer.end);
      } else if (this.isSkipping) {
        buffer.drop();
        buffer.more();
      } else if (batch.rows > 0) break;
      else this.isSkipping = !buffer.more();
    }
    if (batch.rows === 0) return null;
    if (this.firstByte !== -1) batch.requireUtf8(buffer.bytes.subarray(this.firstByte, buffer.from));
    this.rows += batch.rows;
    return batch.scanned();
  }

  private take(stop: number, next: number): void {
    const { buffer, batch } = this;
    const start = buffer.from;
    const { line } = this;
    this.line++;
    if (this.isSkipping) {
      this.isSkipping = false;
      batch.addFault(line, 'a line is longer than 16 MiB');
    } else if (!isBlank(buffer.bytes, start, stop)) {
      this.names.beginLine();
      this.kinds.fill(null);
      this.twice = -1;
      const problem = this.object.read(buffer.bytes, start, stop, this.visit);
      if (problem !== null) batch.addFault(line, problem);
      else {
        if (this.firstByte === -1) this.firstByte = start;
        this.fill(batch.addRow(line));
      }
    }
    buffer.from = next;
  }

  private readonly visit: JsonVisitor = (keyFrom, keyTo, isKeyEscaped, kind, from, to, isEscaped) => {
    const index = this.names.find(this.buffer.bytes, keyFrom, keyTo, isKeyEscaped);
    if (index === -1) return;
    if (this.kinds[index] !== null) this.twice = index;
    this.kinds[index] = kind;
    this.starts[index] = from;
    this.stops[index] = to;
    this.escapes[index] = isEscaped ? 1 : 0;
  };

  private fill(row: number): void {
    const { batch, kinds } = this;
    if (this.twice !== -1) {
      batch.markMalformed(row, this.twice, 'the name stands twice in the object');
      return;
    }
    for (let k = 0; k < kinds.length; k++) {
      const kind = kinds[k]!;
      if (kind === null || kind === 'null') continue;
      if (kind === 'nested' || batch.readers[k]!.json[kind] !== true || !this.read(row, k, kind))
        batch.markBadValue(row, k);
    }
  }

  private read(row: number, k: number, kind: JsonKind): boolean {
    const { buffer, side } = this;
    const reader = this.batch.readers[k]!;
    const start = this.starts[k]!;
    const stop = this.stops[k]!;
    if (kind !== 'text' || this.escapes[k] === 0) return reader.read(row, buffer.bytes, start, stop);
    side.reserve(stop - start);
    const from = side.used;
    const end = unescapeJson(buffer.bytes, start, stop, side.bytes, from);
    if (end === -1) {
      this.batch.markBadText(row, k);
      return true;
    }
    side.used = end;
    return reader.read(row, side.bytes, from, end);
  }
}

function isBlank(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0x20 && bytes[at] !== 0x09 && bytes[at] !== 0x0d) return false;
  return true;
}
