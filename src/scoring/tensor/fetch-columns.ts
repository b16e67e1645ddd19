import type { BoundOutput } from '../../base/contract/binding.ts';
import type { TensorType } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type ElementArray, elementBytes, elementView, type TensorValue } from '../../model/elements/elements.ts';
import { fromHalfBits } from '../../model/elements/half.ts';
import { hasLostBatch } from '../../model/elements/lost-batch.ts';
import { topReasons } from './top-reasons.ts';

/** A prediction column of one slab: values of the rows in order, or texts. `width` elements a row (1 unless a list). */
export type PredictionColumn =
  | { readonly kind: 'fixed'; readonly data: ElementArray; readonly width: number; readonly isList: boolean }
  | { readonly kind: 'text'; readonly data: (string | null)[] };

const LISTS: ReadonlySet<BoundOutput['kind']> = new Set(['list', 'reasons', 'contributions']);

/** Called for a row whose prediction cannot be used. */
export type OnBadOutput = (row: number, column: string, message: string) => void;

/**
 * Collects prediction columns of a slab from the fetches of its batches. Shapes are checked against the rows that went in
 * at every batch, because declared output shapes lie. NaN and infinities are reported and written as zero.
 *
 * Errors: MODEL_OUTPUT_SHAPE. Owns: `columns()` hands the arrays over; nothing is kept.
 */
export class FetchColumns {
  private readonly outputs: readonly BoundOutput[];
  private readonly rows: number;
  private readonly built: (PredictionColumn | null)[];

  constructor(outputs: readonly BoundOutput[], rows: number) {
    this.outputs = outputs;
    this.rows = rows;
    this.built = outputs.map((o) =>
      isText(o) ? { kind: 'text', data: new Array<string | null>(rows).fill(null) } : null,
    );
  }

  /** Takes rows [0, count) of the fetches as rows [at, at + count). `batch` is the batch that ran, padding included. */
  add(fetches: ReadonlyMap<string, TensorValue>, at: number, count: number, batch: number, onBad: OnBadOutput): void {
    this.outputs.forEach((output, i) => {
      const tensor = fetches.get(output.tensor);
      if (tensor === undefined) throw shapeError(output, 'the model returned no such tensor', 'a tensor', 'nothing');
      const width = rowWidth(output, tensor, batch);
      if (output.kind === 'reasons' || output.kind === 'contributions')
        this.addReasons(output, i, tensor, width, at, count, onBad);
      else if (output.kind === 'argmax') this.addArgmax(output, i, tensor, width, at, count, onBad);
      else if (tensor.type === 'string') this.addTexts(output, i, tensor, width, at, count);
      else this.addNumbers(output, i, tensor, width, at, count, onBad);
    });
  }

  columns(): PredictionColumn[] {
    return this.outputs.map((output, i) => this.built[i] ?? this.allocate(output, i, storedType(output), 1));
  }

  private allocate(
    output: BoundOutput,
    i: number,
    type: TensorType,
    width: number,
  ): PredictionColumn & { kind: 'fixed' } {
    const known = this.built[i];
    if (known != null && known.kind === 'fixed') {
      if (known.width === width) return known;
      throw shapeError(
        output,
        'the length of a list changed between batches',
        `${known.width} elements`,
        `${width}`,
        'Take one element by index:, or export the model with an output of one length, such as a pooled one.',
      );
    }
    const buffer = new ArrayBuffer(this.rows * width * elementBytes(type));
    const data = elementView(type, buffer, 0, this.rows * width);
    const column = { kind: 'fixed' as const, data, width, isList: LISTS.has(output.kind) };
    this.built[i] = column;
    return column;
  }

  private addNumbers(
    output: BoundOutput,
    i: number,
    tensor: TensorValue,
    width: number,
    at: number,
    count: number,
    onBad: OnBadOutput,
  ): void {
    const kept = output.kind === 'list' ? width : 1;
    const column = this.allocate(output, i, storedType(output), kept);
    const from = output.kind === 'index' ? output.index! : 0;
    const values = tensor.type === 'float16' ? widenHalf(tensor.data as Uint16Array) : (tensor.data as ElementArray);
    copyRows(values, width, from, kept, count, column.data, at);
    if (column.data instanceof Float32Array || column.data instanceof Float64Array) {
      const bad = (row: number, value: number): void => onBad(row, output.column, `model returned ${value}`);
      zeroNotFinite(column.data, at * kept, count, kept, bad);
    }
  }

  private addReasons(
    output: BoundOutput,
    i: number,
    tensor: TensorValue,
    width: number,
    at: number,
    count: number,
    onBad: OnBadOutput,
  ): void {
    const { top } = output;
    if (top === undefined || (top.target + 1) * (top.features + 1) > width)
      throw shapeError(output, 'contributions of other features', `${top?.features}`, `${width}`);
    const column = this.allocate(output, i, storedType(output), top.count);
    const values = tensor.data as Float64Array;
    const places = new Int32Array(top.count);
    for (let row = 0; row < count; row++) {
      const from = row * width + top.target * (top.features + 1);
      topReasons(values, from, top.features, places);
      places.forEach((place, k) => {
        column.data[(at + row) * top.count + k] = output.kind === 'reasons' ? place : values[from + place]!;
      });
    }
    if (column.data instanceof Float64Array)
      zeroNotFinite(column.data, at * top.count, count, top.count, (row, value) =>
        onBad(row, output.column, `model returned ${value}`),
      );
  }

  private addTexts(
    output: BoundOutput,
    i: number,
    tensor: TensorValue,
    width: number,
    at: number,
    count: number,
  ): void {
    const column = this.built[i];
    if (column?.kind !== 'text') throw shapeError(output, 'a text where numbers are expected', output.type, 'text');
    const from = output.kind === 'index' ? output.index! : 0;
    for (let row = 0; row < count; row++) column.data[at + row] = String(tensor.data[row * width + from]);
  }

  private addArgmax(
    output: BoundOutput,
    i: number,
    tensor: TensorValue,
    width: number,
    at: number,
    count: number,
    onBad: OnBadOutput,
  ): void {
    const { labels } = output;
    if (labels !== null && labels.length !== width) {
      throw shapeError(
        output,
        'the number of labels differs from the number of classes',
        `${labels.length}`,
        `${width}`,
      );
    }
    for (let row = 0; row < count; row++) {
      const best = bestIndex(tensor, row, width);
      if (best < 0) onBad(row, output.column, 'model returned NaN');
      const label = labels?.[Math.max(0, best)] ?? Math.max(0, best);
      const column = this.built[i];
      if (column?.kind === 'text') column.data[at + row] = best < 0 ? null : String(label);
      else {
        const numbers = this.allocate(output, i, storedType(output), 1);
        numbers.data[at + row] = numbers.data instanceof BigInt64Array ? BigInt(label) : Number(label);
      }
    }
  }
}

// 64-bit integers go as pairs of words: reading one makes a BigInt, which costs more than the model's share of a row.
function copyRows(
  src: ElementArray,
  width: number,
  from: number,
  kept: number,
  count: number,
  out: ElementArray,
  at: number,
): void {
  if (src instanceof BigInt64Array || src instanceof BigUint64Array) {
    const words = new Int32Array(src.buffer, src.byteOffset, src.length * 2);
    const outWords = new Int32Array(out.buffer, out.byteOffset, out.length * 2);
    copyRows(words, width * 2, from * 2, kept * 2, count, outWords, at);
  } else if (width === kept) {
    (out as Float32Array).set((src as Float32Array).subarray(0, count * width), at * kept);
  } else if (src instanceof Float32Array && out instanceof Float32Array) {
    for (let row = 0; row < count; row++) out[at + row] = src[row * width + from]!;
  } else {
    for (let row = 0; row < count; row++) {
      for (let k = 0; k < kept; k++) out[(at + row) * kept + k] = src[row * width + from + k]!;
    }
  }
}

function zeroNotFinite(
  data: Float32Array | Float64Array,
  start: number,
  count: number,
  kept: number,
  onBad: (row: number, value: number) => void,
): void {
  for (let i = 0; i < count * kept; i++) {
    const value = data[start + i]!;
    if (value - value === 0) continue;
    onBad(Math.floor(i / kept), value);
    data[start + i] = 0;
  }
}

function widenHalf(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, fromHalfBits);
}

function isText(output: BoundOutput): boolean {
  return output.type === 'VARCHAR';
}

/** Element type of a prediction column in memory; DuckDB's column types have the same layout. */
function storedType(output: BoundOutput): TensorType {
  // Places of names: a text a row would cost more than the rest.
  if (output.kind === 'reasons') return 'int32';
  if (output.kind !== 'argmax') return output.tensorType === 'float16' ? 'float32' : output.tensorType;
  if (output.type === 'DOUBLE') return 'float64';
  return output.type === 'BIGINT' ? 'int64' : 'int32';
}

// The first of equal maxima wins, as in numpy.
function bestIndex(tensor: TensorValue, row: number, width: number): number {
  const isHalf = tensor.type === 'float16';
  let best = -1;
  let bestValue: number | bigint = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < width; k++) {
    const raw = tensor.data[row * width + k] as number | bigint;
    const value = isHalf ? fromHalfBits(Number(raw)) : raw;
    if (typeof value === 'number' && Number.isNaN(value)) return -1;
    if (best < 0 || value > bestValue) {
      best = k;
      bestValue = value;
    }
  }
  return best;
}

function rowWidth(output: BoundOutput, tensor: TensorValue, batch: number): number {
  const shape = `[${tensor.dims.join(', ')}]`;
  const size = tensor.dims.reduce((product, d) => product * d, 1);
  if (tensor.dims[0] !== batch && !hasLostBatch(tensor.dims, batch)) {
    throw shapeError(output, 'the first axis of an output is not the batch', `[${batch}, …]`, shape);
  }
  const width = size / batch;
  if (output.kind === 'scalar' && width !== 1) {
    throw shapeError(
      output,
      'an output has several values a row and is not declared as [N, K]',
      `[${batch}] or [${batch}, 1]`,
      shape,
      'Take one by index: or argmax: true; for a list column the model must declare [N, K].',
    );
  }
  if (output.kind === 'index' && output.index! >= width) {
    throw shapeError(output, 'the index is beyond the output', `an index below ${width}`, `${output.index}`);
  }
  return width;
}

function shapeError(output: BoundOutput, what: string, expected: string, got: string, fix?: string): PrescoreError {
  const where = `outputs.${output.column} (tensor ${output.tensor})`;
  return new PrescoreError('MODEL_OUTPUT_SHAPE', {
    what,
    where,
    expected,
    got,
    ...(fix === undefined ? {} : { fix }),
  });
}
