import { HeldLease } from '../../run/ledger/lease.ts';
import type { RecordStore } from '../../run/ledger/record-store.ts';
import type { Decision, Ending, Mark, ScheduleRecords, SlotHold } from './schedule-records.ts';
import { isoTime } from './slot-result.ts';

/**
 * The records of a job's schedule below `<state>/schedule/<job>/`: `marks/<n>.json`, and for each slot
 * `slots/<YYYYMMDDTHHMMSSZ>/` with `decision.json`, `end.json` and `lease.<epoch>.json`. Times in them are ISO, for people.
 */
export class StoredRecords implements ScheduleRecords {
  private readonly records: RecordStore;
  private readonly folder: string;
  /** A mark that is known to be there, to look upward from. */
  private known = 0;

  constructor(records: RecordStore, job: string) {
    this.records = records;
    this.folder = `schedule/${job}`;
  }

  async newestMark(): Promise<Mark | null> {
    const isThere = (n: number): Promise<boolean> => this.records.exists(this.markPath(n));
    let step = 1;
    while (await isThere(this.known + step)) {
      this.known += step;
      step *= 2;
    }
    // The end lies within one step: marks have no gaps.
    for (step /= 2; step >= 1; step /= 2) if (await isThere(this.known + step)) this.known += step;
    return this.known === 0 ? null : this.readMark(this.known);
  }

  async addMark(mark: Mark): Promise<Mark> {
    const { through, open, ...rest } = mark;
    const record = { format: 1, ...rest, through: isoTime(through), open: open.map(isoTime), at: isoTime(Date.now()) };
    if (await this.records.create(this.markPath(mark.n), record)) {
      this.known = Math.max(this.known, mark.n);
      return mark;
    }
    return (await this.newestMark()) ?? mark;
  }

  async decision(slot: number): Promise<Decision | null> {
    return withTime(await this.records.read<Dated<Decision>>(`${this.slotPath(slot)}/decision.json`));
  }

  async decide(slot: number, decision: Decision): Promise<Decision> {
    const path = `${this.slotPath(slot)}/decision.json`;
    const record = { format: 1, slot: isoTime(slot), ...decision, at: isoTime(decision.at) };
    if (await this.records.create(path, record)) return decision;
    return (await this.decision(slot)) ?? decision;
  }

  async ending(slot: number): Promise<Ending | null> {
    return withTime(await this.records.read<Dated<Ending>>(`${this.slotPath(slot)}/end.json`));
  }

  async end(slot: number, ending: Ending): Promise<Ending> {
    const record = { format: 1, ...ending, at: isoTime(ending.at) };
    if (await this.records.create(`${this.slotPath(slot)}/end.json`, record)) return ending;
    return (await this.ending(slot)) ?? ending;
  }

  hold(slot: number): Promise<SlotHold | null> {
    return HeldLease.tryTake(this.records, this.slotPath(slot), `slot ${isoTime(slot)}`);
  }

  private async readMark(n: number): Promise<Mark | null> {
    const found = await this.records.read<MarkRecord>(this.markPath(n));
    return found === null ? null : { ...found, through: Date.parse(found.through), open: found.open.map(Date.parse) };
  }

  private markPath(n: number): string {
    return `${this.folder}/marks/${n}.json`;
  }

  /** Where the records of a slot are. */
  slotPath(slot: number): string {
    return `${this.folder}/slots/${isoTime(slot).replace(/[-:]/g, '')}`;
  }
}

type Dated<T> = Omit<T, 'at'> & { readonly at: string };
type MarkRecord = Omit<Mark, 'through' | 'open'> & { readonly through: string; readonly open: readonly string[] };

function withTime<T>(record: Dated<T> | null): (Omit<T, 'at'> & { readonly at: number }) | null {
  return record === null ? null : { ...record, at: Date.parse(record.at) };
}
