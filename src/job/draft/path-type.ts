const INT32_MAX = 2 ** 31 - 1;

/**
 * The type word for the values of a path key: whole numbers, dates, else text. Numbers with leading zeros are numbers, as every
 * reader of such folders takes them. Errors: none.
 */
export function pathType(values: readonly string[]): string {
  if (values.length === 0) return 'string';
  if (values.every((value) => /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/.test(value))) return 'date';
  if (!values.every((value) => /^-?\d{1,15}$/.test(value))) return 'string';
  return values.every((value) => Math.abs(Number(value)) <= INT32_MAX) ? 'int32' : 'int64';
}
