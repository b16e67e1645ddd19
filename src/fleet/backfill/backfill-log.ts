import { hostname } from 'node:os';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { HeldLease, isFree, newestLease } from '../../run/ledger/lease.ts';
import type { RecordStore } from '../../run/ledger/record-store.ts';
import type { BackfillRecord, LogEntry } from './backfill-record.ts';
import { BackfillState, type StateSnapshot } from './backfill-state.ts';

/** Entries after which the driver keeps a snapshot: a reader then has at most about so many to read. */
const SNAPSHOT_EVERY = 64;
const ID = /^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}$/;

type NewEntry = Omit<LogEntry, 'format' | 'at' | 'by'>;

/**
 * One backfill in the object store: its record, its numbered log, and a snapshot that saves reading the log. The snapshot is
 * a convenience copy: it may be behind or gone, never ahead.
 */
export class BackfillLog {
  readonly state: BackfillState;
  private readonly records: RecordStore;
  private snapshotAt: number;

  private constructor(records: RecordStore, state: BackfillState) {
    this.records = records;
    this.state = state;
    this.snapshotAt = state.upTo;
  }

  /** Errors: BACKFILL_NOT_FOUND; those of the store. */
  static async open(records: RecordStore, id: string): Promise<BackfillLog> {
    const record = ID.test(id) ? await records.read<BackfillRecord>(`backfills/${id}.json`) : null;
    if (record === null) {
      const where = `${records.uri}/backfills`;
      throw new PrescoreError('BACKFILL_NOT_FOUND', { what: 'there is no such backfill', where, got: id });
    }
    const snapshot = await records.read<StateSnapshot>(`${folderOf(id)}/snapshot.json`);
    const log = new BackfillLog(records, new BackfillState(record, snapshot));
    await log.refresh();
    return log;
  }

  /** Writes the record of a new backfill; from here on nothing of it is lost. */
  static async create(records: RecordStore, record: BackfillRecord): Promise<BackfillLog> {
    if (await records.create(`backfills/${record.id}.json`, record))
      return new BackfillLog(records, new BackfillState(record));
    throw new PrescoreError('INTERNAL', { what: 'the id of a new backfill is taken', where: record.id });
  }

  get id(): string {
    return this.state.record.id;
  }

  /** Takes in what others have written; true when there was anything. */
  async refresh(): Promise<boolean> {
    const before = this.state.upTo;
    for (;;) {
      const entry = await this.records.read<LogEntry>(this.entryPath(this.state.upTo + 1));
      if (entry === null) return this.state.upTo > before;
      this.state.apply(entry);
    }
  }

  /** Adds an entry behind all others. Repeat: safe, entries say what is and not what changes. */
  async append(entry: NewEntry): Promise<void> {
    const whole: LogEntry = { format: 1, at: new Date().toISOString(), by: `${hostname()} ${process.pid}`, ...entry };
    while (!(await this.records.create(this.entryPath(this.state.upTo + 1), whole))) await this.refresh();
    this.state.apply(whole);
  }

  /** Keeps a snapshot when enough has happened since the last one. For the holder of the lease. */
  async keepSnapshot(): Promise<void> {
    if (this.state.upTo - this.snapshotAt < SNAPSHOT_EVERY) return;
    await this.records.replace(`${folderOf(this.id)}/snapshot.json`, this.state.snapshot());
    this.snapshotAt = this.state.upTo;
  }

  /** The right to drive the backfill. Errors: RUN_OWNED while somebody else does. */
  take(): Promise<HeldLease> {
    return HeldLease.take(this.records, folderOf(this.id), `backfill ${this.id}`);
  }

  /** Whether somebody drives it. */
  async isLive(): Promise<boolean> {
    const lease = await newestLease(this.records, folderOf(this.id));
    return lease !== null && !isFree(lease);
  }

  private entryPath(k: number): string {
    return `${folderOf(this.id)}/${k}.json`;
  }
}

/** Ids of all backfills below a state, oldest first. */
export async function listBackfills(records: RecordStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { name } of records.names('backfills')) {
    const id = name.replace(/\.json$/, '');
    if (ID.test(id)) ids.push(id);
  }
  return ids.sort();
}

function folderOf(id: string): string {
  return `backfill-log/${id}`;
}
