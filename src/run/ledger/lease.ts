import { randomBytes } from 'node:crypto';
import type { Lease } from '../../base/contract/records.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { isKnownDead, ownIdentity } from './process-identity.ts';
import type { RecordStore } from './record-store.ts';

/** A lease expires 60 s after its last renewal; the owner renews every 15 s. */
export const LEASE = { ttlMs: 60_000, renewMs: 15_000 } as const;

/**
 * The right to work on a run or an output. It saves work; the commit rules alone keep data right. An epoch is won by
 * put-if-absent of `lease.<epoch>.json` and renewed in place by its owner.
 */
export class HeldLease {
  readonly epoch: number;
  /** Aborted when somebody else has taken over: the work must stop. The reason is RUN_OWNED. */
  readonly lost: AbortSignal;
  private readonly records: RecordStore;
  private readonly folder: string;
  private readonly timer: NodeJS.Timeout;
  private lease: Lease;
  private readonly losing = new AbortController();

  private constructor(records: RecordStore, folder: string, lease: Lease) {
    this.records = records;
    this.folder = folder;
    this.lease = lease;
    this.epoch = lease.epoch;
    this.lost = this.losing.signal;
    this.timer = setInterval(() => void this.renew(), LEASE.renewMs);
    this.timer.unref();
  }

  /**
   * Takes the lease of a folder. A holder whose process is dead on this host is replaced at once, another one when its
   * lease has expired.
   *
   * Errors: RUN_OWNED when a live owner holds it (decided from records alone, at once).
   */
  static async take(records: RecordStore, folder: string, what: string): Promise<HeldLease> {
    for (;;) {
      const current = await newestLease(records, folder);
      if (current !== null && !isFree(current)) {
        throw new PrescoreError('RUN_OWNED', {
          what: `${what} is held by process ${current.pid} on ${current.host} since ${current.acquiredAt}`,
          where: `${records.uri}/${folder}`,
          data: { host: current.host, pid: current.pid, expiresAt: current.expiresAt },
        });
      }
      const lease = freshLease((current?.epoch ?? 0) + 1);
      if (await records.create(leasePath(folder, lease.epoch), lease)) return new HeldLease(records, folder, lease);
    }
  }

  /** Takes the lease as `take` does; null when a live owner holds it. */
  static async tryTake(records: RecordStore, folder: string, what: string): Promise<HeldLease | null> {
    try {
      return await HeldLease.take(records, folder, what);
    } catch (error) {
      if (isPrescoreError(error) && error.code === 'RUN_OWNED') return null;
      throw error;
    }
  }

  async release(): Promise<void> {
    clearInterval(this.timer);
    this.lease = { ...this.lease, released: true };
    await this.records.replace(leasePath(this.folder, this.epoch), this.lease);
  }

  private async renew(): Promise<void> {
    try {
      if (await this.records.exists(leasePath(this.folder, this.epoch + 1))) {
        clearInterval(this.timer);
        this.losing.abort(
          new PrescoreError('RUN_OWNED', {
            what: 'another process has taken this run over',
            where: `${this.records.uri}/${this.folder}`,
          }),
        );
        return;
      }
      this.lease = { ...this.lease, expiresAt: new Date(Date.now() + LEASE.ttlMs).toISOString() };
      await this.records.replace(leasePath(this.folder, this.epoch), this.lease);
    } catch {
      // A store out of reach shows itself in the work; the lease may expire, and the commit rules hold without it.
    }
  }
}

/** The lease with the highest epoch, found by probing upward; null when there is none. */
export async function newestLease(records: RecordStore, folder: string): Promise<Lease | null> {
  let newest: Lease | null = null;
  for (let epoch = 1; ; epoch++) {
    const lease = await records.read<Lease>(leasePath(folder, epoch));
    if (lease === null) return newest;
    newest = lease;
  }
}

/** True when nobody works under the lease any more. */
export function isFree(lease: Lease): boolean {
  return lease.released || isKnownDead(lease) || Date.parse(lease.expiresAt) < Date.now();
}

function leasePath(folder: string, epoch: number): string {
  return `${folder}/lease.${epoch}.json`;
}

function freshLease(epoch: number): Lease {
  const now = Date.now();
  return {
    epoch,
    ...ownIdentity(),
    owner: randomBytes(8).toString('hex'),
    acquiredAt: new Date(now).toISOString(),
    expiresAt: new Date(now + LEASE.ttlMs).toISOString(),
    released: false,
  };
}
