import type { ExactFinding } from '../../base/contract/exact.ts';
import { certifyModel, untriedFinding } from './certify-model.ts';
import type { Feeds, ProbeModel } from './probe-model.ts';
import type { ProbeDepth } from './probe-sizes.ts';

/** How a model is asked to be tried. */
export interface CertifyWish {
  readonly depth: 'quick' | 'full';
  readonly budgetMs: number;
  /** Rows of a batch at most. */
  readonly mostRows: number;
  /** Whether what each policy costs is measured. */
  readonly isTimed?: boolean | undefined;
}

/** Of a model whose rows are scored by themselves by construction. */
const ROWWISE_MS = 200;

/**
 * Tries a loaded model, by the first of several ways to feed it that it takes.
 *
 * Errors: those of the device. Owns: `real` stays the caller's.
 */
export async function certifySession(
  probes: readonly ProbeModel[],
  isQuantized: boolean,
  wish: CertifyWish,
  real: Feeds | null,
): Promise<ExactFinding> {
  let finding: ExactFinding | null = null;
  for (const probe of probes) {
    const depth = depthOf(wish, probe.session.isRowwise === true);
    finding = await certifyModel(probe, { depth, isQuantized, real });
    if (finding.why !== 'untried') return finding;
  }
  return finding ?? untriedFinding();
}

function depthOf({ depth, budgetMs, mostRows, isTimed = false }: CertifyWish, isRowwise: boolean): ProbeDepth {
  if (depth === 'full')
    return { budgetMs, madeRows: 768, rowsPerSize: 1024, batches: 3, mostRows, sizes: 'all', isTimed };
  const quick = { madeRows: 256, rowsPerSize: isRowwise ? 128 : 352, batches: 1, mostRows, isTimed: false };
  return isRowwise
    ? { ...quick, sizes: 'few', budgetMs: Math.min(ROWWISE_MS, budgetMs) }
    : { ...quick, sizes: 'some', budgetMs };
}
