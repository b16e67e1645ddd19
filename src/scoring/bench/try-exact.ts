import type { ModelInfo } from '../../base/contract/signature.ts';
import { certifySession } from '../../model/certify/certify-session.ts';
import { probesOf } from '../../model/certify/probe-inputs.ts';
import type { ModelSession } from '../../model/elements/model-session.ts';
import type { ExactFacts } from './comparison.ts';

const EXACT_MS = 2000;
const MOST_ROWS = 4096;
const FEW_ROWS = 257;

/**
 * How batches must go to a model, by a trial of two seconds or a little more. `batchRows`: the largest batch that there is memory for; null where
 * nobody knows. Errors: those of the device.
 */
export async function tryExact(
  session: ModelSession,
  { dynamicQuantization }: Pick<ModelInfo, 'dynamicQuantization'>,
  batchRows: number | null,
): Promise<ExactFacts> {
  const mostRows = Math.min(MOST_ROWS, batchRows ?? FEW_ROWS);
  const wish = { depth: 'quick', budgetMs: EXACT_MS, mostRows } as const;
  const probes = probesOf(session, () => undefined);
  const { policy, why, rows } = await certifySession(probes, dynamicQuantization, wish, null);
  return { policy, why, rows };
}
