/**
 * The option of COPY, to be appended to others, that keeps the signs of zeros. DuckDB's dictionaries in Parquet take 0.0 and -0.0 for one
 * value, whichever came first: a model that divides by it answers with the other infinity. There is no switch per column.
 */
export const NO_DICTIONARIES = ', dictionary_size_limit 0';

/** Whether a type, as DuckDB spells it, holds floats. */
export function holdsFloats(type: string): boolean {
  return /\b(FLOAT|DOUBLE)\b/.test(type);
}

/** The options of COPY for a scratch table of these types: without dictionaries where there are floats. */
export function scratchOptions(types: readonly string[]): string {
  return types.some(holdsFloats) ? NO_DICTIONARIES : '';
}
