import { requestFault } from './request-fault.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Errors of all of these: LIVE_REQUEST, naming the place. */
export function asObject(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw requestFault('this must be an object', where);
}

export function asList(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw requestFault('this must be a list', where);
}

export function asText(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  throw requestFault('this must be a text', where);
}

/** Absent or null: the other value. */
export function asFlag(value: unknown, otherwise: boolean, where: string): boolean {
  if (value === undefined || value === null) return otherwise;
  if (typeof value === 'boolean') return value;
  throw requestFault('this must be true or false', where);
}

/** A whole number from 0 up to 2^53, or null when absent. */
export function asCount(value: unknown, where: string): number | null {
  if (value === undefined || value === null) return null;
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw requestFault('this must be a whole number that is not negative', where);
}

/** The axes of a shape. */
export function asShape(value: unknown, where: string): readonly number[] {
  return asList(value, where).map((axis, i) => asCount(axis ?? Number.NaN, `${where}[${i}]`)!);
}
