import type { Binding } from '../../base/contract/binding.ts';
import { type RowDependence, rowDependence, sayRowDependence } from '../../base/contract/row-dependence.ts';
import type { LoadedScorers, RunDeps } from './run-deps.ts';

/** Tries in a child whether rows are scored by themselves; null where nothing speaks against it. Errors: none, as it only warns. */
export async function findRowDependence(
  binding: Binding,
  batchRows: number,
  { pool, model }: LoadedScorers,
): Promise<RowDependence | null> {
  return rowDependence(model.dynamicQuantization, await pool.tryRows(binding, batchRows).catch(() => null));
}

/** Says it, where a plan's model or a trial has something to say. */
export function warnOfDependence(dependence: RowDependence | null | undefined, { warn }: Pick<RunDeps, 'warn'>): void {
  if (dependence != null) warn(sayRowDependence(dependence));
}
