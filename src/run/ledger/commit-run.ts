import { createHash } from 'node:crypto';
import { grantedDevices } from '../../base/contract/device.ts';
import type { RejectLimit } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Plan, PlannedFile } from '../../base/contract/plan.ts';
import type { ChunkRecord, Manifest, PartRecord, RejectExample } from '../../base/contract/records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { HeldLease } from './lease.ts';
import type { ManifestChain } from './manifest-chain.ts';
import type { RunLedger } from './run-ledger.ts';
import { orderAfter, refuseOlder } from './run-order.ts';

/** Of a store far away each part is a round trip or two. */
const IN_FLIGHT = 32;

export interface CommitOptions {
  readonly isForced: boolean;
  /** Writes and stages a part without rows; called only when no row of the run was scored. */
  readonly emptyPart: () => Promise<PartRecord>;
}

export type CommitOutcome =
  | { readonly kind: 'committed'; readonly manifest: Manifest }
  /** Staged bytes of these chunks are lost: score them again as k + 1, then commit again. */
  | { readonly kind: 'gone'; readonly chunks: readonly number[] };

/**
 * Makes a run visible: every chunk has a record -> the output's lease -> order check -> complete the uploads -> manifest n
 * by put-if-absent -> convenience copies -> old parts removed. Killed anywhere, it is started again and ends the same.
 *
 * Errors: REJECT_LIMIT (nothing is completed), SUPERSEDED, RUN_OWNED, those of the store. Repeat: safe.
 */
export async function commitRun(
  plan: Plan,
  records: readonly ChunkRecord[],
  ledger: RunLedger,
  chain: ManifestChain,
  stores: StoreResolver,
  options: CommitOptions,
): Promise<CommitOutcome> {
  checkRejectLimit(plan, records);
  const lease = await HeldLease.take(ledger.records, chain.folder, 'the commit of this output');
  try {
    for (;;) {
      const current = await chain.current();
      if (current?.runId === plan.runId) {
        await finishCommit(current, chain, ledger, stores, plan.job.output.gcGraceMs);
        return { kind: 'committed', manifest: current };
      }
      if (!options.isForced) refuseOlder(plan, current);
      const parts = await partsOf(records, options);
      const gone = await completeParts(plan, parts, stores);
      if (gone.length > 0) return { kind: 'gone', chunks: gone };
      const manifest = makeManifest(
        plan,
        records,
        parts.map((p) => p.part),
        current,
      );
      if (!(await chain.append(manifest))) continue;
      await finishCommit(manifest, chain, ledger, stores, plan.job.output.gcGraceMs);
      return { kind: 'committed', manifest };
    }
  } finally {
    await lease.release();
  }
}

/**
 * What follows the manifest: convenience copies, then the parts of the manifest before are removed (at once when the grace
 * is zero, else by `runs gc`), and what other attempts had staged is dropped. Repeat: safe; done again by a later start
 * when a kill came between.
 */
export async function finishCommit(
  manifest: Manifest,
  chain: ManifestChain,
  ledger: RunLedger,
  stores: StoreResolver,
  gcGraceMs: number,
): Promise<void> {
  await chain.writeCopies(manifest);
  await ledger.noteCommit(manifest);
  const named = new Set(manifest.parts.map((p) => p.name));
  const before = manifest.n > 1 ? await chain.read(manifest.n - 1) : null;
  if (before !== null && gcGraceMs === 0) {
    await inLanes(
      before.parts.filter((p) => !named.has(p.name)),
      async (part) => {
        const { store, key } = stores.at(`${manifest.outputUri}/${part.name}`);
        await store.delete(key);
      },
    );
  }
  const { store, key } = stores.at(`${manifest.outputUri}/`);
  await store.dropStaged(key, manifest.runId);
}

/** A digest of the pinned inputs, to tell later whether they changed. */
export function inputsDigest(files: readonly Pick<PlannedFile, 'uri' | 'size' | 'etag' | 'deleted'>[]): string {
  const hash = createHash('sha256');
  for (const { uri, size, etag, deleted } of files) {
    hash.update(`${JSON.stringify(deleted === undefined ? [uri, size, etag] : [uri, size, etag, deleted])}\n`);
  }
  return hash.digest('hex');
}

function checkRejectLimit(plan: Plan, records: readonly ChunkRecord[]): void {
  const rejected = records.reduce((sum, r) => sum + r.rowsRejected, 0);
  // Rows that are left out are none that could have been scored.
  const rows = records.reduce((sum, r) => sum + r.rowsIn - (r.rowsFiltered ?? 0), 0);
  const limit = allowedRejects(plan.job.rejects.limit, rows);
  if (rejected <= limit) return;
  const byRule: Record<string, number> = {};
  for (const record of records) {
    for (const [rule, count] of Object.entries(record.rejectsByRule)) byRule[rule] = (byRule[rule] ?? 0) + count;
  }
  const rules = Object.entries(byRule)
    .map(([rule, count]) => `${rule} ${count}`)
    .join(', ');
  const example = records.find((r) => r.rejects !== null)?.rejects?.example;
  throw new PrescoreError('REJECT_LIMIT', {
    what: `${rejected} of ${rows} rows ${rejected === 1 ? 'was' : 'were'} rejected (${rules})${example === undefined ? '' : `, such as ${sayReject(example, plan)}`}`,
    where: `${plan.state}/runs/${plan.runId}/rejects/`,
    expected: `at most ${limit}`,
    got: `${rejected}`,
    data: { rejected, rows, byRule, example },
  });
}

function sayReject({ file, row, column, rule, message }: RejectExample, { files }: Plan): string {
  const isText = files.some((f) => f.uri === file && f.text !== undefined);
  const place = `${isText ? 'line' : 'row'} ${row} of ${file}`;
  return `${place}: ${rule}${column === '' ? '' : ` in ${JSON.stringify(column)}`}: ${message}`;
}

/** Rows that may be rejected of `rows`; a percentage rounds down. */
export function allowedRejects(limit: RejectLimit, rows: number): number {
  return 'rows' in limit ? limit.rows : Math.floor((rows * limit.percent) / 100);
}

interface NumberedPart {
  readonly n: number;
  readonly part: PartRecord;
}

async function partsOf(records: readonly ChunkRecord[], options: CommitOptions): Promise<NumberedPart[]> {
  const parts = records.flatMap((r) => (r.part === null ? [] : [{ n: r.n, part: r.part }]));
  return parts.length > 0 ? parts : [{ n: 0, part: await options.emptyPart() }];
}

async function completeParts(plan: Plan, parts: readonly NumberedPart[], stores: StoreResolver): Promise<number[]> {
  const gone: number[] = [];
  await inLanes(parts, async ({ n, part }) => {
    const { store, key } = stores.at(`${plan.outputUri}/${part.name}`);
    if ((await store.completeStaged(key, part.staged)) === 'gone') gone.push(n);
  });
  return gone.sort((a, b) => a - b);
}

function makeManifest(
  plan: Plan,
  records: readonly ChunkRecord[],
  parts: readonly PartRecord[],
  before: Manifest | null,
): Manifest {
  const byRule: Record<string, number> = {};
  for (const record of records) {
    for (const [rule, count] of Object.entries(record.rejectsByRule)) byRule[rule] = (byRule[rule] ?? 0) + count;
  }
  const { name, version, sha256, uri, engine, weights } = plan.model;
  const { ref, registry } = plan.job.model;
  return {
    format: 1,
    n: (before?.n ?? 0) + 1,
    runId: plan.runId,
    job: plan.job.name,
    partition: plan.partition,
    order: orderAfter(plan, before),
    committedAt: new Date().toISOString(),
    scoredAt: plan.scoredAt,
    outputUri: plan.outputUri,
    rows: parts.reduce((sum, p) => sum + p.rows, 0),
    rejected: records.reduce((sum, r) => sum + r.rowsRejected, 0),
    ...(plan.job.where === undefined && records.every((r) => r.rowsFiltered === undefined)
      ? {}
      : { filtered: records.reduce((sum, r) => sum + (r.rowsFiltered ?? 0), 0) }),
    rejectsByRule: byRule,
    columns: plan.outputColumns,
    parts: parts.map(({ name: file, rows, size, sha256: digest }) => ({ name: file, rows, size, sha256: digest })),
    model: {
      name,
      version,
      sha256,
      uri,
      ...(weights === undefined ? {} : { weights }),
      ...(engine === undefined ? {} : { engine }),
      ...(ref === undefined || registry === undefined ? {} : { ref, registry }),
    },
    fingerprints: { result: plan.fingerprints.result, resume: plan.fingerprints.resume },
    versions: plan.versions,
    device: { asked: plan.job.execution.device, granted: grantedDevices(records) },
    inputs: {
      files: plan.files.length,
      bytes: plan.files.reduce((sum, f) => sum + f.size, 0),
      digest: inputsDigest(plan.files),
      ...(plan.tables === undefined ? {} : { tables: plan.tables }),
    },
  };
}

async function inLanes<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) await task(items[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, items.length) }, lane));
}
