import type { Binding } from '../../base/contract/binding.ts';
import type { Certificate, ExactPolicy, PlanExact } from '../../base/contract/exact.ts';
import type { Job } from '../../base/contract/job.ts';
import type { Plan } from '../../base/contract/plan.ts';
import { type RowDependence, rowDependence, sayRowDependence } from '../../base/contract/row-dependence.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { certificateOf, isOf, nameOf, subjectOf } from '../../model/certify/certificate.ts';
import { untriedFinding } from '../../model/certify/certify-model.ts';
import { instructionSet } from '../../model/certify/instruction-set.ts';
import { notExact } from '../../model/certify/not-exact.ts';
import { certificatePath, keepCertificate, readCertificate } from '../ledger/certificates.ts';
import { RecordStore } from '../ledger/record-store.ts';
import type { LoadedScorers, RunDeps } from './run-deps.ts';

/** Whether rows of a job get the same bits in every batch, and how. */
export interface Exactness {
  /** Null where no way was found, or none was looked for. */
  readonly exact: PlanExact | null;
  /** Why rows are not scored by themselves; null where nothing speaks against it. */
  readonly dependence: RowDependence | null;
}

export type ExactDeps = Pick<RunDeps, 'stores' | 'versions' | 'now' | 'keepsCertificates'>;

const BUDGET_MS = { require: 10_000, prefer: 2000 } as const;
/** Larger batches are not tried. */
const MOST_ROWS = 4096;
const FEW_ROWS = 257;
const NONE: Exactness = { exact: null, dependence: null };

/**
 * How batches of a job must go to its model, by the certificate that is kept in the state folder, or by a trial of some seconds. `rows`: of a
 * batch, and of the whole table where that is known.
 *
 * Errors: MODEL_NOT_EXACT with `execution.exact: require`; those of the store.
 */
export async function findExactness(
  job: Job,
  binding: Binding,
  rows: { readonly batch: number; readonly table: number | null },
  scorers: LoadedScorers,
  deps: ExactDeps,
): Promise<Exactness> {
  const option = job.execution.exact ?? 'prefer';
  if (option === 'off') return NONE;
  const { model, pool } = scorers;
  if (model.device !== undefined) return onDevice(job, binding, rows.batch, scorers);
  // Batches are as large as the table at most.
  const inTable = rows.table !== null && rows.table < FEW_ROWS ? FEW_ROWS : MOST_ROWS;
  const mostRows = binding.fixedBatch ?? Math.min(rows.batch, inTable, MOST_ROWS);
  const subject = subjectOf(model.sha256, deps.versions, job.execution.intraOpThreads);
  const records = new RecordStore(deps.stores, job.state);
  const name = nameOf(subject);
  let certificate = await readCertificate(records, name);
  if (certificate === null || !isOf(certificate, subject, mostRows)) {
    const wish = { depth: 'quick', budgetMs: BUDGET_MS[option], mostRows } as const;
    const found = await pool.certify(binding, wish).catch(() => null);
    const finding = found ?? untriedFinding();
    const engine = model.engine?.name ?? 'onnxruntime';
    const createdAt = deps.now().toISOString();
    const facts = { depth: 'quick', engine, mostRows, processes: 1, graph: [], createdAt } as const;
    certificate = certificateOf(subject, finding, facts);
    // A child that died may have died of something else.
    if (deps.keepsCertificates === true && found !== null) await keepCertificate(records, name, certificate);
  }
  const { policy } = certificate;
  if (policy !== null) return { exact: planExact(certificate, policy), dependence: null };
  if (option === 'require') throw notExact(certificate, job.model.uri, `${job.state}/${certificatePath(name)}`);
  return { exact: null, dependence: dependenceOf(certificate, model) };
}

function planExact({ host, answers }: Certificate, policy: ExactPolicy): PlanExact {
  return { policy, host, answers };
}

/** Why rows depend on their batch by a certificate; null where it has not found that they do. */
function dependenceOf({ why }: Certificate, model: Pick<ModelInfo, 'dynamicQuantization'>): RowDependence | null {
  if (why === null || why === 'untried') return rowDependence(model.dynamicQuantization, null);
  return why;
}

// Devices other than the CPU add up in any order: what differs by more than that is told.
async function onDevice(job: Job, binding: Binding, rows: number, { pool, model }: LoadedScorers): Promise<Exactness> {
  if (job.execution.exact === 'require') {
    throw new PrescoreError('MODEL_NOT_EXACT', {
      what: 'a GPU adds up in any order: no model gets the same bits in every batch there',
      where: 'execution.device',
      expected: 'cpu',
      got: model.device?.device ?? 'a GPU',
    });
  }
  const found = await pool.tryRows(binding, rows).catch(() => null);
  return { exact: null, dependence: rowDependence(model.dynamicQuantization, found) };
}

/** Says that rows depend on their batch, where a plan's model or a trial has something to say. */
export function warnOfDependence(dependence: RowDependence | null | undefined, { warn }: Pick<RunDeps, 'warn'>): void {
  if (dependence != null) warn(sayRowDependence(dependence));
}

/**
 * Says that a plan is worked on where its policy is not certified: on another kind of processor, without a certificate of its own that gives
 * the same answers. `warn` is told with `execution.exact: prefer`.
 *
 * Errors: MODEL_NOT_EXACT with `require`; another machine may go on.
 */
export async function checkHost(
  plan: Plan,
  model: ModelInfo,
  deps: Pick<RunDeps, 'stores' | 'versions' | 'warn'>,
): Promise<void> {
  const { exact, job } = plan;
  const here = instructionSet();
  if (exact === undefined || exact.host === here) return;
  const subject = subjectOf(model.sha256, deps.versions, job.execution.intraOpThreads);
  const own = await readCertificate(new RecordStore(deps.stores, plan.state), nameOf(subject));
  if (own !== null && own.policy === exact.policy && own.answers === exact.answers) return;
  const what = 'not certified here: the run was planned on another kind of processor, and bits may differ';
  if (job.execution.exact !== 'require') {
    deps.warn(`${what} (planned on ${exact.host}; this is ${here})`);
    return;
  }
  throw new PrescoreError('MODEL_NOT_EXACT', {
    what,
    where: plan.runId,
    expected: exact.host,
    got: here,
    fix: 'Let machines of that kind finish it; or run prescore certify JOB on this one, which finds out whether its bits are the same.',
    retryable: true,
  });
}
