import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '../../src/base/contract/job.ts';
import type { OutputColumn } from '../../src/base/contract/plan.ts';
import type { Manifest, ManifestPart } from '../../src/base/contract/records.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { Duck, quoteText } from '../../src/data/duckdb/duckdb.ts';
import { partitionFolder } from '../../src/job/slots/partition-folder.ts';
import { expandTemplate } from '../../src/job/values/template.ts';
import { ManifestChain } from '../../src/run/ledger/manifest-chain.ts';
import { RecordStore } from '../../src/run/ledger/record-store.ts';
import { loadPinned } from './pinned-job.ts';
import { writeJob } from './temp-job.ts';

/** Rows that a run is said to have scored: one query for each part. */
export interface RowsToCommit {
  readonly parts: readonly string[];
  readonly partition?: string;
  /** ISO; when the run was planned: a later one is newer. One second after the run before by default. */
  readonly createdAt?: string;
  readonly modelSha256?: string;
}

/**
 * A job file that publishes. Its model is never asked for: `commitRows` takes the place of `run`, so that a test decides what
 * is in the table and takes milliseconds.
 */
export function setJob(
  folder: string,
  predictions: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, unknown>> = {},
): string {
  mkdirSync(folder, { recursive: true });
  return writeJob(folder, {
    name: 'set-job',
    model: { uri: '/none/model.onnx', version: '7', sha256: 'ab'.repeat(32) },
    input: { uri: '/none/input.parquet' },
    outputs: { y: 'y' },
    id: ['id'],
    output: { uri: join(folder, 'out') },
    ...changes,
    predictions: { key: 'id', ...predictions },
  });
}

/** Commits rows to a job's output as a run does: parts, then the next manifest. */
export async function commitRows(jobPath: string, rows: RowsToCommit): Promise<Manifest> {
  const job = loadPinned(jobPath);
  const stores = createStoreResolver(job.stores, { env: process.env });
  const scratchDir = join(tmpdir(), `prescore-commit-${randomBytes(6).toString('hex')}`);
  mkdirSync(scratchDir, { recursive: true });
  const duck = await Duck.open({ memoryBytes: 128 * 2 ** 20, scratchDir, scratchBytes: 2 ** 30 });
  try {
    const partition = rows.partition ?? null;
    const outputUri = expandTemplate(job.output.uri, partition).replace(/\/+$/, '');
    const records = new RecordStore(stores, job.state);
    const chain = new ManifestChain(records, stores, `manifests/${partitionFolder(partition)}`, outputUri);
    const n = ((await chain.current())?.n ?? 0) + 1;
    const parts: ManifestPart[] = [];
    for (const [i, sql] of rows.parts.entries()) {
      const path = join(scratchDir, 'part.parquet');
      await duck.run(`copy (${sql}) to ${quoteText(path)} (format parquet, row_group_size 4096)`);
      const bytes = readFileSync(path);
      const name = `part-${n}-${i}.parquet`;
      const place = stores.at(`${outputUri}/${name}`);
      await place.store.put(place.key, bytes);
      const [[count] = []] = await duck.rows(`select count(*) from read_parquet(${quoteText(path)})`);
      parts.push({ name, rows: Number(count), size: bytes.length, sha256: digest(bytes) });
    }
    const columns = await columnsOf(duck, rows.parts[0]!, job);
    const createdAt = rows.createdAt ?? new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();
    const manifest = manifestOf(job, { n, partition, outputUri, columns, parts, createdAt }, rows.modelSha256);
    await chain.append(manifest);
    await chain.writeCopies(manifest);
    return manifest;
  } finally {
    duck.close();
    await stores.close();
    rmSync(scratchDir, { recursive: true, force: true });
  }
}

async function columnsOf(duck: Duck, sql: string, job: Job): Promise<OutputColumn[]> {
  const outputs = Object.keys(job.outputs ?? {});
  const role = (name: string): OutputColumn['role'] =>
    outputs.includes(name) ? 'prediction' : job.id.includes(name) ? 'id' : 'passthrough';
  return (await duck.describe(sql)).map(({ name, type }) => ({ name, type, role: role(name) }));
}

function manifestOf(
  job: Job,
  own: Pick<Manifest, 'n' | 'partition' | 'outputUri' | 'columns' | 'parts'> & { readonly createdAt: string },
  modelSha256 = job.model.sha256 ?? '',
): Manifest {
  const { createdAt, ...rest } = own;
  return {
    format: 1,
    ...rest,
    runId: `${job.name}.${own.partition ?? 'all'}.${own.n}`,
    job: job.name,
    order: { logicalTime: null, createdAt, attempt: own.n },
    committedAt: createdAt,
    scoredAt: createdAt,
    rows: own.parts.reduce((sum, part) => sum + part.rows, 0),
    rejected: 0,
    rejectsByRule: {},
    model: { name: job.model.name, version: job.model.version, sha256: modelSha256, uri: job.model.uri },
    fingerprints: { result: 'r', resume: 'r' },
    versions: { prescore: '0', duckdb: '0', onnxruntime: '0' },
    inputs: { files: 1, bytes: 1, digest: 'd' },
  };
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
