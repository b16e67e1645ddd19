import type { Binding } from '../../base/contract/binding.ts';
import { clearFeeds, type SlabFeeds, slabFeeds } from '../tensor/feature-packer.ts';
import type { SlabLayout } from '../tensor/slab-layout.ts';

/** A buffer of feeds that is packed, scored and used again. */
export interface Slab {
  readonly buffer: SharedArrayBuffer;
  readonly feeds: SlabFeeds;
  /** Position of each row (`positionBase`), as DuckDB's BIGINT: two words a row. */
  readonly positions: Int32Array;
}

/**
 * The bound on feeds in memory: packing waits here until the ONNX Runtime thread has given a slab back. Slabs are lent in
 * order of asking.
 */
export class SlabRing {
  private readonly free: Slab[] = [];
  private readonly waiting: ((slab: Slab) => void)[] = [];

  constructor(binding: Binding, layout: SlabLayout, count: number) {
    for (let i = 0; i < count; i++) {
      const buffer = new SharedArrayBuffer(layout.bytes);
      this.free.push({ buffer, feeds: slabFeeds(binding, layout, buffer), positions: new Int32Array(layout.rows * 2) });
    }
  }

  acquire(): Promise<Slab> {
    const slab = this.free.pop();
    if (slab !== undefined) return Promise.resolve(slab);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  release(slab: Slab): void {
    clearFeeds(slab.feeds);
    const next = this.waiting.shift();
    if (next === undefined) this.free.push(slab);
    else next(slab);
  }
}
