import type { WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Manifest } from '../../base/contract/records.ts';
import { partitionFolder, partitionOfFolder } from '../../job/slots/partition-folder.ts';
import { expandTemplate } from '../../job/values/template.ts';
import { ManifestChain } from '../../run/ledger/manifest-chain.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { compareOrder } from '../../run/ledger/run-order.ts';

const IN_FLIGHT = 16;

/**
 * The committed runs that make up a job's set: the current one of every partition (`union`), or the newest of all (`latest`).
 * In order: later ones win where two have the same key. Empty when nothing is committed.
 *
 * Errors: those of the object store and of its records.
 */
export async function chooseManifests(
  job: WrittenJob,
  stores: StoreResolver,
  partition: string | null = null,
): Promise<Manifest[]> {
  const committed = await committedManifests(job, stores, partition);
  if (job.predictions?.scope === 'union') return isTimed(committed) ? committed.sort(byTime) : committed;
  return committed.sort((a, b) => compareOrder(a.order, b.order)).slice(-1);
}

/** The current manifest of every partition that has one, or of one partition alone. Errors: as `chooseManifests`. */
export async function committedManifests(
  job: WrittenJob,
  stores: StoreResolver,
  partition: string | null = null,
): Promise<Manifest[]> {
  const records = new RecordStore(stores, job.state);
  const partitions = partition === null ? await partitionsOf(job, records) : [partition];
  const found: (Manifest | null)[] = new Array(partitions.length).fill(null);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < partitions.length) {
      const i = next++;
      const outputUri = expandTemplate(job.output.uri, partitions[i]!).replace(/\/+$/, '');
      const folder = `manifests/${partitionFolder(partitions[i]!)}`;
      found[i] = await new ManifestChain(records, stores, folder, outputUri).current();
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, partitions.length) }, lane));
  return found.filter((m) => m !== null);
}

// Listed partitions keep the order of the job file, timed ones that of time.
function isTimed(manifests: readonly Manifest[]): boolean {
  return manifests.every((m) => m.order.logicalTime !== null);
}

function byTime(a: Manifest, b: Manifest): number {
  const [left, right] = [a.order.logicalTime ?? '', b.order.logicalTime ?? ''];
  return left < right ? -1 : left > right ? 1 : 0;
}

async function partitionsOf(job: WrittenJob, records: RecordStore): Promise<(string | null)[]> {
  if (job.partitions === null) return [null];
  if (job.partitions.kind === 'values') return [...job.partitions.values];
  const known = new Set<string>();
  for await (const { name } of records.names('manifests')) {
    const partition = partitionOfFolder(name.split('/')[0]!);
    if (typeof partition === 'string') known.add(partition);
  }
  return [...known].sort();
}
