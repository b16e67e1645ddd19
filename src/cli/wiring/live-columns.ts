import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Job } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Plan } from '../../base/contract/plan.ts';
import { describeInput } from '../../data/duckdb/describe-input.ts';
import { pinnedSource } from '../../data/object-store/pinned-source.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { RunLedger } from '../../run/ledger/run-ledger.ts';
import { compareOrder } from '../../run/ledger/run-order.ts';
import { joinFeature } from '../../run/plan/column-types.ts';
import { describeRequest } from '../../run/plan/delta-inputs.ts';
import { listInputs } from '../../run/plan/list-inputs.ts';
import { settleTextColumns } from '../../run/plan/settle-text-columns.ts';
import { committedManifests } from '../../sets/publish/choose-manifests.ts';
import { makeScratch, removeScratch } from '../processes/scratch-folder.ts';

const DUCK_BYTES = 256 * 1024 * 1024;

/**
 * DuckDB's types of the source columns that a job reads, for live features: of the newest committed run, else what
 * `input.schema` says, else of the first input file. A source that lacks one of `needed` is passed over: the job file has
 * changed since. Path columns have the type that the job gives them.
 *
 * Errors: INPUT_NOT_FOUND and those of reading a footer, when the input has to be looked at; those of the store.
 */
export async function liveColumnTypes(
  job: Job,
  stores: StoreResolver,
  needed: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const hasAll = (types: ReadonlyMap<string, string>): boolean => needed.every((name) => types.has(name));
  const paths = Object.entries(job.input.pathColumns);
  const plan = await newestPlan(job, stores);
  const planned = plan === null ? new Map<string, string>() : plannedTypes(plan);
  if (hasAll(planned)) return planned;
  const declared = new Map([...Object.entries(job.input.schema ?? {}), ...paths]);
  if (hasAll(declared)) return declared;
  return new Map([...(await firstFileTypes(job, stores)), ...paths]);
}

async function newestPlan(job: Job, stores: StoreResolver): Promise<Plan | null> {
  const manifests = await committedManifests(job, stores);
  const newest = manifests.sort((a, b) => compareOrder(a.order, b.order)).at(-1);
  if (newest === undefined) return null;
  return new RunLedger(new RecordStore(stores, job.state), newest.runId).readPlan();
}

// Files of one input may differ in width: a live value is read as the widest of them.
function plannedTypes(plan: Plan): Map<string, string> {
  const all = new Map<string, Set<string>>();
  for (const file of plan.files) {
    for (const { name, type } of file.columns) all.set(name, (all.get(name) ?? new Set<string>()).add(type));
  }
  return new Map([...all].map(([name, types]) => [name, joinFeature([...types]) ?? [...types].at(-1)!]));
}

async function firstFileTypes(job: Job, stores: StoreResolver): Promise<Map<string, string>> {
  const { partitions } = job;
  const partition = partitions === null ? null : partitions.kind === 'values' ? partitions.values.at(-1)! : '*';
  const [first] = await listInputs(job, partition, stores);
  const scratchDir = await makeScratch();
  // Loaded when it is needed: a server whose job has run does without DuckDB.
  const { Duck } = await import('../../data/duckdb/duckdb.ts');
  const duck = await Duck.open({ memoryBytes: DUCK_BYTES, scratchDir, scratchBytes: DUCK_BYTES });
  try {
    const { uri, size, etag, snapshot } = first!;
    const place = stores.at(uri);
    const scratchPath = join(scratchDir, `footer-${randomBytes(8).toString('hex')}`);
    const localPath = place.store.localPath(place.key);
    const maxFooterBytes = Math.floor(DUCK_BYTES / 12);
    const { schema } = job.input;
    const input = { ...describeRequest(job, first!), localPath, scratchPath, maxFooterBytes };
    const described = await describeInput(duck, pinnedSource(place, size, etag), input);
    if (snapshot !== undefined) return new Map(snapshot.fit(described.columns).map((c) => [c.name, c.type]));
    return new Map(settleTextColumns([described], schema)[0]!.columns.map((c) => [c.name, c.type]));
  } finally {
    duck.close();
    await removeScratch(scratchDir);
  }
}
