import type { WrittenJob } from '../../src/base/contract/job.ts';
import type { RunEvent } from '../../src/base/contract/run-events.ts';
import type { LaunchOutcome, LaunchRequest, RunLauncher } from '../../src/base/contract/run-launcher.ts';
import { loadJob } from '../../src/cli/load/load-job.ts';
import { EmbeddedLauncher } from '../../src/cli/wiring/embedded-launcher.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { readVersions } from '../../src/cli/wiring/versions.ts';
import { BackfillLog } from '../../src/fleet/backfill/backfill-log.ts';
import type { BackfillRecord } from '../../src/fleet/backfill/backfill-record.ts';
import { type BackfillOptions, describeBackfill } from '../../src/fleet/backfill/create-backfill.ts';
import { type DriveEnd, driveBackfill } from '../../src/fleet/backfill/drive-backfill.ts';
import { type Selection, selectPartitions } from '../../src/fleet/backfill/select-partitions.ts';
import { RecordStore } from '../../src/run/ledger/record-store.ts';

/** Backfills of one job file as the command line drives them, with real scorer children, which all its drives share. */
export class BackfillBench {
  readonly job: WrittenJob;
  readonly events: RunEvent[] = [];
  /** Partitions in the order in which they were launched, again when one was launched twice. */
  readonly launched: string[] = [];
  mostAtOnce = 0;
  readonly stores: ReturnType<typeof createStoreResolver>;
  private readonly embedded: EmbeddedLauncher;

  constructor(path: string) {
    this.job = loadJob(path);
    this.stores = createStoreResolver(this.job.stores, { env: process.env });
    const emit = (event: RunEvent): void => void this.events.push(event);
    this.embedded = new EmbeddedLauncher({ allowUnpinned: false, emit, warn: () => undefined });
  }

  get records(): RecordStore {
    return new RecordStore(this.stores, this.job.state);
  }

  /** `given` takes the place of what was found, for a backfill that is larger than what is there. */
  async create(
    selection: Partial<Selection>,
    options: Partial<BackfillOptions> = {},
    given: Partial<BackfillRecord> = {},
  ): Promise<BackfillLog> {
    const chosen = { from: null, to: null, partitions: null, ...selection };
    const { partitions } = selectPartitions(this.job, chosen, Date.UTC(2026, 6, 1));
    const how = { reprocess: 'none', maxActive: 4, order: 'asc', stopOnFailure: false, ...options } as const;
    const record = await describeBackfill(this.job, partitions, how, this.stores, readVersions(), new Date());
    return BackfillLog.create(this.records, { ...record, ...given });
  }

  /** Drives to the end as another client would: from the records alone. `onLaunch` is called before each run. */
  async drive(id: string, onLaunch: (partition: string) => void = () => undefined): Promise<DriveEnd> {
    const log = await BackfillLog.open(this.records, id);
    const lease = await log.take();
    this.launched.length = 0;
    this.mostAtOnce = 0;
    try {
      const launcher = this.watched(onLaunch);
      return await driveBackfill(log, this.job, {
        launcher,
        stores: this.stores,
        onOutcome: () => undefined,
        stop: new AbortController().signal,
      });
    } finally {
      await lease.release();
    }
  }

  open(id: string): Promise<BackfillLog> {
    return BackfillLog.open(this.records, id);
  }

  /** Makes it and drives it to its end; gives its log as it is then. */
  async complete(selection: Partial<Selection>, options: Partial<BackfillOptions> = {}): Promise<BackfillLog> {
    const { id } = await this.create(selection, options);
    await this.drive(id);
    return this.open(id);
  }

  async close(): Promise<void> {
    await this.embedded.close();
    await this.stores.close();
  }

  private watched(onLaunch: (partition: string) => void): RunLauncher {
    let active = 0;
    const launch = async (request: LaunchRequest, stop: AbortSignal): Promise<LaunchOutcome> => {
      this.launched.push(request.partition!);
      this.mostAtOnce = Math.max(this.mostAtOnce, ++active);
      onLaunch(request.partition!);
      return this.embedded.launch(request, stop).finally(() => active--);
    };
    return {
      launch,
      publish: (job, stop) => this.embedded.publish(job, stop),
      close: () => this.embedded.close(),
    };
  }
}
