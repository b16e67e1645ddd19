import type { BoundInput } from '../../base/contract/binding.ts';
import type { Job, JobModel, WrittenJob } from '../../base/contract/job.ts';
import type { Plan, PlannedFile, TableVersion } from '../../base/contract/plan.ts';
import { rowDependence } from '../../base/contract/row-dependence.ts';
import { sayBytes, sayMany } from '../../base/telemetry/progress-line.ts';
import { findExactness, warnOfDependence } from '../../run/pipeline/exactness.ts';
import { jobOfSlot } from '../../run/pipeline/job-of-slot.ts';
import { describeRun } from '../../run/pipeline/plan-run.ts';
import { previewRun, type RunPreview } from '../../run/pipeline/preview-run.ts';
import type { RunDeps } from '../../run/pipeline/run-deps.ts';
import { slotsOf } from '../../run/pipeline/run-job.ts';
import { isSameRef, refFields, settleJob } from '../../run/pipeline/settle-job.ts';
import { loadJob } from '../load/load-job.ts';
import { sayMemory, sayRef, sayTable, showPath } from '../output/print-summary.ts';
import { printRows, shortModelRows } from '../output/say-model.ts';
import { sayPolicy } from '../output/say-policy.ts';
import { warnOnce } from '../output/warn-once.ts';
import type { AllowedMemory } from '../processes/allowed-memory.ts';
import { ModelScorers } from '../processes/model-scorers.ts';
import { endOnSignal } from '../processes/stop-signals.ts';
import { createStoreResolver } from '../wiring/open-store.ts';
import { readVersions } from '../wiring/versions.ts';

/** What `check` tries with: it does not look for the batch that a run would have. */
const TRIAL_ROWS = 256;

interface PlanFlags {
  readonly partition?: string;
  readonly asOf?: string;
  readonly allowUnpinned?: boolean;
  readonly json?: boolean;
}

/** `prescore plan`: what a run would do, per partition. Returns the exit code. */
export async function planCommand(path: string, flags: PlanFlags): Promise<number> {
  return withDeps(path, flags, async (written, deps, scorers) => {
    const asked = { isNewRun: false, isForced: false };
    let now: Promise<Job> | null = null;
    const settleOnce = (): Promise<Job> => (now ??= settleJob(written, deps.stores));
    for (const slot of slotsOf(written, flags.partition ?? null, flags.asOf ?? null)) {
      const job = await jobOfSlot(written, slot, asked, deps.stores, settleOnce);
      const own = { ...deps, scorers: () => scorers.load(job) };
      const preview = await previewRun(job, slot, flags.asOf ?? null, own);
      if (flags.json === true) process.stdout.write(`${JSON.stringify(planJson(preview, job))}\n`);
      else printPlan(preview, job, scorers.allowed);
    }
    return 0;
  });
}

/** `prescore check`: file, model and every input's schema. Returns the exit code. */
export async function checkCommand(path: string, flags: PlanFlags): Promise<number> {
  return withDeps(path, flags, async (written, common, children) => {
    const job = await settleJob(written, common.stores);
    const deps = { ...common, scorers: () => children.load(job) };
    const { partitions } = job;
    const slots =
      partitions?.kind === 'every' && flags.partition === undefined ? [] : slotsOf(job, flags.partition ?? null, null);
    const scorers = await deps.scorers();
    let files = 0;
    let rows = 0;
    let isCounted = true;
    const tables = new Map<string, TableVersion>();
    for (const slot of slots) {
      const inputs = await describeRun(job, slot.partition, scorers, deps);
      const trial = { batch: TRIAL_ROWS, table: null };
      warnOfDependence((await findExactness(job, inputs.binding, trial, scorers, deps)).dependence, deps);
      files += inputs.files.length;
      rows += inputs.files.reduce((sum, f) => sum + (f.rows ?? 0), 0);
      isCounted &&= inputs.files.every((f) => f.rows !== null);
      for (const table of inputs.tables) tables.set(sayTable(table, job), table);
      for (const bad of inputs.skipped) process.stderr.write(`skipped ${bad.uri}: ${bad.message}\n`);
    }
    const { model } = scorers;
    // A clock's partitions are not looked at; the file alone says less.
    if (slots.length === 0) warnOfDependence(rowDependence(model.dynamicQuantization, null), deps);
    const about = await children.about(job);
    if (flags.json === true)
      process.stdout.write(
        `${JSON.stringify({ event: 'checked', job: job.name, files, rows, partitions: slots.length, ...(tables.size === 0 ? {} : { tables: [...tables.values()] }), model: { sha256: model.sha256, ...refFields(job.model), bytes: model.bytes, engine: model.engine?.name ?? 'onnxruntime', about } })}\n`,
      );
    else {
      printRows(shortModelRows(about, model), process.stdout);
      for (const text of tables.keys()) process.stdout.write(`table: ${text}\n`);
      process.stdout.write(
        `ok: job ${job.name}, model ${model.sha256.slice(0, 12)}…, ${sayMany(files, 'file')}, ${isCounted ? sayMany(rows, 'row') : 'rows not counted'} in ${sayMany(slots.length, 'partition')}\n`,
      );
    }
    return 0;
  });
}

async function withDeps(
  path: string,
  flags: PlanFlags,
  task: (job: WrittenJob, deps: Omit<RunDeps, 'scorers'>, scorers: ModelScorers) => Promise<number>,
): Promise<number> {
  const job = loadJob(path);
  const stores = createStoreResolver(job.stores, { env: process.env });
  const scorers = new ModelScorers(stores, flags.allowUnpinned === true);
  const deps = {
    stores,
    versions: readVersions(),
    emit: () => undefined,
    warn: warnOnce(),
    stop: new AbortController().signal,
    now: () => new Date(),
  };
  const done = endOnSignal(() => scorers.kill());
  try {
    return await task(job, deps, scorers);
  } finally {
    done();
    await scorers.close();
    await stores.close();
  }
}

function planJson({ plan, action, chunksDone, current }: RunPreview, job: Job): object {
  const now = namedNow(plan, job);
  return {
    event: 'plan',
    action,
    chunksDone,
    current,
    runId: plan.runId,
    partition: plan.partition,
    rows: totalRows(plan),
    files: plan.files.length,
    skipped: plan.skipped,
    ...(plan.tables === undefined ? {} : { tables: plan.tables }),
    chunks: plan.chunks,
    model: {
      name: plan.model.name,
      version: plan.model.version,
      sha256: plan.model.sha256,
      ...refFields(plan.job.model),
      ...(now === null ? {} : { now: { version: now.version, sha256: now.sha256 } }),
    },
    batchRows: plan.batchRows,
    ...(plan.exact === undefined ? {} : { exact: plan.exact }),
    ...(plan.job.where === undefined ? {} : { where: plan.job.where }),
    ...(plan.job.columns === undefined ? {} : { columns: plan.job.columns }),
    binding: plan.binding,
    outputColumns: plan.outputColumns,
    output: plan.outputUri,
  };
}

function printPlan({ plan, action, chunksDone, current }: RunPreview, job: Job, memory: AllowedMemory | null): void {
  const out = process.stdout;
  const bytes = plan.chunks.reduce((sum, c) => sum + c.bytes, 0);
  const rows = totalRows(plan);
  const what = {
    new: 'would score',
    resume: `would resume (${chunksDone} of ${sayMany(plan.chunks.length, 'chunk')} done)`,
    done: 'is done',
    superseded: 'would be refused: a newer run is committed',
  }[action];
  out.write(`${plan.runId} ${what}\n`);
  out.write(
    `  input    ${sayMany(plan.files.length, 'file')}, ${rows === null ? 'rows not counted' : sayMany(rows, 'row')}, ${sayBytes(bytes)} to read\n`,
  );
  for (const table of plan.tables ?? []) out.write(`  table    ${sayTable(table, plan.job)}\n`);
  out.write(`  chunks   ${plan.chunks.length}, batches of ${sayMany(plan.batchRows, 'row')}\n`);
  if (plan.exact !== undefined) out.write(`  exact    ${sayPolicy(plan.exact.policy)}\n`);
  if (memory !== null) out.write(`  memory   ${sayMemory(memory)}\n`);
  out.write(
    `  model    ${[plan.model.name, plan.model.version ?? [], plan.model.sha256.slice(0, 12)].flat().join(' ')}…${sayRef(plan.job.model)}\n`,
  );
  const now = namedNow(plan, job);
  if (now !== null)
    out.write(`           ${now.ref} names ${now.version} now: runs list --stale lists what it makes old\n`);
  const { where, columns = {} } = plan.job;
  if (where !== undefined) out.write(`  where    ${where}\n`);
  const types = new Map(plan.files[0]?.columns.map((c) => [c.name, c.type]));
  for (const [name, sql] of Object.entries(columns)) {
    out.write(`  computed ${name} ${types.get(name) ?? '(not used)'} = ${sql}\n`);
  }
  const text = plan.files.find((f) => f.text !== undefined);
  if (text !== undefined) out.write(`  text     ${sayText(text)}\n`);
  for (const input of plan.binding.inputs) out.write(`  feed     ${input.tensor} <- ${sayInput(input)}\n`);
  out.write(`  columns  ${plan.outputColumns.map((c) => `${c.name} ${c.type}`).join(', ')}\n`);
  out.write(`  output   ${showPath(plan.outputUri)}${current === null ? '' : ` (now: ${current})`}\n`);
  for (const bad of plan.skipped) out.write(`  skipped  ${bad.uri}: ${bad.code}\n`);
}

/** How the first text file is read: its form, and the types of its columns. */
function sayText({ format, text, columns }: PlannedFile): string {
  const { csv, compression } = text!;
  const form =
    csv === null ? [] : [`delimiter ${JSON.stringify(csv.delimiter)}`, csv.hasHeader ? 'a header' : 'no header'];
  const packed = compression === 'none' ? [] : [compression];
  const types = columns.map((c) => `${c.name} ${c.type}${c.text?.isDeclared === true ? '' : ' (guessed)'}`);
  const shown = types.length > 6 ? `${types.slice(0, 5).join(', ')}, … ${types.length} columns` : types.join(', ');
  return `${[format === 'csv' ? 'CSV' : 'JSONL', ...form, ...packed].join(', ')}: ${shown}`;
}

function sayInput(input: BoundInput): string {
  if (input.kind === 'constant') return `${input.type} value ${JSON.stringify(input.value)}`;
  if (input.kind === 'mask') return `${input.type} mask of the lists' lengths`;
  const nulls = typeof input.nulls === 'object' ? `nulls ${JSON.stringify(input.nulls.fill)}` : `nulls ${input.nulls}`;
  const shape = `[N${input.tail.map((d) => `, ${d ?? 'T'}`).join('')}]`;
  if (input.kind === 'sequence') return `${input.type} ${shape} from lists ${input.column} of any length (${nulls})`;
  if (input.kind === 'list') return `${input.type} ${shape} from list ${input.column} (${nulls})`;
  const names =
    input.columns.length > 6
      ? `${input.columns.slice(0, 5).join(', ')}, … ${input.columns.length} columns`
      : input.columns.join(', ');
  return `${input.type} ${shape} from ${names} (${nulls})`;
}

/** What the label of a plan names by now, where that is another version; null otherwise. */
function namedNow(plan: Plan, { model }: Job): JobModel | null {
  return isSameRef(plan.job.model, model) && model.sha256 !== plan.model.sha256 ? model : null;
}

function totalRows(plan: Plan): number | null {
  return plan.files.reduce<number | null>((sum, f) => (sum === null || f.rows === null ? null : sum + f.rows), 0);
}
