/**
 * DuckDB's dictionaries in Parquet take 0.0 and -0.0 for one value, whichever came first: a model that divides by it answers with the
 * other infinity. There is no switch per column, so a table with floats is written without dictionaries.
 *
 * Returns: an option for COPY, to be appended to others; empty for a table without floats. `types` as DuckDB spells them.
 */
export function keepZeroSigns(types: readonly string[]): string {
  return types.some((type) => /\b(FLOAT|DOUBLE)\b/.test(type)) ? ', dictionary_size_limit 0' : '';
}
