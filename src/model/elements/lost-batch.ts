/**
 * Whether the shape of one row's output is that of a model that squeezes all axes of length 1, and with them the batch: exporters write
 * `squeeze()` without an axis. All values are the row's then.
 */
export function hasLostBatch(dims: readonly number[], batch: number): boolean {
  return batch === 1 && dims.every((d) => d > 1);
}
