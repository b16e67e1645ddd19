import type { Binding } from '../../base/contract/binding.ts';
import type { Job } from '../../base/contract/job.ts';
import type { Plan, TableVersion } from '../../base/contract/plan.ts';
import type { TextLayout } from '../../base/contract/table.ts';
import { fingerprintsOf } from '../../job/slots/fingerprint.ts';
import { formatRunId, type Slot } from '../../job/slots/run-id.ts';
import { expandTemplate } from '../../job/values/template.ts';
import { autoBatchRows, mostGpuBatchRows, rowBytes } from '../../scoring/tensor/slab-layout.ts';
import { chunkTarget, cutChunks } from '../plan/cut-chunks.ts';
import { describeRequest, fitToTables, tablesOf } from '../plan/delta-inputs.ts';
import { deriveInputs } from '../plan/derive-inputs.ts';
import { type BoundInputs, bindInputs } from '../plan/describe-inputs.ts';
import { sayLargeChunks } from '../plan/large-chunks.ts';
import { listInputs } from '../plan/list-inputs.ts';
import { type Exactness, findExactness } from './exactness.ts';
import type { LoadedScorers, RunDeps } from './run-deps.ts';

/** Lists, describes and binds the input of one partition: everything that `check` checks. With the tables that its files are of. */
export async function describeRun(
  job: Job,
  partition: string | null,
  scorers: LoadedScorers,
  deps: RunDeps,
): Promise<BoundInputs & { readonly tables: readonly TableVersion[] }> {
  const objects = await listInputs(job, partition, deps.stores, ({ uri, why }) =>
    deps.warn(`passed over ${uri}: ${why}`),
  );
  const requests = objects.map((object) => describeRequest(job, object));
  const { pool } = scorers;
  const described = fitToTables(objects, await pool.describe(requests));
  const results = await deriveInputs(job, described, (request) => pool.ask(request));
  return { ...bindInputs(job, scorers.model, objects, results), tables: tablesOf(objects) };
}

/**
 * Makes the plan of one attempt at a slot; writes nothing. Depends on the input, the job and the versions alone; with
 * `batchRows: auto` also on what batches of a few sizes took, where not any batch fits; `known` is what an earlier plan found of batches.
 *
 * Errors: those of `listInputs` and `bindInputs`; on a GPU those of scoring.
 */
export async function planRun(
  job: Job,
  slot: Slot,
  attempt: number,
  asOf: string | null,
  scorers: LoadedScorers,
  deps: RunDeps,
  known: Pick<Plan, 'batchRows' | 'exact'> | null = null,
): Promise<Plan> {
  const inputs = await describeRun(job, slot.partition, scorers, deps);
  const { binding } = inputs;
  const createdAt = deps.now().toISOString();
  const asked = job.execution.batchRows;
  const batchRows =
    binding.fixedBatch ?? (asked === 'auto' ? (known?.batchRows ?? (await autoBatch(binding, scorers))) : asked);
  const totalRows = inputs.described.reduce((sum, f) => sum + (f.rows ?? 0), 0);
  const cuttable = inputs.described.map((f) => ({
    rowGroups: f.rows === null ? null : f.rowGroups,
    size: f.size,
    isShareable: f.format === 'parquet',
    ...(f.text === undefined ? {} : { textBytes: textBytes(f.size, f.text) }),
  }));
  const chunks = cutChunks(cuttable, chunkTarget(totalRows, job.execution.chunkRows));
  const large = sayLargeChunks(chunks, inputs.files, job.execution.chunkRows);
  if (large !== null) deps.warn(large);
  const outputUri = expandTemplate(job.output.uri, slot.partition).replace(/\/+$/, '');
  // Names of features decide no byte of the output; the binding has the columns.
  const { featureNames: _, ...model } = scorers.model;
  const isCounted = inputs.described.every((f) => f.rows !== null);
  const rows = { batch: batchRows, table: isCounted ? totalRows : null };
  const found: Exactness =
    known === null
      ? await findExactness(job, binding, rows, scorers, deps)
      : { exact: known.exact ?? null, dependence: null };
  const { exact, dependence } = found;
  return {
    format: 1,
    runId: formatRunId(slot, attempt),
    job,
    partition: slot.partition,
    logicalTime: slot.logicalTime,
    attempt,
    createdAt,
    scoredAt: asOf ?? slot.logicalTime ?? createdAt,
    outputUri,
    state: job.state,
    model: {
      ...model,
      ...(dependence === null ? {} : { rowDependence: dependence }),
      uri: job.model.uri,
      name: job.model.name,
      version: job.model.version,
    },
    binding,
    outputColumns: inputs.outputColumns,
    files: inputs.files,
    skipped: inputs.skipped,
    ...(inputs.tables.length === 0 ? {} : { tables: inputs.tables }),
    chunks,
    batchRows,
    ...(exact === null ? {} : { exact }),
    fingerprints: fingerprintsOf({
      job,
      modelSha256: model.sha256,
      batchRows,
      versions: deps.versions,
      policy: exact?.policy,
    }),
    versions: deps.versions,
  };
}

/** Text is packed to a tenth at best of usual tables. */
const PACKED = 10;

function textBytes(size: number, { compression }: TextLayout): number {
  return compression === 'none' ? size : size * PACKED;
}

async function autoBatch(binding: Binding, { pool, model }: LoadedScorers): Promise<number> {
  const perRow = rowBytes(binding);
  const most = model.device === undefined ? autoBatchRows(perRow) : mostGpuBatchRows(perRow);
  if (model.device !== undefined) return (await pool.probe(binding, most)).batchRows;
  // Rows of zeros may be none that the model takes; whatever is wrong shows when real rows are scored.
  const found = await pool.probe(binding, most).catch(() => null);
  return found?.batchRows ?? most;
}
