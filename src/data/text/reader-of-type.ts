import type { CsvLayout } from '../../base/contract/table.ts';
import { BATCH_ROWS, type ColumnReader } from './column-reader.ts';
import { DecimalReader } from './decimal-reader.ts';
import { FloatReader } from './float-readers.ts';
import { IntegerReader, LongReader } from './integer-readers.ts';
import { ListReader } from './list-reader.ts';
import { BooleanReader, TextReader } from './text-readers.ts';
import { DateReader, TimestampReader } from './time-readers.ts';
import { timeFormat } from './time-texts.ts';

/** How values of a file are written; JSON has one way. */
export type ValueForms = Pick<CsvLayout, 'decimal' | 'dateFormat' | 'timestampFormat'>;

export const JSON_FORMS: ValueForms = { decimal: '.', dateFormat: null, timestampFormat: null };

/** What lists of JSONL may hold: numbers and flags. */
const LIST_ELEMENTS = /^(BOOLEAN|U?(TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\))$/;

/** The reader of a DuckDB type, of one column; null for types that text files do not have (binary; lists but of JSONL). */
export function readerOf(type: string, isDeclared: boolean, forms: ValueForms): ColumnReader | null {
  if (type.endsWith('[]')) {
    const element = LIST_ELEMENTS.test(type.slice(0, -2)) ? readerOf(type.slice(0, -2), isDeclared, forms) : null;
    return element === null || forms !== JSON_FORMS ? null : new ListReader(element);
  }
  const mark = forms.decimal.charCodeAt(0);
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
  if (decimal !== null) return new DecimalReader(Number(decimal[1]), Number(decimal[2]), mark);
  switch (type) {
    case 'BOOLEAN':
      return new BooleanReader(isDeclared);
    case 'TINYINT':
      return new IntegerReader(new Int8Array(BATCH_ROWS), -128, 127, isDeclared);
    case 'SMALLINT':
      return new IntegerReader(new Int16Array(BATCH_ROWS), -32_768, 32_767, isDeclared);
    case 'INTEGER':
      return new IntegerReader(new Int32Array(BATCH_ROWS), -2_147_483_648, 2_147_483_647, isDeclared);
    case 'UTINYINT':
      return new IntegerReader(new Uint8Array(BATCH_ROWS), 0, 255, isDeclared);
    case 'USMALLINT':
      return new IntegerReader(new Uint16Array(BATCH_ROWS), 0, 65_535, isDeclared);
    case 'UINTEGER':
      return new IntegerReader(new Uint32Array(BATCH_ROWS), 0, 4_294_967_295, isDeclared);
    case 'BIGINT':
      return new LongReader(true, isDeclared);
    case 'UBIGINT':
      return new LongReader(false, isDeclared);
    case 'FLOAT':
      return new FloatReader(true, mark, isDeclared);
    case 'DOUBLE':
      return new FloatReader(false, mark, isDeclared);
    case 'DATE':
      return new DateReader(forms.dateFormat === null ? null : timeFormat(forms.dateFormat));
    case 'TIMESTAMP':
      return new TimestampReader(false, forms.timestampFormat === null ? null : timeFormat(forms.timestampFormat));
    case 'TIMESTAMP WITH TIME ZONE':
      return new TimestampReader(true, null);
    case 'VARCHAR':
      return new TextReader();
    default:
      return null;
  }
}
