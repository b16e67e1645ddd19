import { createHash } from 'node:crypto';
import {
  EXACT_POLICIES,
  type ExactFinding,
  type ExactPolicy,
  type PolicyCost,
  type PolicyTrial,
} from '../../base/contract/exact.ts';
import type { RowDependence } from '../../base/contract/row-dependence.ts';
import { prove, proveRandom } from './counterexample.ts';
import { type Feeds, type ProbeModel, RowAnswers, type RowPool } from './probe-model.ts';
import { type ProbeRows, probeRows } from './probe-rows.ts';
import type { ProbeDepth } from './probe-sizes.ts';
import { timeOf } from './time-of.ts';
import { type Mismatch, type PolicyResult, tryPolicy } from './try-policy.ts';

export interface CertifyOptions {
  readonly depth: ProbeDepth;
  /** The file has operators that quantize by the values of a batch. */
  readonly isQuantized: boolean;
  /** Rows of the model's own data; null for made-up ones alone. */
  readonly real: Feeds | null;
}

/** Sizes at which the cost of policies is measured, and how long each is. */
const COST_SIZES = [1, 16, 64, 256, 1000, 4096];
const COST_MS = 40;
const LEAST_RUNS = 3;

/**
 * Finds the cheapest policy under which no row gets another bit in any of the batches that are tried; where there is none, two batches that
 * prove it.
 *
 * Errors: those of the device and of loading. Owns: rows that are given stay the caller's.
 */
export async function certifyModel(model: ProbeModel, options: CertifyOptions): Promise<ExactFinding> {
  const started = performance.now();
  const { depth, isQuantized, real } = options;
  const { fixedBatch } = model;
  const rows = await probeRows(model, real, depth);
  if (rows === null) return untriedFinding();
  const { pool } = rows;
  if (rows.isRandom) return await random(rows, [], fixedBatch);
  const policies = fixedBatch === null ? EXACT_POLICIES : (['plain'] as const);
  const trials: PolicyTrial[] = [];
  const end = started + depth.budgetMs;
  let mismatch: Mismatch | null = null;
  for (const [i, policy] of policies.entries()) {
    const now = performance.now();
    // What is left is shared by the policies that are left; a trial that is cut short has tried the sizes where most differ.
    const until = now + Math.max(0, end - now) / (policies.length - i);
    const result = await tryPolicy(pool, policy, fixedBatch, depth, until);
    if (result.isEmpty) return untriedFinding();
    if (result.isRandom) return await random(rows, trials, fixedBatch);
    trials.push({ policy, holds: result.mismatch === null, failedAt: result.mismatch?.size ?? null });
    // No trial proves that the scale of a batch never shows.
    if (result.mismatch === null && isQuantized) return failed(rows, 'quantization', trials);
    if (result.mismatch === null) return await held(model, rows, policy, result, trials, depth);
    mismatch ??= result.mismatch;
  }
  const { why, counterexample } = await prove(pool, mismatch!, isQuantized, { fixedBatch, mostRows: depth.mostRows });
  return { ...failed(rows, why, trials), counterexample };
}

async function held(
  model: ProbeModel,
  { pool, realRows, sample }: ProbeRows,
  policy: ExactPolicy,
  { sizes }: PolicyResult,
  trials: readonly PolicyTrial[],
  depth: ProbeDepth,
): Promise<ExactFinding> {
  const costs = depth.isTimed && model.fixedBatch === null ? await costsOf(pool, depth) : [];
  return {
    policy,
    why: null,
    rows: pool.rows,
    realRows,
    sizes,
    trials,
    costs,
    answers: await answersTo(sample, policy),
    counterexample: null,
  };
}

async function random(
  rows: ProbeRows,
  trials: readonly PolicyTrial[],
  fixedBatch: number | null,
): Promise<ExactFinding> {
  const { why, counterexample } = await proveRandom(rows.pool, fixedBatch);
  return { ...failed(rows, why, trials), counterexample };
}

function failed({ pool, realRows }: ProbeRows, why: RowDependence, trials: readonly PolicyTrial[]): ExactFinding {
  return { ...untriedFinding(), why, rows: pool.rows, realRows, trials };
}

/** What is known of a model that could not be tried. */
export function untriedFinding(): ExactFinding {
  const nothing = { rows: 0, realRows: 0, sizes: [], trials: [], costs: [], answers: '', counterexample: null };
  return { policy: null, why: 'untried', ...nothing };
}

async function costsOf(pool: RowPool, { mostRows }: ProbeDepth): Promise<PolicyCost[]> {
  const costs: PolicyCost[] = [];
  for (const policy of EXACT_POLICIES) {
    for (const rows of COST_SIZES.filter((size) => size <= mostRows)) {
      const feeds = pool.batch(Int32Array.from({ length: rows }, (_, i) => i % pool.rows));
      const until = performance.now() + COST_MS;
      // The best run: others share the machine.
      let best = Number.POSITIVE_INFINITY;
      for (let run = 0; run < LEAST_RUNS || performance.now() < until; run++)
        best = Math.min(best, await timeOf(() => pool.run(feeds, policy)));
      costs.push({ policy, rows, rowsPerSecond: Math.round((1000 * rows) / best) });
    }
  }
  return costs;
}

/** A digest of what some rows get: the same where a machine gives the same bits. Errors: the runtime's. */
async function answersTo(rows: RowPool, policy: ExactPolicy): Promise<string> {
  const order = Int32Array.from({ length: rows.rows }, (_, i) => i);
  const { tensors } = new RowAnswers(await rows.run(rows.batch(order), policy), rows.rows);
  const hash = createHash('sha256');
  for (const [name, { data }] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\n`);
    if (ArrayBuffer.isView(data)) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    else for (const text of Array.from(data)) hash.update(`${String(text)}\n`);
  }
  return hash.digest('hex');
}
