import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Certificate, EXACT_POLICIES, type ExactFinding, type GraphFinding } from '../../base/contract/exact.ts';
import type { Job, WrittenJob } from '../../base/contract/job.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { replaceJson } from '../../base/disk/synced-files.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import { parseJob } from '../../job/parse/parse-job.ts';
import { certificateFile, certificateOf, nameOf, subjectOf } from '../../model/certify/certificate.ts';
import { scanGraph } from '../../model/certify/scan-graph.ts';
import { certificatePath, keepCertificate } from '../../run/ledger/certificates.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import type { FirstFile } from '../../run/pipeline/score-first-rows.ts';
import { settleJob } from '../../run/pipeline/settle-job.ts';
import type { ScorerPool } from '../../scoring/pool/scorer-pool.ts';
import { loadJob } from '../load/load-job.ts';
import { printCertificate } from '../output/say-certificate.ts';
import { warnOnce } from '../output/warn-once.ts';
import { JobScorers } from '../processes/scorers.ts';
import { endOnSignal } from '../processes/stop-signals.ts';
import { createStoreResolver } from '../wiring/open-store.ts';
import { readVersions } from '../wiring/versions.ts';
import { bindRows, keepRows } from './certify-rows.ts';

export interface CertifyFlags {
  readonly data?: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** Of each process; a model that is so slow is tried in fewer batches. */
const BUDGET_MS = 20_000;
/** Batches of so many rows at most; a model whose memory does not suffice is tried with smaller ones. */
const MOST_ROWS = [4096, 257, 33];
const LARGEST_GRAPH = 512 * 1024 * 1024;
const NO_DATA = 's3://none/none';

/**
 * `prescore certify MODEL|JOB`: finds out how batches must go to a model so that a row gets the same bits in all of them, in two processes, and
 * writes what it found. Exit code 5 where there is no way.
 */
export async function certifyCommand(path: string, flags: CertifyFlags): Promise<number> {
  const isBare = !/\.(ya?ml|json)$/i.test(path);
  const asked = isBare ? bareJob(path, flags.data) : withData(loadJob(path), flags.data);
  const written = { ...asked, execution: { ...asked.execution, scorers: 1, device: 'cpu' } };
  const stores = createStoreResolver(written.stores, { env: process.env });
  const warn = warnOnce();
  const running = new Set<JobScorers>();
  const done = endOnSignal(() => {
    for (const one of running) one.kill();
  });
  try {
    const job = await settleJob(written, stores);
    const open = (): JobScorers => new JobScorers(job, stores, true, warn);
    const hasData = !isBare || flags.data !== undefined;
    let rows: FirstFile | null = null;
    const once = async (isFirst: boolean): Promise<Tried> => {
      const scorers = open();
      running.add(scorers);
      try {
        const { pool, model } = await scorers.load();
        if (hasData) rows ??= await bindRows(job, isBare, model, pool, { stores });
        const tried = await tryModel(pool, model, rows, isFirst);
        return isFirst ? { ...tried, graph: await graphOf(await scorers.file(), model) } : tried;
      } finally {
        running.delete(scorers);
        await scorers.close();
      }
    };
    const [first, second] = [await once(true), await once(false)];
    const { finding, processes } = agreed(first, second);
    const { model, mostRows, graph = [] } = first;
    const { prescore, onnxruntime } = readVersions();
    const subject = subjectOf(model.sha256, { prescore, onnxruntime }, job.execution.intraOpThreads);
    const certificate = certificateOf(subject, finding, {
      ...{ depth: 'full', processes, mostRows, graph },
      engine: model.engine?.name ?? 'onnxruntime',
      createdAt: new Date().toISOString(),
    });
    const kept = await keep(certificate, isBare ? null : job, stores, flags);
    if (flags.json === true)
      process.stdout.write(`${JSON.stringify({ event: 'certified', kept, ...certificateFile(certificate) })}\n`);
    else printCertificate(certificate, path, kept, process.stdout);
    return certificate.policy === null ? 5 : 0;
  } finally {
    done();
    await stores.close();
  }
}

interface Tried {
  readonly model: ModelInfo;
  readonly finding: ExactFinding;
  readonly mostRows: number;
  /** Of the first process alone. */
  readonly graph?: readonly GraphFinding[];
}

async function tryModel(pool: ScorerPool, model: ModelInfo, rows: FirstFile | null, isTimed: boolean): Promise<Tried> {
  for (const [i, mostRows] of MOST_ROWS.entries()) {
    try {
      if (rows !== null) await keepRows(rows, pool);
      const wish = { depth: 'full', budgetMs: BUDGET_MS, mostRows, isTimed } as const;
      return { model, mostRows, finding: await pool.certify(rows?.binding ?? null, wish) };
    } catch (error) {
      const isTooLarge = isPrescoreError(error) && error.code.startsWith('SCORER_');
      if (!isTooLarge || i === MOST_ROWS.length - 1) throw error;
    }
  }
  throw new PrescoreError('INTERNAL', { what: 'no size was tried' });
}

/** What two processes have found: the dearer of two policies, and none where one process gives other answers than the other. */
function agreed(first: Tried, second: Tried): { readonly finding: ExactFinding; readonly processes: number } {
  const [a, b] = [first.finding, second.finding];
  if (a.policy === null) return { finding: a, processes: 1 };
  if (b.policy === null) return { finding: b, processes: 1 };
  if (a.policy !== b.policy) {
    const place = (finding: ExactFinding): number => EXACT_POLICIES.indexOf(finding.policy!);
    return { finding: place(a) > place(b) ? a : b, processes: 1 };
  }
  if (a.answers !== b.answers) return { finding: { ...a, policy: null, why: 'random', answers: '' }, processes: 2 };
  return { finding: a, processes: 2 };
}

function bareJob(model: string, data: string | undefined): WrittenJob {
  const at = (text: string): string => resolveUri(text, process.cwd());
  const text = JSON.stringify({
    prescore: 1,
    name: 'certify',
    model: { uri: at(model) },
    input: { uri: data === undefined ? NO_DATA : at(data) },
    output: { uri: 's3://not-yet/out' },
  });
  return parseJob(text, { path: model, baseUri: process.cwd(), resolveUri });
}

function withData(job: WrittenJob, data: string | undefined): WrittenJob {
  if (data === undefined) return job;
  const uri = resolveUri(data, process.cwd());
  return { ...job, partitions: null, input: { ...job.input, uris: [uri], pathColumns: {} } };
}

// Trainers' own files have no graph, and are scored row by row.
async function graphOf(path: string, { bytes }: ModelInfo): Promise<readonly GraphFinding[]> {
  if (bytes > LARGEST_GRAPH) return [];
  try {
    return scanGraph(new Uint8Array(await readFile(path)));
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** Keeps it in the state folder of a job, where its runs look, and where --out says; of a bare model in certificate.json. Gives the places. */
async function keep(
  certificate: Certificate,
  job: Job | null,
  stores: ReturnType<typeof createStoreResolver>,
  { out, json }: CertifyFlags,
): Promise<readonly string[]> {
  const places: string[] = [];
  if (job !== null) {
    const name = nameOf(certificate);
    await keepCertificate(new RecordStore(stores, job.state), name, certificate);
    places.push(`${job.state}/${certificatePath(name)}`);
  }
  const file = out ?? (job === null && json !== true ? 'certificate.json' : null);
  if (file === null) return places;
  await replaceJson(resolve(file), certificateFile(certificate));
  return [...places, file];
}
