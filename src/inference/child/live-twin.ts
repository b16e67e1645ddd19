import type { InferRequest, LiveTensor } from '../../base/contract/live-model.ts';
import type { Signature } from '../../base/contract/signature.ts';
import type { BatchAxis } from '../../model/elements/batch-axis.ts';
import { elementBytes, elementView, type TensorValue } from '../../model/elements/elements.ts';
import { TreeTwin, type TwinParts } from '../../model/engine/tree-twin.ts';
import { countOf } from './tensor-data.ts';
import { warmUpFeeds } from './warm-up.ts';

/** Longer than this no request keeps the event loop; what would goes to the child. */
const MOST_MICROS = 500;
/** V8 improves a kernel's code while it runs. Turns of the event loop in between let others in. */
const WARM_UP_TURNS = 80;
const WARM_UP_ROWS = 64;

/** The trees of a model in the server's own process: a few rows cost less here than the way to the child does. */
export class LiveTwin {
  private readonly twin: TreeTwin;
  private readonly fetches: readonly string[];

  private constructor(twin: TreeTwin, fetches: readonly string[]) {
    this.twin = twin;
    this.fetches = fetches;
  }

  /** Makes it of what the child found, and warms it up; null where that cannot be done. Errors: none. */
  static async open(parts: TwinParts, signature: Signature, axis: BatchAxis): Promise<LiveTwin | null> {
    try {
      const twin = new LiveTwin(new TreeTwin(parts), axis.fetches);
      await twin.warmUp(signature, axis);
      return twin;
    } catch {
      return null;
    }
  }

  /** Bytes of memory that it takes. */
  get bytes(): number {
    return this.twin.bytes;
  }

  /**
   * The outputs of a request that fits the model, with the bits that the child would give; null where the child has to be asked: for many
   * rows, for outputs that are not made of trees alone, and where a bit is not sure. Errors: none. Owns: the tensors are the caller's.
   */
  score({ inputs, rows }: InferRequest, fetches: readonly string[] | null): ReadonlyMap<string, LiveTensor> | null {
    if (this.twin.microsOf(rows) > MOST_MICROS) return null;
    try {
      const feeds = new Map<string, TensorValue>();
      for (const [name, tensor] of inputs) feeds.set(name, feedOf(tensor));
      return this.twin.score(feeds, fetches ?? this.fetches) as ReadonlyMap<string, LiveTensor> | null;
    } catch {
      // The child says what is wrong with them.
      return null;
    }
  }

  private async warmUp(signature: Signature, axis: BatchAxis): Promise<void> {
    for (const rows of [1, WARM_UP_ROWS]) {
      const feeds = warmUpFeeds(signature, axis, rows);
      if (feeds === null) continue;
      const inputs = new Map(feeds.map(({ name, type, dims, pieces }) => [name, { type, dims, data: pieces[0]! }]));
      const request = { inputs, outputs: null, rows, deadlineMs: 0, priority: 0, signal: null };
      const calls = Math.max(1, Math.floor(MOST_MICROS / 4 / this.twin.microsOf(rows)));
      for (let turn = 0; turn < WARM_UP_TURNS; turn++) {
        for (let i = 0; i < calls; i++) this.score(request, null);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }
}

// Callers may give the bytes of a tensor as any view.
function feedOf({ type, dims, data }: LiveTensor): TensorValue {
  if (!ArrayBuffer.isView(data)) return { type, dims, data };
  const { buffer, byteOffset, byteLength } = data;
  const size = elementBytes(type);
  const view = data as Float32Array;
  if (view.BYTES_PER_ELEMENT === size && view.length === countOf(dims)) return { type, dims, data: view };
  const isAligned = byteOffset % size === 0;
  const own = isAligned ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
  return { type, dims, data: elementView(type, own, isAligned ? byteOffset : 0, byteLength / size) };
}
