import type { Binding, BoundInput } from '../../base/contract/binding.ts';
import { elementBytes } from '../../model/elements/elements.ts';

/** Where the feeds of a slab lie in its shared buffer. A slab is a run of rows that the ORT thread cuts into batches. */
export interface SlabLayout {
  /** Rows at most; a multiple of the batch. */
  readonly rows: number;
  /** Size of the shared buffer. */
  readonly bytes: number;
  /** Same order as `binding.inputs`; null for constants, which take no room. */
  readonly inputs: readonly (SlabInput | null)[];
}

export interface SlabInput {
  /** Bytes from the start of the buffer, a multiple of 64. */
  readonly offset: number;
  /** Elements per row. */
  readonly width: number;
}

const ALIGN = 64;
// 16,384 rows and more a message: one message per batch of 4,096 cost 10 % of the heavy case (prototype).
const TARGET_ROWS = 16_384;
const TARGET_BYTES = 16 * 1024 * 1024;

/** Elements per row of an input. */
export function inputWidth(input: BoundInput): number {
  if (input.kind === 'columns') return input.columns.length;
  return input.kind === 'list' ? input.width : 0;
}

/** Bytes of one row of feeds. */
export function rowBytes(binding: Binding): number {
  return binding.inputs.reduce((sum, input) => sum + inputWidth(input) * elementBytes(input.type), 0);
}

/** The layout of a slab: 16,384 rows or 16 MiB, whichever is less, and never less than one batch. */
export function slabLayout(binding: Binding, batchRows: number): SlabLayout {
  const perRow = Math.max(1, rowBytes(binding));
  const wanted = Math.min(TARGET_ROWS, Math.floor(TARGET_BYTES / perRow));
  return exactLayout(binding, Math.max(1, Math.floor(wanted / batchRows)) * batchRows);
}

/** The layout of a buffer that holds so many rows. */
export function exactLayout(binding: Binding, rows: number): SlabLayout {
  let offset = 0;
  const inputs = binding.inputs.map((input) => {
    const width = inputWidth(input);
    if (width === 0) return null;
    const at = offset;
    offset += Math.ceil((rows * width * elementBytes(input.type)) / ALIGN) * ALIGN;
    return { offset: at, width };
  });
  return { rows, bytes: Math.max(ALIGN, offset), inputs };
}

/** The largest batch worth trying on a GPU: 65,536 rows, halved until its feeds are at most 32 MiB. */
export function mostGpuBatchRows(bytesPerRow: number): number {
  return halvedRows(65_536, bytesPerRow, 32);
}

/** `batchRows: auto` on the CPU: 4,096 rows, halved until a batch of feeds is at most 8 MiB. Depends on nothing but the row's bytes. */
export function autoBatchRows(bytesPerRow: number): number {
  return halvedRows(4096, bytesPerRow, 8);
}

function halvedRows(most: number, bytesPerRow: number, mebibytes: number): number {
  let rows = most;
  while (rows > 1 && rows * bytesPerRow > mebibytes * 1024 * 1024) rows /= 2;
  return rows;
}
