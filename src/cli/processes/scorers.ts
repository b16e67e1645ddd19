import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Job } from '../../base/contract/job.ts';
import type { ModelAbout } from '../../base/contract/model-about.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { withOwnStore } from '../../data/object-store/own-store.ts';
import { withSignature } from '../../model/about/model-about.ts';
import type { LoadedScorers } from '../../run/pipeline/run-deps.ts';
import { ScorerPool } from '../../scoring/pool/scorer-pool.ts';
import { type AllowedMemory, allowedMemory } from './allowed-memory.ts';
import {
  CPU,
  chooseDevices,
  findGpus,
  isUnavailable,
  refuseMostlyCpu,
  saySharedModel,
  sayUnusedGpu,
} from './choose-devices.ts';
import { fetchModel, type LocalModel } from './fetch-model.ts';
import { leastMemory, MEMORY, saySmallMemory, shareMemory, tableMemory } from './memory-plan.ts';
import { makeScratch } from './scratch-folder.ts';
import { SCORER_ENTRY, scorerEnvironment, spareScorer } from './spare-scorer.ts';

const SILENCE_MS = 30_000;

const LEAST_LOAD_MS = 10_000;
const LOAD_BATCHES = 10;

/** The scorers of one job: started on first use, ended with their scratch folder. */
export class JobScorers {
  private readonly job: Job;
  private readonly stores: StoreResolver;
  private readonly allowUnpinned: boolean;
  private readonly warn: (text: string) => void;
  private loading: Promise<LoadedScorers> | null = null;
  private pool: ScorerPool | null = null;
  private scratchDir: string | null = null;
  private readonly parts: number;
  private memory: AllowedMemory | null = null;
  private modelPath = '';

  /**
   * `warn` is told when the memory allows fewer scorers than there are cores. `parts`: jobs that may have scorers in this process at
   * a time, which share what `execution.memory: auto` allows.
   */
  constructor(
    job: Job,
    stores: StoreResolver,
    allowUnpinned: boolean,
    warn: (text: string) => void = () => undefined,
    parts = 1,
  ) {
    this.parts = parts;
    this.job = job;
    this.stores = stores;
    this.allowUnpinned = allowUnpinned;
    this.warn = warn;
  }

  get pids(): number[] {
    return this.pool?.pids ?? [];
  }

  /** What the scorers may use together; null before they are loaded. */
  get allowed(): AllowedMemory | null {
    return this.memory;
  }

  /** Errors: MEMORY_TOO_SMALL, MODEL_*. Repeat: gives the same scorers. */
  load(): Promise<LoadedScorers> {
    this.loading ??= this.start();
    return this.loading;
  }

  /** The path of the copy of the model's file that was loaded; it is gone after `close`. Errors: those of `load`. */
  async file(): Promise<string> {
    await this.load();
    return this.modelPath;
  }

  /** What the file of the model says of itself, with what it was loaded as. Errors: those of `load`. */
  async about(): Promise<ModelAbout> {
    const { pool, model } = await this.load();
    const said = await pool.ask({ kind: 'about', path: this.modelPath, where: this.job.model.uri });
    return withSignature(said, model.signature);
  }

  private async start(): Promise<LoadedScorers> {
    const { job } = this;
    const { execution } = job;
    const scratchDir = await makeScratch();
    this.scratchDir = scratchDir;
    const model = await fetchModel(job, this.stores, scratchDir, this.allowUnpinned);
    const gpus = findGpus(process.env);
    const devices = chooseDevices(execution.device, gpus);
    const why = sayUnusedGpu(execution.device, gpus);
    if (why !== null) this.warn(why);
    try {
      return await this.startOn(devices, model, scratchDir);
    } catch (error) {
      if (execution.device !== 'auto' || devices === CPU || !isUnavailable(error)) throw error;
      this.warn(`execution.device: auto takes the CPU: ${error.details.what}`);
      this.pool?.close();
      return await this.startOn(CPU, model, scratchDir);
    }
  }

  private async startOn(devices: readonly string[], model: LocalModel, scratchDir: string): Promise<LoadedScorers> {
    const { job } = this;
    const { execution } = job;
    const isGpu = devices !== CPU;
    // One for each core, or for each GPU.
    const places = isGpu ? devices.length : availableParallelism();
    const modelBytes = memoryOf(model, job);
    const memory = allowedMemory(execution.memoryBytes, leastMemory(execution.scorers, modelBytes), this.parts);
    const memoryBytes = memory.bytes;
    this.memory = memory;
    const share = shareMemory(memoryBytes, execution.scorers, places, modelBytes, isGpu);
    const shortage = saySmallMemory(share, execution.scorers, places, memoryBytes, modelBytes, isGpu);
    this.modelPath = model.path;
    if (shortage !== null) this.warn(shortage);
    const { tf32 } = execution.cuda;
    const pool = new ScorerPool(
      {
        entry: SCORER_ENTRY,
        env: scorerEnvironment(tf32),
        // It was started before the job was known, with TF32 off.
        takeSpare: () => (tf32 ? null : spareScorer.take()),
        maxRssBytes: share.shareBytes * 0.9 + (isGpu ? MEMORY.gpuHostBytes : 0),
        silenceMs: SILENCE_MS,
        options: {
          stores: withOwnStore(job.stores, process.env),
          scratchDir,
          scratchBytes: Math.floor(execution.scratchBytes / share.scorers),
          duckMemoryBytes: share.duckMemoryBytes,
          batchBytes: share.batchBytes,
          batchDivisor: 1,
          threads: share.threads,
          slabs: share.slabs,
          batchDeadlineMs: execution.batchDeadlineMs,
        },
      },
      share.scorers,
    );
    this.pool = pool;
    const { intraOpThreads, trees, batchDeadlineMs } = execution;
    const { path, weights, background, sha256 } = model;
    const request = {
      path,
      weights,
      background,
      where: job.model.uri,
      sha256,
      intraOpThreads,
      trees,
      device: devices[0]!,
    };
    const loading = pool.load(request, devices, ({ details }) => {
      this.warn(`${details.what}; the other scorers go on without it`);
    });
    const loaded = await withinDeadline(loading, pool, job.model.uri, batchDeadlineMs);
    if (execution.device === 'auto') refuseMostlyCpu(loaded.device);
    const shared = saySharedModel(loaded.device);
    if (shared !== null) this.warn(shared);
    return { pool, model: loaded };
  }

  /** Ends idle children and removes the scratch folder. */
  async close(): Promise<void> {
    this.pool?.close();
    if (this.scratchDir !== null) await rm(this.scratchDir, { recursive: true, force: true });
  }

  /** Ends everything at once: for the second signal and for failures. */
  kill(): void {
    this.pool?.kill(new PrescoreError('INTERRUPTED', { what: 'interrupted' }));
    if (this.scratchDir !== null) rmSync(this.scratchDir, { recursive: true, force: true, maxRetries: 3 });
  }
}

// ONNX Runtime computes what is constant while it loads, so a hostile model can load for hours.
async function withinDeadline<T>(loading: Promise<T>, pool: ScorerPool, where: string, batchMs: number): Promise<T> {
  const limit = Math.max(LEAST_LOAD_MS, LOAD_BATCHES * batchMs);
  const what = 'the model did not load in time';
  const expected = `at most ${Math.round(limit / 1000)} s (${LOAD_BATCHES} times execution.batchDeadline)`;
  const late = new PrescoreError('SCORER_DEADLINE', { what, where, expected, got: 'no answer' });
  const timer = setTimeout(() => pool.kill(late), limit);
  return loading.finally(() => clearTimeout(timer));
}

/** What a scorer's model is likely to take, with what explains its rows where the job asks for that. Errors: none. */
export function memoryOf(
  { bytes, memoryBytes }: Pick<LocalModel, 'bytes' | 'memoryBytes'>,
  { outputs }: Pick<Job, 'outputs'>,
): number {
  const isExplained = Object.values(outputs ?? {}).some((output) => 'explain' in output);
  return memoryBytes + (isExplained ? tableMemory(bytes) : 0);
}
