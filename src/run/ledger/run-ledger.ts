import type { Plan } from '../../base/contract/plan.ts';
import type { ChunkRecord, Manifest } from '../../base/contract/records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type PlanRecord, packPlan, unpackPlan } from './plan-record.ts';
import type { RecordStore } from './record-store.ts';

/** A record is a round trip, and a run may have thousands. */
const IN_FLIGHT = 64;
/** Of a million files. */
const MOST_PLAN_BYTES = 512 * 2 ** 20;

/** The records of one run below `<state>/runs/<runId>/`. */
export class RunLedger {
  readonly records: RecordStore;
  readonly runId: string;

  constructor(records: RecordStore, runId: string) {
    this.records = records;
    this.runId = runId;
  }

  get folder(): string {
    return `runs/${this.runId}`;
  }

  async readPlan(): Promise<Plan | null> {
    const path = `${this.folder}/plan.json`;
    const record = await this.records.read<Plan | PlanRecord>(path, MOST_PLAN_BYTES);
    return record === null ? null : unpackPlan(record, `${this.records.uri}/${path}`);
  }

  /** Whether there is a plan, without reading it. */
  hasPlan(): Promise<boolean> {
    return this.records.exists(`${this.folder}/plan.json`);
  }

  /** Creates the plan; when another starter was first, its plan is given back instead. */
  async createPlan(plan: Plan): Promise<Plan> {
    if (await this.records.create(`${this.folder}/plan.json`, packPlan(plan), 'dense')) return plan;
    const other = await this.readPlan();
    if (other === null) throw new PrescoreError('RECORD_CORRUPT', { what: 'plan vanished', where: this.folder });
    return other;
  }

  /** The record that holds for a chunk: the highest k. Null when the chunk is not done. */
  async chunkRecord(n: number, fromK = 0): Promise<ChunkRecord | null> {
    let holds: ChunkRecord | null = null;
    for (let k = fromK; ; k++) {
      const record = await this.records.read<ChunkRecord>(chunkPath(this.folder, n, k));
      if (record === null) return holds;
      holds = record;
    }
  }

  /** Records of all chunks, in order; null where a chunk is not done. */
  async chunkRecords(count: number): Promise<(ChunkRecord | null)[]> {
    const found = new Array<ChunkRecord | null>(count).fill(null);
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < count) {
        const n = next++;
        found[n] = await this.chunkRecord(n);
      }
    };
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, lane));
    return found;
  }

  /**
   * The highest listed k of every chunk that has a record. A listing decides nothing: a chunk that it misses is looked at
   * again, and a record that it misses is found when somebody writes the same one.
   */
  async listedChunks(): Promise<Map<number, number>> {
    const listed = new Map<number, number>();
    for await (const { name } of this.records.names(`${this.folder}/chunks`)) {
      const match = /^(\d+)\.(\d+)\.json$/.exec(name);
      if (match === null) continue;
      const [n, k] = [Number(match[1]), Number(match[2])];
      listed.set(n, Math.max(k, listed.get(n) ?? 0));
    }
    return listed;
  }

  /** Records of the listed chunks, by chunk. */
  async listedRecords(count: number, listed: ReadonlyMap<number, number>): Promise<(ChunkRecord | null)[]> {
    const found = new Array<ChunkRecord | null>(count).fill(null);
    const waiting = [...listed].filter(([n]) => n < count);
    const lane = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
        found[next[0]] = await this.records.read<ChunkRecord>(chunkPath(this.folder, next[0], next[1]));
    };
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, waiting.length) }, lane));
    return found;
  }

  /**
   * Writes a chunk's record. When another attempt was first, its record holds and is given back; the caller then drops
   * what it staged itself.
   */
  async createChunkRecord(record: ChunkRecord): Promise<ChunkRecord> {
    if (await this.records.create(chunkPath(this.folder, record.n, record.k), record)) return record;
    const holds = await this.chunkRecord(record.n, record.k);
    if (holds === null)
      throw new PrescoreError('RECORD_CORRUPT', { what: 'chunk record vanished', where: this.folder });
    return holds;
  }

  /** A convenience copy of the manifest in the run's folder: says at a glance that the run is committed. */
  async noteCommit(manifest: Manifest): Promise<void> {
    await this.records.replace(`${this.folder}/commit.json`, {
      format: 1,
      n: manifest.n,
      committedAt: manifest.committedAt,
    });
  }

  async commitNote(): Promise<{ readonly n: number; readonly committedAt: string } | null> {
    return this.records.read(`${this.folder}/commit.json`);
  }
}

function chunkPath(folder: string, n: number, k: number): string {
  return `${folder}/chunks/${n}.${k}.json`;
}
