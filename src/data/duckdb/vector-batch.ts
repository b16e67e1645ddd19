import type { DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { noteViewed } from '../../base/heap/native-memory.ts';

/** The memory of a vector whose rows are lists: `offset` and `length` of row i count elements of `child`. */
export interface ListParts {
  /** Four 32-bit words a row: offset low, offset high, length low, length high. */
  readonly entries: Uint32Array;
  readonly child: VectorView;
}

/**
 * Raw access to one vector of DuckDB: typed arrays over its own memory, no copies, no JS value per row. Values of null
 * rows are garbage. Owns: DuckDB; the arrays must not be used after the batch.
 */
export class VectorView {
  readonly rows: number;
  private readonly vector: duckdb.Vector;

  constructor(vector: duckdb.Vector, rows: number) {
    this.vector = vector;
    this.rows = rows;
  }

  /** Bit i (low bit first) is 1 where row i is valid; null when every row is. */
  validity(): Uint8Array | null {
    return duckdb.vector_get_validity(this.vector, Math.ceil(this.rows / 64) * 8) ?? null;
  }

  /** The bytes of fixed-width values, little-endian. */
  bytes(width: number): Uint8Array {
    noteViewed(this.rows * width);
    return duckdb.vector_get_data(this.vector, this.rows * width);
  }

  f32(): Float32Array {
    const b = this.bytes(4);
    return new Float32Array(b.buffer, b.byteOffset, this.rows);
  }

  f64(): Float64Array {
    const b = this.bytes(8);
    return new Float64Array(b.buffer, b.byteOffset, this.rows);
  }

  i32(): Int32Array {
    const b = this.bytes(4);
    return new Int32Array(b.buffer, b.byteOffset, this.rows);
  }

  /** Two words a row, low word first: 64-bit integers without a BigInt each. */
  words64(): Int32Array {
    const b = this.bytes(8);
    return new Int32Array(b.buffer, b.byteOffset, this.rows * 2);
  }

  /**
   * Four words a row of DuckDB's string_t: length, then either 12 bytes of text (length <= 12) or a 4-byte prefix and
   * a pointer, which stays valid and unique while the batch lives.
   */
  stringWords(): Uint32Array {
    const b = this.bytes(16);
    return new Uint32Array(b.buffer, b.byteOffset, this.rows * 4);
  }

  /** Offsets and lengths of a LIST vector, and its elements. */
  list(): ListParts {
    const b = this.bytes(16);
    const entries = new Uint32Array(b.buffer, b.byteOffset, this.rows * 4);
    const child = new VectorView(duckdb.list_vector_get_child(this.vector), duckdb.list_vector_get_size(this.vector));
    return { entries, child };
  }
}

/** At most 2,048 rows of a streamed result. */
export class VectorBatch {
  readonly rows: number;
  private readonly chunk: DuckDBDataChunk;

  constructor(chunk: DuckDBDataChunk) {
    this.chunk = chunk;
    this.rows = chunk.rowCount;
  }

  column(index: number): VectorView {
    return new VectorView(duckdb.data_chunk_get_vector(this.chunk.chunk, index), this.rows);
  }

  /** One text; null where the row is null. Slow (about 2 us): for distinct values only. */
  text(index: number, row: number): string | null {
    const value = this.chunk.getColumnVector(index).getItem(row);
    return value === null ? null : String(value);
  }
}
