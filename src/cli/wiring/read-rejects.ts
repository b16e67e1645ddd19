import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Plan } from '../../base/contract/plan.ts';
import type { ChunkRecord } from '../../base/contract/records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { Duck, quoteName, quoteText } from '../../data/duckdb/duckdb.ts';
import { makeScratch, removeScratch } from '../processes/scratch-folder.ts';

const DUCK_BYTES = 256 * 1024 * 1024;
/** Columns of a rejects file before the ids. */
const HEAD = ['source_file', 'source_row', 'source_rows', 'column', 'rule', 'message'];

/** Rows that broke one rule in one column. */
export interface RejectCount {
  readonly rule: string;
  readonly column: string;
  readonly rows: number;
  /** Of the first of them. */
  readonly message: string;
}

/** An entry of the rejects: a row, or `rows` of them from there on. */
export interface RejectedRow {
  readonly file: string;
  /** `line`: of a text file, counted from 1; `row`: from 0. */
  readonly counts: 'row' | 'line';
  readonly row: number;
  readonly rows: number;
  readonly column: string;
  readonly rule: string;
  readonly message: string;
  readonly id: Readonly<Record<string, string | null>>;
}

export interface ReadRejects {
  readonly reasons: readonly RejectCount[];
  readonly first: readonly RejectedRow[];
}

/**
 * Reads the rejects of a run: counts by rule and column over all of them, and the first `most` in the order of the input. Ids come as
 * texts, which keeps integers of any size.
 *
 * Errors: RECORD_CORRUPT when a rejects file is gone or has other bytes than its record says; those of the store.
 */
export async function readRejects(
  plan: Plan,
  records: readonly (ChunkRecord | null)[],
  stores: StoreResolver,
  most: number,
): Promise<ReadRejects> {
  const reasons = new Map<string, RejectCount>();
  const first: RejectedRow[] = [];
  const texts = new Set(plan.files.filter((f) => f.text !== undefined).map((f) => f.uri));
  const scratchDir = await makeScratch();
  const duck = await Duck.open({ memoryBytes: DUCK_BYTES, scratchDir, scratchBytes: DUCK_BYTES });
  try {
    for (const [n, record] of records.entries()) {
      if (record === null || record.rejects === null) continue;
      const path = join(scratchDir, `rejects-${n}.parquet`);
      await writeFile(path, await fetchRejects(plan, record.rejects, stores));
      const table = `read_parquet(${quoteText(path)})`;
      const counts = `select rule, "column", sum(source_rows)::bigint, min_by(message, source_row) from ${table} group by all`;
      for (const row of await duck.rows(counts)) addCount(reasons, row);
      if (first.length < most) first.push(...(await firstRows(duck, table, most - first.length, texts)));
    }
  } finally {
    duck.close();
    await removeScratch(scratchDir);
  }
  return { reasons: [...reasons.values()].sort((a, b) => b.rows - a.rows), first };
}

async function fetchRejects(
  plan: Plan,
  { key, sha256 }: NonNullable<ChunkRecord['rejects']>,
  stores: StoreResolver,
): Promise<Uint8Array> {
  const place = stores.at(`${plan.state}/${key}`);
  const found = await place.store.get(place.key);
  const got = found === null ? 'no such file' : createHash('sha256').update(found.bytes).digest('hex');
  if (found !== null && got === sha256) return found.bytes;
  const what = 'the file of a run with its rejected rows is not the one that was written';
  throw new PrescoreError('RECORD_CORRUPT', { what, where: place.uri, expected: sha256, got });
}

function addCount(reasons: Map<string, RejectCount>, [rule, column, rows, message]: readonly unknown[]): void {
  const key = JSON.stringify([rule, column]);
  const known = reasons.get(key);
  reasons.set(key, {
    rule: String(rule),
    column: String(column),
    rows: Number(rows) + (known?.rows ?? 0),
    message: known?.message ?? String(message),
  });
}

async function firstRows(duck: Duck, table: string, most: number, texts: ReadonlySet<string>): Promise<RejectedRow[]> {
  const ids = (await duck.describe(`select * from ${table}`)).slice(HEAD.length).map((c) => c.name);
  const columns = [...HEAD.map(quoteName), ...ids.map((name) => `${quoteName(name)}::varchar`)].join(', ');
  const rows = await duck.rows(`select ${columns} from ${table} limit ${most}`);
  return rows.map(([file, row, count, column, rule, message, ...values]) => ({
    file: String(file),
    counts: texts.has(String(file)) ? 'line' : 'row',
    row: Number(row),
    rows: Number(count),
    column: String(column),
    rule: String(rule),
    message: String(message),
    id: Object.fromEntries(ids.map((name, i) => [name, values[i] == null ? null : String(values[i])])),
  }));
}
