import type { Binding } from '../../base/contract/binding.ts';
import type { GrantedDevice } from '../../base/contract/device.ts';
import type { ExactFinding } from '../../base/contract/exact.ts';
import type { RowTrial } from '../../base/contract/row-dependence.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import type { CertifyWish } from '../../model/certify/certify-session.ts';
import { OrtClient } from './ort-client.ts';

/** How the model is loaded; each thread reads its file. */
export type ModelSource = Parameters<OrtClient['load']>[0];
type BindMessage = Parameters<OrtClient['bind']>[0];
type ScoreMessage = Parameters<OrtClient['score']>[0];
type Scored = Awaited<ReturnType<OrtClient['score']>>;

/** A slab of a walk. `texts` are all texts of the walk's dictionary so far; a thread is told those it does not know. */
export type WalkSlab = Omit<ScoreMessage, 'newTexts'> & { readonly texts: readonly string[] };

interface Lane {
  readonly thread: OrtClient;
  /** Slabs that the thread has and has not answered. */
  slabs: number;
  /** How many texts of each walk it was told. */
  readonly told: Map<number, number>;
}

/** Slabs that are one too many for a thread: one that is scored, one that is next, one that could be scored elsewhere. */
const CROWDED = 2;
/** For so long: the first slabs of a light model pile up too, while nothing is compiled yet. */
const CROWDED_MS = 40;

/**
 * The ONNX Runtime threads of a child, each with a session of its own: a slab goes to the one with the least to do. One
 * child with two threads takes 3 to 10 % less CPU than two children with one, which start Node, DuckDB and all modules twice.
 * The first thread starts at once, further ones when slabs pile up: a light model never needs them, and each costs a tenth
 * of a second of a core to start.
 */
export class InferenceThreads {
  private readonly lanes: Lane[] = [];
  private most = 1;
  private model: ModelSource | null = null;
  private readonly bindings: BindMessage[] = [];
  private isGrowing = false;
  private scored = 0;
  /** Where the model runs, when that is not the CPU. */
  device: GrantedDevice | null = null;
  /** Whether feeds are copied for every batch; known once a model is loaded. */
  isCopying = false;

  /** Starts one thread at once, so that it loads ONNX Runtime while the child loads everything else. */
  constructor() {
    this.lanes.push(newLane());
  }

  /** Allows up to `count` threads. */
  allow(count: number): void {
    this.most = count;
  }

  /** Errors: those of `OrtClient.load`. */
  async load(model: ModelSource): Promise<ModelInfo> {
    this.model = model;
    const { info, isCopying } = await this.lanes[0]!.thread.load(model);
    this.device = info.device ?? null;
    this.isCopying = isCopying;
    return info;
  }

  /** Makes a binding known to every thread; returns its id for `score`: each thread counts the same bindings. */
  bind(message: BindMessage): number {
    this.bindings.push(message);
    return this.lanes.map(({ thread }) => thread.bind(message))[0]!;
  }

  /** Scores a slab. Owns: `buffer` belongs to a thread until the promise settles. */
  async score({ texts, ...message }: WalkSlab): Promise<Scored> {
    const chosen = this.lanes.reduce((least, lane) => (lane.slabs < least.slabs ? lane : least));
    if (chosen.slabs >= CROWDED) this.growIfItStays(chosen);
    const newTexts = texts.slice(chosen.told.get(message.walk) ?? 0);
    if (newTexts.length > 0) chosen.told.set(message.walk, texts.length);
    chosen.slabs++;
    try {
      return await chosen.thread.score({ ...message, newTexts });
    } finally {
      this.scored++;
      chosen.slabs--;
    }
  }

  /** Tries on the first thread whether rows are scored by themselves, in batches of up to `rows`. */
  tryRows(binding: Binding, rows: number): Promise<RowTrial> {
    return this.lanes[0]!.thread.tryRows(binding, rows);
  }

  /**
   * Tries on the first thread whether rows get the same bits in every batch; where several threads share one, also whether they get those of
   * one thread, which is what a server has.
   */
  async certify(binding: Binding | null, wish: CertifyWish): Promise<ExactFinding> {
    const found = await this.lanes[0]!.thread.certify(binding, wish);
    const { model } = this;
    if (found.policy === null || model === null || model.intraOpThreads === 1) return found;
    const { thread } = newLane();
    try {
      await thread.load({ ...model, intraOpThreads: 1 });
      const alone = await thread.certify(binding, { ...wish, depth: 'quick' });
      return alone.answers === found.answers ? found : { ...found, policy: null, why: 'threads', answers: '' };
    } finally {
      thread.close();
    }
  }

  /** The walk is over: its texts are let go. */
  forget(walk: number): void {
    for (const { thread, told } of this.lanes) {
      if (told.delete(walk)) thread.forget(walk);
    }
  }

  /** How long the batch that has been running longest has been running, in ms; 0 when none is. Call it regularly. */
  batchMs(now = performance.now()): number {
    return Math.max(...this.lanes.map(({ thread }) => thread.batchMs(now)));
  }

  private growIfItStays(lane: Lane): void {
    const { model, scored } = this;
    if (this.isGrowing || model === null || this.lanes.length >= this.most) return;
    this.isGrowing = true;
    setTimeout(() => {
      // Two slabs in that time: decoding is what is waited for.
      if (lane.slabs >= CROWDED && this.scored - scored < CROWDED) this.grow(model);
      else this.isGrowing = false;
    }, CROWDED_MS);
  }

  private grow(model: ModelSource): void {
    this.addLane(model).then(
      () => {
        this.isGrowing = false;
      },
      // What has loaded once and does not load again wants more than there is: the threads that are there go on alone.
      () => {
        this.most = this.lanes.length;
        this.isGrowing = false;
      },
    );
  }

  private async addLane(model: ModelSource): Promise<void> {
    const lane = newLane();
    try {
      await lane.thread.load(model);
    } catch (error) {
      lane.thread.close();
      throw error;
    }
    for (const binding of this.bindings) lane.thread.bind(binding);
    this.lanes.push(lane);
  }
}

function newLane(): Lane {
  return { thread: new OrtClient(), slabs: 0, told: new Map() };
}
