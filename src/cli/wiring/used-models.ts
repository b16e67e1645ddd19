import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Manifest } from '../../base/contract/records.ts';
import { together } from '../../base/lanes/together.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { RunLedger } from '../../run/ledger/run-ledger.ts';
import { openPredictionStore } from './open-prediction-store.ts';

const DAY_MS = 86_400_000;
/** Younger commits are still asked what they were scored with. */
export const COMMIT_DAYS = 30;
const READS = { most: 16, mostWeight: 64 * 2 ** 20 };

type Used = Map<string, string>;

/**
 * Digests of models that commits of the last 30 days, or unfinished runs that were planned since, name below a state: each with what names it, in words.
 *
 * Errors: RECORD_CORRUPT; those of the store.
 */
export async function usedByRuns(stateUri: string, stores: StoreResolver, nowMs: number, used: Used): Promise<void> {
  const records = new RecordStore(stores, stateUri);
  const sinceMs = nowMs - COMMIT_DAYS * DAY_MS;
  const young: { readonly path: string; readonly size: number }[] = [];
  for await (const { name, size, modifiedMs } of records.names('manifests'))
    if (/(^|\/)\d+\.json$/.test(name) && modifiedMs >= sinceMs) young.push({ path: `manifests/${name}`, size });
  const committed = new Set<string>();
  await together(
    young,
    READS,
    ({ size }) => size,
    async ({ path }) => {
      const manifest = await records.read<Manifest>(path);
      if (manifest === null) return;
      committed.add(manifest.runId);
      if (!used.has(manifest.model.sha256)) used.set(manifest.model.sha256, `run ${manifest.runId} was scored with it`);
    },
  );
  // One at a time: a plan may have many megabytes.
  for await (const { name, modifiedMs } of records.names('runs')) {
    const runId = /^([^/]+)\/plan\.json$/.exec(name)?.[1];
    if (runId === undefined || committed.has(runId) || modifiedMs < sinceMs) continue;
    const plan = await new RunLedger(records, runId).readPlan();
    if (plan !== null && !used.has(plan.model.sha256)) used.set(plan.model.sha256, `run ${runId} is planned with it`);
  }
}

/** Digests of models whose answers are in a generation of a set. Errors: those of the prediction store. */
export async function usedBySet(storeUrl: string, set: string, used: Used): Promise<void> {
  const { store } = await openPredictionStore(storeUrl, process.env);
  try {
    const state = await store.readState(set);
    for (const { generation } of state?.generations ?? []) {
      const meta = await store.readMeta(set, generation);
      for (const { model } of meta?.origins ?? [])
        if (!used.has(model.sha256))
          used.set(model.sha256, `generation ${generation} of the set ${set} has its answers`);
    }
  } finally {
    await store.close();
  }
}
