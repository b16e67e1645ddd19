import { duckdbTyping } from '../arrow/arrow-duckdb-type.ts';
import { type ArrowPlace, quoteName } from '../arrow/arrow-fault.ts';
import { openArrowFile } from '../arrow/arrow-file.ts';
import { describeColumns, readStreamSchema } from '../arrow/arrow-ipc.ts';
import type { ArrowLocalFile } from '../arrow/arrow-local-file.ts';
import { ArrowMemory } from '../arrow/arrow-memory.ts';
import type { ArrowField } from '../arrow/arrow-schema.ts';
import { type FoundBatch, fileBatches, streamBatches } from './arrow-batches.ts';
import { ArrowBody } from './arrow-body.ts';
import type { DecodedColumn } from './arrow-column.ts';
import { decodeColumn } from './arrow-decode.ts';
import { ArrowDictionaries } from './arrow-dictionaries.ts';
import { type FieldLayout, layoutFields } from './arrow-layout.ts';
import { requireFit } from './arrow-vectors.ts';
import type { ScanBatch } from './row-scan.ts';

/** What to convert. */
export interface ArrowSelection {
  readonly format: 'arrow-file' | 'arrow-stream';
  /** Each once. None at all gives a column c0 of nulls, so that the rows are still there. */
  readonly columns: readonly string[];
  /** Record batches of a file, both included; all when left out. A stream is always read whole. */
  readonly batches?: { readonly first: number; readonly last: number };
  /** Ceiling for one decoded record batch and the dictionaries together. */
  readonly memoryBytes: number;
}

/** Finds record batches, and loads dictionaries on the way. */
type BatchFinder = (dictionaries: ArrowDictionaries) => Iterator<FoundBatch>;

/**
 * Reads the schema of a local file and prepares to decode the columns asked for.
 *
 * Errors: those of `describeArrow`; INPUT_SCHEMA for a column that is not there, INPUT_UNSUPPORTED for one that cannot be
 * read. Owns: the caller owns `file`, which must stay open while batches are decoded.
 */
export async function openConversion(
  file: ArrowLocalFile,
  selection: ArrowSelection,
  place: ArrowPlace,
): Promise<ArrowConversion> {
  if (selection.format === 'arrow-stream') {
    if (selection.batches !== undefined) throw place.fault('INTERNAL', 'record batches were chosen from a stream');
    const { fields, range } = await readStreamSchema(file, place);
    return new ArrowConversion(file, fields, selection, place, (to) => streamBatches(file, range.length, to, place));
  }
  const ends = await openArrowFile(file, place);
  const range = selection.batches ?? { first: 0, last: ends.batches.length - 1 };
  return new ArrowConversion(file, ends.fields, selection, place, (to) => fileBatches(file, ends, range, to, place));
}

/** The columns asked for of one record batch after the other; one batch and the dictionaries are in memory at a time. */
export class ArrowConversion {
  /** DuckDB's types of the columns asked for. */
  readonly types: readonly string[];
  readonly rowsPerBatch: number[] = [];
  private readonly file: ArrowLocalFile;
  private readonly fields: readonly ArrowField[];
  /** Positions among the fields of the columns asked for. */
  private readonly positions: readonly number[];
  private readonly place: ArrowPlace;
  private readonly memory: ArrowMemory;
  private readonly dictionaries: ArrowDictionaries;
  private readonly found: Iterator<FoundBatch>;
  private batchBytes = 0;
  private ended = false;

  constructor(
    file: ArrowLocalFile,
    fields: readonly ArrowField[],
    selection: ArrowSelection,
    place: ArrowPlace,
    find: BatchFinder,
  ) {
    this.file = file;
    this.fields = fields;
    this.place = place;
    const { positions, types } = choose(fields, selection.columns, place);
    this.positions = positions;
    this.types = types.length === 0 ? ['BOOLEAN'] : types;
    this.memory = new ArrowMemory(selection.memoryBytes);
    const chosen = new Set(positions);
    const wanted = fields.filter((_, position) => chosen.has(position));
    this.dictionaries = new ArrowDictionaries(wanted, file, this.memory, place);
    this.found = find(this.dictionaries);
  }

  /** True once the last batch has been taken and, of a stream, its end marker seen. */
  get isDone(): boolean {
    return this.ended;
  }

  get rows(): number {
    return this.rowsPerBatch.reduce((sum, rows) => sum + rows, 0);
  }

  /** The next batch, which ends the one before; null after the last. Errors: those of reading and decoding. */
  next(): ScanBatch | null {
    this.memory.give(this.batchBytes);
    this.batchBytes = 0;
    const result = this.found.next();
    if (result.done === true) {
      this.ended = true;
      return null;
    }
    const { index, header, bodyOffset } = result.value;
    const place = this.place.inBatch(index);
    const before = this.memory.used;
    // A byte a row, so that columns without any buffer (nulls) cannot claim rows for nothing.
    this.memory.take(header.rows, place);
    const layouts = layoutFields(this.fields, header, place);
    const body = new ArrowBody(this.file, bodyOffset, header, this.memory);
    const columns = this.positions.map((position) => this.decode(layouts[position], body, place));
    if (columns.length === 0) columns.push({ kind: 'null', rows: header.rows });
    this.batchBytes = this.memory.used - before;
    this.rowsPerBatch.push(header.rows);
    return { rows: header.rows, columns };
  }

  private decode(layout: FieldLayout | undefined, body: ArrowBody, batch: ArrowPlace): DecodedColumn {
    if (layout === undefined) throw batch.fault('INTERNAL', 'a column has no layout');
    const place = batch.inColumn(layout.field.name);
    const column = decodeColumn(layout, { body, dictionary: (id) => this.dictionaries.values(id), place });
    requireFit(column, layout.field);
    return column;
  }
}

function choose(
  fields: readonly ArrowField[],
  names: readonly string[],
  place: ArrowPlace,
): { readonly positions: readonly number[]; readonly types: readonly string[] } {
  const known = new Map(describeColumns(fields, place).map((column, position) => [column.name, position]));
  const positions: number[] = [];
  const types: string[] = [];
  for (const name of names) {
    const position = known.get(name);
    const field = position === undefined ? undefined : fields[position];
    if (position === undefined || field === undefined) {
      throw place.fault('INPUT_SCHEMA', `the file has no column ${quoteName(name)}`);
    }
    const { type, unsupported } = duckdbTyping(field);
    if (unsupported !== undefined)
      throw place.inColumn(name).fault('INPUT_UNSUPPORTED', `the column is ${unsupported}`);
    positions.push(position);
    types.push(type);
  }
  return { positions, types };
}
