import { rowDependence } from '../../base/contract/row-dependence.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { certifySession } from '../../model/certify/certify-session.ts';
import { notExact } from '../../model/certify/not-exact.ts';
import { probesOf } from '../../model/certify/probe-inputs.ts';
import type { ModelSession } from '../../model/elements/model-session.ts';
import type { LiveModelFile } from './live-messages.ts';

const BUDGET_MS = { require: 10_000, prefer: 2000 } as const;

/**
 * How batches must go to a loaded model so that rows get the same bits in all of them, or why no way helps.
 *
 * Errors: MODEL_NOT_EXACT where that is required.
 */
export async function certifyLive(
  session: ModelSession,
  { dynamicQuantization }: Pick<ModelInfo, 'dynamicQuantization'>,
  { exact, policy, mostRows, where }: LiveModelFile,
): Promise<Pick<ModelInfo, 'policy' | 'rowDependence'>> {
  if (exact === 'off') return {};
  if (policy !== null) return { policy };
  const wish = { depth: 'quick', budgetMs: BUDGET_MS[exact], mostRows } as const;
  const probes = probesOf(session, () => undefined);
  const finding = await certifySession(probes, dynamicQuantization, wish, null);
  if (finding.policy !== null) return { policy: finding.policy };
  if (exact === 'require') throw notExact(finding, where, null);
  const { why } = finding;
  const found = why === null || why === 'untried' ? rowDependence(dynamicQuantization, null) : why;
  return found === null ? {} : { rowDependence: found };
}
