import type { Binding, BoundInput } from '../../base/contract/binding.ts';
import { elementBytes } from '../../model/elements/elements.ts';

/** Where the feeds of a slab lie in its shared buffer. A slab is a run of rows that the ORT thread cuts into batches. */
export interface SlabLayout {
  /** Rows at most; a multiple of the batch. */
  readonly rows: number;
  /** Size of the shared buffer. */
  readonly bytes: number;
  /** Same order as `binding.inputs`; null for constants and masks, which take no room. */
  readonly inputs: readonly (SlabInput | null)[];
  /** Bytes to each of `binding.lengths`, whose steps lie there row by row as 32-bit integers; left out where there are none. */
  readonly lengths?: readonly number[];
}

export interface SlabInput {
  /** Bytes from the start of the buffer, a multiple of 64. */
  readonly offset: number;
  /** Elements per row; of a sequence those of a row of usual length, as its rows lie one behind another. */
  readonly width: number;
  /** Elements that there is room for. */
  readonly elements: number;
}

const ALIGN = 64;
// 16,384 rows and more a message: one message per batch of 4,096 cost 10 % of the heavy case (prototype).
const TARGET_ROWS = 16_384;
const TARGET_BYTES = 16 * 1024 * 1024;
/** Where batches are smaller than usual. */
const FEW_ROWS = 2048;
const FEW_BATCHES = 8;
/** Of long lists that a model gives: they are in memory for the rows of a slab. */
const LIST_BYTES = 64 * 1024 * 1024;

/** Steps of a row by which batches are sized where lists have any length: longer rows make smaller batches. */
export const USUAL_STEPS = 128;

/** Steps of a row of usual length. */
export function usualSteps(binding: Binding, length: number): number {
  return Math.min(USUAL_STEPS, binding.lengths?.[length]?.maxLength ?? USUAL_STEPS);
}

/** Elements per row of an input. */
function inputWidth(input: BoundInput, binding: Binding): number {
  if (input.kind === 'columns') return input.columns.length;
  if (input.kind === 'sequence') return usualSteps(binding, input.length) * input.step;
  return input.kind === 'list' ? input.width : 0;
}

/** Bytes of one row of feeds; with lists of any length those of a row of usual length. */
export function rowBytes(binding: Binding): number {
  return binding.inputs.reduce((sum, input) => sum + inputWidth(input, binding) * elementBytes(input.type), 0);
}

/**
 * The layout of a slab: 16,384 rows, 16 MiB, or 64 MiB of long lists, whichever is least, and never less than one batch. Where batches are smaller
 * than usual, rows are slow: fewer of them, so that two threads share a table of some thousand rows.
 */
export function slabLayout(binding: Binding, batchRows: number): SlabLayout {
  const perRow = Math.max(1, rowBytes(binding));
  const listBytes = binding.outputs.reduce((sum, o) => sum + (o.elements ?? 0) * elementBytes(o.tensorType), 0);
  const wanted = Math.min(
    TARGET_ROWS,
    Math.floor(TARGET_BYTES / perRow),
    Math.floor(LIST_BYTES / Math.max(1, listBytes)),
    batchRows < autoBatchRows(perRow) ? Math.max(FEW_ROWS, FEW_BATCHES * batchRows) : TARGET_ROWS,
  );
  return exactLayout(binding, Math.max(1, Math.floor(wanted / batchRows)) * batchRows);
}

/**
 * The layout of a buffer that holds so many rows. `steps`: how many all rows together have of each length; by default as many rows of
 * usual length, or one of the greatest.
 */
export function exactLayout(binding: Binding, rows: number, steps?: readonly number[]): SlabLayout {
  let offset = 0;
  const place = (bytes: number): number => {
    const at = offset;
    offset += Math.ceil(bytes / ALIGN) * ALIGN;
    return at;
  };
  const stepsOf = (length: number): number =>
    steps?.[length] ?? Math.max(rows * usualSteps(binding, length), binding.lengths?.[length]?.maxLength ?? 0);
  const inputs = binding.inputs.map((input) => {
    const width = inputWidth(input, binding);
    if (width === 0) return null;
    const elements = input.kind === 'sequence' ? stepsOf(input.length) * input.step : rows * width;
    return { offset: place(elements * elementBytes(input.type)), width, elements };
  });
  const lengths = binding.lengths?.map(() => place(rows * Int32Array.BYTES_PER_ELEMENT));
  return { rows, bytes: Math.max(ALIGN, offset), inputs, ...(lengths === undefined ? {} : { lengths }) };
}

/** The lengths of the rows in a buffer, for each of `binding.lengths`. Owns: nothing, views. */
export function lengthViews({ lengths = [], rows }: SlabLayout, buffer: ArrayBufferLike): Int32Array[] {
  return lengths.map((offset) => new Int32Array(buffer, offset, rows));
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
