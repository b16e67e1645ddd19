import type { StoreConfig, StoreResolver } from '../../base/contract/object-store.ts';
import type { PlannedChunk } from '../../base/contract/plan.ts';
import type { ChunkResult } from '../../base/contract/records.ts';
import type { ColumnInfo } from '../../base/contract/table.ts';
import { toErrorJson } from '../../base/errors/prescore-error.ts';
import { deriveTypes, type JobExpressions } from '../../data/duckdb/derive-types.ts';
import { Duck } from '../../data/duckdb/duckdb.ts';
import { aboutModelFile } from '../../model/about/model-about.ts';
import type { InferenceThreads } from '../thread/inference-threads.ts';
import { type BoundRun, bindRun } from './bound-run.ts';
import type { ChildTools } from './child-tools.ts';
import { describeAll, packDescriptions } from './describe-all.ts';
import { encodeEmpty } from './encode-chunk.ts';
import { type PackedFiles, placesOf } from './file-table.ts';
import { FooterCache } from './footer-cache.ts';
import { FeedsKeeper } from './keep-feeds.ts';
import type {
  ChildOptions,
  ChunkOutcome,
  DeriveResult,
  DescribeRequest,
  FromChild,
  PackedDescriptions,
  Replies,
  Request,
  ToChild,
} from './messages.ts';
import { mapNative } from './native-errors.ts';
import { probeBatch } from './probe-batch.ts';
import { sampleRows } from './sample-rows.ts';
import { ScratchFiles } from './scratch-files.ts';
import { Turnstile } from './turnstile.ts';
import { walkChunk } from './walk-chunk.ts';
import { canWalkTogether, walkTogether } from './walk-together.ts';

const HEARTBEAT_MS = 500;
const PROGRESS_MS = 250;

/** How the child talks to its supervisor. */
export interface ChildChannel {
  send(message: FromChild): void;
  onMessage(listener: (message: ToChild) => void): void;
}

type CreateStores = (stores: Readonly<Record<string, StoreConfig>>) => StoreResolver;

/**
 * A scorer child: owns whole chunks from fetch to staged part. Its main thread streams and answers; ONNX Runtime runs in
 * threads of its own, so heartbeats go on while a batch is scored. It never decides anything about a run.
 */
export class ScorerChild {
  private readonly channel: ChildChannel;
  private readonly createStores: CreateStores;
  private readonly runs = new Map<string, BoundRun>();
  private lastBound: BoundRun | null = null;
  private options: ChildOptions | null = null;
  private readonly ort: InferenceThreads;
  private tools: Promise<ChildTools> | null = null;

  constructor(channel: ChildChannel, ort: InferenceThreads, createStores: CreateStores) {
    this.channel = channel;
    this.ort = ort;
    this.createStores = createStores;
  }

  start(): void {
    this.channel.onMessage((message) => {
      if (message.kind === 'open') {
        this.options = message.options;
        this.ort.allow(message.options.threads);
        this.tools = this.open(message.options);
        // Told to whoever asks for it first.
        this.tools.catch(() => undefined);
      } else void this.answer(message.id, message.request);
    });
    const busyShare = busyMeter();
    setInterval(() => {
      const busy = busyShare();
      const rssBytes = process.memoryUsage.rss();
      this.channel.send({ kind: 'heartbeat', rssBytes, batchMs: this.ort.batchMs(), busy });
    }, HEARTBEAT_MS);
  }

  private async open(options: ChildOptions): Promise<ChildTools> {
    const duck = await Duck.open({
      memoryBytes: options.duckMemoryBytes,
      scratchDir: options.scratchDir,
      scratchBytes: options.scratchBytes,
    });
    return {
      stores: this.createStores(options.stores),
      duck,
      ort: this.ort,
      scratchDir: options.scratchDir,
      scratchBytes: options.scratchBytes,
      scratch: new ScratchFiles(options.scratchDir, options.scratchBytes),
      footers: new FooterCache(() => duck.keepFooters(false)),
      arrowMemoryBytes: options.duckMemoryBytes,
      decoding: new Turnstile(),
      converting: new Turnstile(),
    };
  }

  private async answer(id: number, request: Request): Promise<void> {
    try {
      this.channel.send({ kind: 'reply', id, value: await this.handle(id, request) });
    } catch (error) {
      this.channel.send({ kind: 'failed', id, error: toErrorJson(mapNative(error, this.options?.scratchDir), true) });
    }
  }

  private async handle(id: number, request: Request): Promise<Replies[keyof Replies]> {
    if (this.tools === null || this.options === null) throw new TypeError('request before open');
    // The model is loaded by the inference thread, whatever this one is doing.
    if (request.kind === 'load') return this.ort.load(request.model);
    if (request.kind === 'about') return aboutModelFile(request.path, request.where);
    const tools = await this.tools;
    switch (request.kind) {
      case 'probe':
        return probeBatch(tools.ort, request.binding, request.most, this.options.batchBytes);
      case 'try':
        return tools.ort.tryRows(request.binding, request.rows);
      case 'certify':
        return tools.ort.certify(request.binding, request.wish);
      case 'describe':
        return this.describe(tools, request.files);
      case 'derive':
        return deriveTables(tools.duck, request, request.tables);
      case 'bind':
        this.lastBound = bindRun(request.run, tools.ort, this.options, this.lastBound);
        this.runs.set(request.run.runId, this.lastBound);
        return null;
      case 'chunks':
        return this.withFiles(request, (run) => this.walk(id, tools, run, request.chunks));
      case 'empty':
        return encodeEmpty(tools, this.boundRun(request.runId), request.n);
      case 'sample':
        return this.withFiles(request, (run) => sample(tools, run, request));
    }
  }

  // Those that cannot go together, or did not go well, are walked alone, one fetched while another is decoded.
  private async walk(
    id: number,
    tools: ChildTools,
    run: BoundRun,
    chunks: readonly PlannedChunk[],
  ): Promise<readonly ChunkOutcome[]> {
    const onHungry = (): void => this.channel.send({ kind: 'hungry', id });
    const isTogether = chunks.length > 1 && canWalkTogether(run, chunks);
    const done = isTogether ? await walkTogether(tools, run, chunks, onHungry) : new Map<number, ChunkResult>();
    const report = chunks.length > 1 ? (): void => undefined : this.progress(id);
    const outcomes: ChunkOutcome[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < chunks.length) {
        const i = next++;
        try {
          const result = done.get(chunks[i]!.n) ?? (await walkChunk(tools, run, chunks[i]!, onHungry, report));
          outcomes[i] = { ok: true, result };
        } catch (error) {
          outcomes[i] = { ok: false, error: toErrorJson(mapNative(error, this.options?.scratchDir), true) };
        }
      }
    };
    await Promise.all([lane(), lane()]);
    return outcomes;
  }

  /** Runs a task that knows these files of a run. */
  private async withFiles<T>(
    { runId, files }: { readonly runId: string; readonly files: PackedFiles },
    task: (run: BoundRun) => Promise<T>,
  ): Promise<T> {
    const run = this.boundRun(runId);
    const release = run.files.take(files);
    try {
      return await task(run);
    } finally {
      release();
    }
  }

  private boundRun(runId: string): BoundRun {
    const run = this.runs.get(runId);
    if (run === undefined) throw new TypeError(`run ${runId} is not bound`);
    return run;
  }

  // Progress of a chunk, a few times a second at most.
  private progress(id: number): (rows: number) => void {
    let rows = 0;
    let sent = performance.now();
    return (more) => {
      rows += more;
      const now = performance.now();
      if (now - sent < PROGRESS_MS) return;
      sent = now;
      this.channel.send({ kind: 'progress', id, rows });
    };
  }

  private async describe(tools: ChildTools, files: readonly DescribeRequest[]): Promise<PackedDescriptions> {
    // DuckDB takes about 11 bytes for one of a footer; footers that are looked at once are not kept.
    await tools.duck.keepFooters(false);
    const results = await describeAll(tools, files, Math.floor((this.options?.duckMemoryBytes ?? 0) / 12));
    await tools.duck.keepFooters(!tools.footers.isFull);
    return packDescriptions(results);
  }
}

async function sample(
  tools: ChildTools,
  run: BoundRun,
  { rows, files, feeds }: Request & { readonly kind: 'sample' },
): Promise<Replies['sample']> {
  const keeper = feeds === undefined ? null : new FeedsKeeper(feeds, run.context.binding, run.layout);
  const sampled = await sampleRows(tools, run, rows, placesOf(files), keeper);
  keeper?.close();
  return sampled;
}

async function deriveTables(
  duck: Duck,
  expressions: JobExpressions,
  tables: readonly (readonly ColumnInfo[])[],
): Promise<DeriveResult[]> {
  const results: DeriveResult[] = [];
  for (const table of tables) {
    try {
      results.push({ ok: true, computed: await deriveTypes(duck, expressions, table) });
    } catch (error) {
      results.push({ ok: false, error: toErrorJson(mapNative(error)) });
    }
  }
  return results;
}

// The CPU time of this thread: an event loop that waits for a core that others use looks busy and is not what is short.
function busyMeter(): () => number {
  let [cpu, at] = [mainThreadMicros(), performance.now()];
  return () => {
    const [nowCpu, now] = [mainThreadMicros(), performance.now()];
    const share = (nowCpu - cpu) / 1000 / Math.max(1, now - at);
    [cpu, at] = [nowCpu, now];
    return share;
  };
}

// Nothing on a Node that cannot tell (before 22.19 and 23.9): it keeps the children that it started with.
function mainThreadMicros(): number {
  const used = process.threadCpuUsage?.();
  return used === undefined ? 0 : used.user + used.system;
}
