import type { ErrorCode } from '../../base/errors/error-codes.ts';
import type { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Validity } from './arrow-validity.ts';

/** Rows of fixed width in the byte layout of the DuckDB type. What stands in null rows is of no account. */
export interface FixedColumn {
  readonly kind: 'fixed';
  readonly rows: number;
  readonly validity: Validity;
  /** Bytes of a row. */
  readonly width: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Texts (valid UTF-8) or blobs. `at` answers for rows that are not null, with a view into the batch's memory. */
export interface BytesColumn {
  readonly kind: 'bytes';
  readonly rows: number;
  readonly validity: Validity;
  readonly at: (row: number) => Uint8Array;
}

/** Lists: row r holds the child's rows from `start(r)` to `start(r + 1)`, which never descends. */
export interface ListColumn {
  readonly kind: 'list';
  readonly rows: number;
  readonly validity: Validity;
  readonly start: (row: number) => number;
  readonly child: DecodedColumn;
}

/** Nothing but nulls. */
export interface NullColumn {
  readonly kind: 'null';
  readonly rows: number;
}

/** A column of one record batch, checked, ready to be copied into DuckDB's vectors. Owns: the batch's memory. */
export type DecodedColumn = FixedColumn | BytesColumn | ListColumn | NullColumn;

/** Rows of fixed width that are being converted, and how to refuse one of them. */
export interface FixedRows {
  readonly count: number;
  readonly validity: Validity;
  readonly fault: (code: ErrorCode, what: string, row: number) => PrescoreError;
}
