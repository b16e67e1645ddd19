import type { Plan } from '../../base/contract/plan.ts';

/** Rows of a plan; null while an Arrow stream or a text file is not counted. */
export function plannedRows(plan: Plan): number | null {
  return plan.chunks.reduce<number | null>((sum, c) => (sum === null || c.rows === null ? null : sum + c.rows), 0);
}
