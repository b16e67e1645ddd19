import type { GrantedDevice } from '../contract/device.ts';
import type { ModelInfo } from '../contract/signature.ts';
import { OrtClient } from './ort-client.ts';

type LoadMessage = Parameters<OrtClient['load']>[0];
type BindMessage = Parameters<OrtClient['bind']>[0];
type ScoreMessage = Parameters<OrtClient['score']>[0];
type Scored = Awaited<ReturnType<OrtClient['score']>>;

interface Lane {
  readonly thread: OrtClient;
  /** Slabs that the thread has and has not answered. */
  slabs: number;
  /** What the dictionary of string features gained since this thread was last told. */
  texts: string[];
  isFresh: boolean;
}

/**
 * The ONNX Runtime threads of a child, each with a session of its own: a slab goes to the one with the least to do. One
 * child with two threads takes 3 to 10 % less CPU than two children with one, which start Node, DuckDB and all modules twice.
 */
export class InferenceThreads {
  private readonly lanes: Lane[] = [];
  /** Where the model runs, when that is not the CPU. */
  device: GrantedDevice | null = null;

  /** Starts one thread at once, so that it loads ONNX Runtime while the child loads everything else. */
  constructor() {
    this.grow(1);
  }

  /** Starts threads until there are `count`. Call it before `load`. */
  grow(count: number): void {
    while (this.lanes.length < count) {
      this.lanes.push({ thread: new OrtClient(), slabs: 0, texts: [], isFresh: false });
    }
  }

  /** Loads the model in every thread. Errors: those of `OrtClient.load`. Owns: `bytes` moves to a thread. */
  async load(message: LoadMessage): Promise<ModelInfo> {
    const copies = this.lanes.map((_, i) => (i === 0 ? message.bytes : message.bytes.slice()));
    const infos = await Promise.all(
      this.lanes.map(({ thread }, i) => thread.load({ ...message, bytes: copies[i] ?? message.bytes })),
    );
    this.device = infos[0]?.device ?? null;
    return infos[0]!;
  }

  /** Makes a binding known to every thread; returns its id for `score`: each thread counts the same bindings. */
  bind(message: BindMessage): number {
    return this.lanes.map(({ thread }) => thread.bind(message))[0]!;
  }

  /** Scores a slab. Owns: `buffer` belongs to a thread until the promise settles. */
  async score(message: ScoreMessage): Promise<Scored> {
    const chosen = this.lanes.reduce((least, lane) => (lane.slabs < least.slabs ? lane : least));
    // Every thread learns every text, in the order in which slabs were packed, but only when it has a slab to score.
    for (const lane of this.lanes) {
      if (message.isFresh) lane.texts = [];
      lane.isFresh ||= message.isFresh;
      lane.texts.push(...message.newTexts);
    }
    const { texts, isFresh } = chosen;
    chosen.texts = [];
    chosen.isFresh = false;
    chosen.slabs++;
    try {
      return await chosen.thread.score({ ...message, newTexts: texts, isFresh });
    } finally {
      chosen.slabs--;
    }
  }

  /** How long the batch that has been running longest has been running, in ms; 0 when none is. Call it regularly. */
  batchMs(now = performance.now()): number {
    return Math.max(...this.lanes.map(({ thread }) => thread.batchMs(now)));
  }
}
