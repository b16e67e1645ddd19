import { isUtf8 } from 'node:buffer';
import type { RejectReason, RejectRule } from '../../base/contract/binding.ts';
import type { ColumnInfo } from '../../base/contract/table.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { DecodedColumn } from '../arrow-values/arrow-column.ts';
import type { ScanBatch } from '../arrow-values/row-scan.ts';
import { BATCH_ROWS, type ColumnReader } from './column-reader.ts';
import { readerOf, type ValueForms } from './reader-of-type.ts';
import { TEXT_LIMITS } from './text-limits.ts';
import { TextReader } from './text-readers.ts';

/** The records of one text file as rows, in their order. */
export interface TextRows {
  /** DuckDB's types: those of the wanted columns, then `ROW_TYPES`. */
  readonly types: readonly string[];
  /** What the numbers of faults mean, from 1; complete when `next` has given null. */
  readonly faults: readonly RejectReason[];
  /** Rows so far. */
  readonly rows: number;
  /** The rows of the last `next`. */
  readonly batch: TextBatch;
  /** Up to 2,048 rows, which end those before; null after the last. */
  next(): ScanBatch | null;
}

export interface RowLimits {
  /** Rows at most, for a sample; infinite for all. */
  readonly rows: number;
  /** The file is the first part of a longer one: what stands at its end may be half a record. */
  readonly isCut: boolean;
}

/** DuckDB's types of what stands behind the wanted columns: the line of the row, and the number of its fault. */
export const ROW_TYPES = ['BIGINT', 'INTEGER'] as const;

const WORD = 2 ** 32;

/** The rows that DuckDB takes next: the wanted columns, each row's line, and why it is not to be scored. */
export class TextBatch {
  readonly readers: readonly ColumnReader[];
  readonly faults = new RowFaults();
  rows = 0;
  private readonly columns: readonly ColumnInfo[];
  private readonly texts: readonly { readonly reader: TextReader; readonly name: string }[];
  private readonly lineWords = new Uint32Array(BATCH_ROWS * 2);
  private readonly codes = new Int32Array(BATCH_ROWS);

  /** Errors: INTERNAL for a column of a type that text files do not have. */
  constructor(columns: readonly ColumnInfo[], forms: ValueForms) {
    this.columns = columns;
    this.readers = columns.map(({ name, type, text }) => {
      const reader = readerOf(type, text?.isDeclared === true, forms);
      if (reader === null) throw new PrescoreError('INTERNAL', { what: `column ${name} cannot be a ${type}` });
      return reader;
    });
    this.texts = columns.flatMap(({ name }, i) => {
      const reader = this.readers[i];
      return reader instanceof TextReader ? [{ reader, name }] : [];
    });
  }

  get isFull(): boolean {
    return this.rows === BATCH_ROWS;
  }

  /** Begins the row of a line: it has no values yet, and no fault. Returns its number in the batch. */
  addRow(line: number): number {
    const row = this.rows++;
    this.lineWords[row * 2] = line % WORD;
    this.lineWords[row * 2 + 1] = Math.floor(line / WORD);
    this.codes[row] = 0;
    for (const reader of this.readers) reader.setNull(row);
    return row;
  }

  /** A row that holds nothing but its fault. */
  addFault(line: number, message: string): void {
    this.codes[this.addRow(line)] = this.faults.numberOf('malformed', '', message);
  }

  /** The first fault of a row is the one that is told. */
  markMalformed(row: number, column: number, message: string): void {
    if (this.codes[row] === 0) {
      this.codes[row] = this.faults.numberOf('malformed', this.columns[column]?.name ?? '', message);
    }
  }

  markBadValue(row: number, column: number): void {
    if (this.codes[row] !== 0) return;
    const { name, text } = this.columns[column]!;
    const guessed = text?.isDeclared === true ? '' : ', as the first lines are; input.schema can say what else it is';
    this.codes[row] = this.faults.numberOf('bad_value', name, `expected ${this.readers[column]!.says}${guessed}`);
  }

  markBadText(row: number, column: number): void {
    if (this.codes[row] === 0) this.codes[row] = this.badText(this.columns[column]!.name);
  }

  /** Looks at the texts once more, where the bytes that the rows were read from are not all UTF-8. */
  requireUtf8(bytes: Uint8Array): void {
    if (isUtf8(bytes)) return;
    for (const { reader, name } of this.texts) {
      for (let row = 0; row < this.rows; row++) {
        if (reader.requireUtf8(row) || this.codes[row] !== 0) continue;
        this.codes[row] = this.badText(name);
      }
    }
  }

  private badText(column: string): number {
    return this.faults.numberOf('bad_utf8', column, 'a text is not valid UTF-8');
  }

  /** What DuckDB is given. Owns: its memory is the next batch's. */
  scanned(): ScanBatch {
    const { rows } = this;
    const whole = (array: Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer>, width: number): DecodedColumn => ({
      kind: 'fixed',
      rows,
      validity: null,
      width,
      bytes: new Uint8Array(array.buffer),
    });
    return {
      rows,
      columns: [...this.readers.map((r) => r.column(rows)), whole(this.lineWords, 8), whole(this.codes, 4)],
    };
  }

  /** Bytes that the rows take in memory, of all columns or of some. */
  bytes(names: ReadonlySet<string> | null): number {
    return this.readers.reduce((sum, reader, i) => {
      const isCounted = names === null || names.has(this.columns[i]!.name);
      return isCounted ? sum + reader.bytes(this.rows) : sum;
    }, this.rows * 12);
  }
}

const FIRST_BYTES = 64 * 1024;

/** Room for texts that are not what stands in the file: their escapes are resolved. Bytes that were given out stay as they are. */
export class SideBytes {
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  used = 0;

  /** Makes sure that `length` bytes fit at `used`. */
  reserve(length: number): void {
    if (this.used + length <= this.bytes.length) return;
    // A new buffer: whoever has a view into the old one keeps it.
    this.bytes = new Uint8Array(Math.max(FIRST_BYTES, length * 2));
    this.used = 0;
  }

  /** For the next batch. */
  clear(): void {
    this.used = 0;
  }
}

/** Numbers from 1 for the reasons of one file, so that a row of the scratch file costs four bytes; 0 is no fault. */
class RowFaults {
  readonly all: RejectReason[] = [];
  private readonly known = new Map<string, number>();

  /** Past 10,000 different messages, further ones share a number per rule and column. */
  numberOf(rule: RejectRule, column: string, message: string): number {
    const text = this.all.length < TEXT_LIMITS.reasons ? message : '(too many different messages)';
    const key = `${rule}\u0000${column}\u0000${text}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    this.all.push({ rule, column, message: text });
    this.known.set(key, this.all.length);
    return this.all.length;
  }
}
