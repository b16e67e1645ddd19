import type { OutputColumn } from '../../base/contract/plan.ts';
import { holdsFloats, NO_DICTIONARIES } from '../arrow-values/zero-signs.ts';
import { type Duck, quoteName } from './duckdb.ts';

/**
 * The option of COPY that keeps the signs of zeros in a part: empty where no float is -0.0, which is looked for. `kept` is SQL for the
 * kept columns as c0, c1 …, `table` has the predictions as p0, p1 …. Lists of floats are not looked through.
 */
export async function keepZeroSigns(
  duck: Duck,
  columns: readonly OutputColumn[],
  table: string,
  kept: (floats: readonly OutputColumn[]) => string,
): Promise<string> {
  const floats = columns.filter(({ type }) => holdsFloats(type));
  if (floats.some(({ type }) => type !== 'FLOAT' && type !== 'DOUBLE')) return NO_DICTIONARIES;
  const predictions = columns.filter((c) => c.role === 'prediction');
  const scored = floats.flatMap((c) => (c.role === 'prediction' ? [`p${predictions.indexOf(c)}`] : []));
  const copied = floats.filter((c) => c.role === 'id' || c.role === 'passthrough');
  const places = [
    { from: quoteName(table), names: scored },
    { from: copied.length === 0 ? '' : `(${kept(copied)})`, names: copied.map((_, k) => `c${k}`) },
  ];
  for (const { from, names } of places) {
    if (names.length === 0) continue;
    const isNegative = names.map((name) => `(${name} = 0 and signbit(${name}))`).join(' or ');
    const [row] = await duck.rows(`select bool_or(${isNegative}) from ${from}`);
    if (row?.[0] === true) return NO_DICTIONARIES;
  }
  return '';
}
