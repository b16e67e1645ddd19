import type { ElementArray } from '../../model/elements/elements.ts';
import type { PredictionColumn } from './fetch-columns.ts';

/**
 * Columns whose place i is of row `order[i]`, as columns by row; rows that no place is of hold zeros or no text. Owns: the caller;
 * those given are let go.
 */
export function inRowOrder(columns: readonly PredictionColumn[], order: Int32Array, rows: number): PredictionColumn[] {
  return columns.map((column): PredictionColumn => {
    if (column.kind === 'text') {
      const data = new Array<string | null>(rows).fill(null);
      order.forEach((row, place) => {
        data[row] = column.data[place] ?? null;
      });
      return { ...column, data };
    }
    if (column.kind === 'ragged') {
      const [starts, sizes] = [new Float64Array(rows), new Int32Array(rows)];
      order.forEach((row, place) => {
        starts[row] = column.starts[place]!;
        sizes[row] = column.sizes[place]!;
      });
      return { ...column, starts, sizes };
    }
    return { ...column, data: movedRows(column.data, column.width, order) };
  });
}

// As bytes: a BigInt per value would cost more than the move.
function movedRows(data: ElementArray, width: number, order: Int32Array): ElementArray {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const moved = new Uint8Array(data.byteLength);
  const size = width * data.BYTES_PER_ELEMENT;
  order.forEach((row, place) => {
    for (let i = 0; i < size; i++) moved[row * size + i] = bytes[place * size + i]!;
  });
  return viewLike(data, moved.buffer);
}

function viewLike(data: ElementArray, buffer: ArrayBuffer): ElementArray {
  return new (data.constructor as new (buffer: ArrayBuffer) => ElementArray)(buffer);
}
