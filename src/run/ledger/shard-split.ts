import type { Lease } from '../../base/contract/records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { HeldLease, isFree, newestLease } from './lease.ts';
import type { RunLedger } from './run-ledger.ts';

/** `<run>/shards/<epoch>.json`, put-if-absent; the highest epoch says into how many shards the run is divided now. */
interface SplitRecord {
  readonly format: 1;
  readonly count: number;
}

interface Split {
  readonly epoch: number;
  readonly count: number;
}

const IN_FLIGHT = 16;

/**
 * Takes the lease of shard `index` of `count`. Another division of the run is replaced only when nobody works under it any
 * more. Leases save work; put-if-absent of chunk records keeps data right.
 *
 * Errors: SHARDS_DIFFER while a shard of another division lives; RUN_OWNED while this shard lives elsewhere.
 */
export async function takeShard(ledger: RunLedger, index: number, count: number): Promise<HeldLease> {
  for (;;) {
    const split = await currentSplit(ledger);
    if (split === null || split.count !== count) {
      const live = split === null ? null : await liveOwner(ledger, split);
      if (split !== null && live !== null) throw differs(ledger, split.count, count, live);
      await ledger.records.create(splitPath(ledger, (split?.epoch ?? 0) + 1), { format: 1, count });
      continue;
    }
    const what = `shard ${index}/${count} of run ${ledger.runId}`;
    const lease = await HeldLease.take(ledger.records, leaseFolder(ledger, split.epoch, index), what);
    // Another division may have come between; one of the two sides sees the other.
    if ((await currentSplit(ledger))?.epoch === split.epoch) return lease;
    await lease.release();
  }
}

/** The lease of a shard that is at work on a run; null when there is none. */
export async function liveShard(ledger: RunLedger): Promise<Lease | null> {
  const split = await currentSplit(ledger);
  return split === null ? null : liveOwner(ledger, split);
}

/** For a start without --shard. Errors: RUN_OWNED when a shard is at work on the run. */
export async function refuseLiveShards(ledger: RunLedger): Promise<void> {
  const live = await liveShard(ledger);
  if (live === null) return;
  throw new PrescoreError('RUN_OWNED', {
    what: `shards are at work on run ${ledger.runId}, one of them process ${live.pid} on ${live.host}`,
    where: `${ledger.records.uri}/${ledger.folder}/shards`,
    data: { host: live.host, pid: live.pid, expiresAt: live.expiresAt },
  });
}

async function currentSplit(ledger: RunLedger): Promise<Split | null> {
  let split: Split | null = null;
  for (let epoch = 1; ; epoch++) {
    const record = await ledger.records.read<SplitRecord>(splitPath(ledger, epoch));
    if (record === null) return split;
    split = { epoch, count: record.count };
  }
}

async function liveOwner(ledger: RunLedger, { epoch, count }: Split): Promise<Lease | null> {
  let found: Lease | null = null;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count && found === null) {
      const lease = await newestLease(ledger.records, leaseFolder(ledger, epoch, next++));
      if (lease !== null && !isFree(lease)) found ??= lease;
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, lane));
  return found;
}

function differs(ledger: RunLedger, now: number, asked: number, live: Lease): PrescoreError {
  return new PrescoreError('SHARDS_DIFFER', {
    what: `run ${ledger.runId} is divided into ${now} shards, and process ${live.pid} on ${live.host} is at work on one`,
    where: `${ledger.records.uri}/${ledger.folder}/shards`,
    expected: `--shard I/${now}`,
    got: `--shard I/${asked}`,
  });
}

function splitPath(ledger: RunLedger, epoch: number): string {
  return `${ledger.folder}/shards/${epoch}.json`;
}

function leaseFolder(ledger: RunLedger, epoch: number, index: number): string {
  return `${ledger.folder}/shards/${epoch}/${index}`;
}
