import type { TensorType } from '../../base/contract/signature.ts';
import { type ElementArray, elementBytes, elementView } from '../../model/elements/elements.ts';

/** Lists of a slab's rows, each of its own length: row i has `sizes[i]` elements from `data[starts[i]]` on. */
export interface RaggedColumn {
  readonly kind: 'ragged';
  readonly data: ElementArray;
  readonly starts: Float64Array;
  readonly sizes: Int32Array;
}

/**
 * Collects lists whose lengths follow those of their rows: the batches of a slab come with one length each. Rows that never come have empty
 * lists. Owns: `column()` hands the arrays over.
 */
export class RaggedLists {
  readonly type: TensorType;
  private readonly starts: Float64Array;
  private readonly sizes: Int32Array;
  private data: ElementArray;
  private used = 0;

  constructor(type: TensorType, rows: number) {
    this.type = type;
    this.starts = new Float64Array(rows);
    this.sizes = new Int32Array(rows);
    this.data = elementView(type, new ArrayBuffer(0), 0, 0);
  }

  /** Room for rows [at, at + count) of `width` elements each, one behind another: the array, and where they begin in it. Filled by the caller. */
  room(at: number, count: number, width: number): { readonly data: ElementArray; readonly from: number } {
    const from = this.used;
    for (let row = 0; row < count; row++) {
      this.starts[at + row] = from + row * width;
      this.sizes[at + row] = width;
    }
    this.used += count * width;
    if (this.used > this.data.length) this.grow(Math.max(this.used, 2 * this.data.length));
    return { data: this.data, from };
  }

  column(): RaggedColumn {
    return { kind: 'ragged', data: this.data, starts: this.starts, sizes: this.sizes };
  }

  private grow(elements: number): void {
    const larger = elementView(this.type, new ArrayBuffer(elements * elementBytes(this.type)), 0, elements);
    bytesOf(larger).set(bytesOf(this.data));
    this.data = larger;
  }
}

function bytesOf(array: ElementArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
