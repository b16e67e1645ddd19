import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** INPUT_TABLE_LOG for what does not read as the protocol says. */
export function damaged(what: string, where: string, got?: string): PrescoreError {
  return new PrescoreError('INPUT_TABLE_LOG', { what, where, ...(got === undefined ? {} : { got }) });
}

/** INPUT_UNSUPPORTED for a table that needs what prescore does not do. */
export function notSupported(what: string, where: string, fix: string): PrescoreError {
  return new PrescoreError('INPUT_UNSUPPORTED', { what, where, fix, data: { format: 'a Delta table' } });
}

export type Fields = Readonly<Record<string, unknown>>;

/** Whether a value of JSON is an object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
