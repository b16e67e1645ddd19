import type { BoundOutput } from '../../base/contract/binding.ts';
import type { TensorType } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type ElementArray, elementBytes, elementView, type TensorValue } from '../../model/elements/elements.ts';
import { fromHalfBits } from '../../model/elements/half.ts';
import { hasLostBatch } from '../../model/elements/lost-batch.ts';
import { copyRows, widenHalf, zeroNotFinite } from './copy-rows.ts';
import { type RaggedColumn, RaggedLists } from './ragged-lists.ts';
import { topReasons } from './top-reasons.ts';

/** A prediction column of one slab: values of the rows in order, lists of their own lengths, or texts. `width` elements a row (1 unless a list). */
export type PredictionColumn =
  | RaggedColumn
  | { readonly kind: 'fixed'; readonly data: ElementArray; readonly width: number; readonly isList: boolean }
  | { readonly kind: 'text'; readonly data: (string | null)[] };

const LISTS: ReadonlySet<BoundOutput['kind']> = new Set(['list', 'reasons', 'contributions']);

/** Called for a row whose prediction cannot be used. */
export type OnBadOutput = (row: number, column: string, message: string) => void;

/** Rows [0, count) of an output's tensor, `width` elements each, which become rows [at, at + count) of its column, the i-th. */
interface TakenRows {
  readonly output: BoundOutput;
  readonly i: number;
  readonly tensor: TensorValue;
  readonly width: number;
  readonly at: number;
  readonly count: number;
  readonly onBad: OnBadOutput;
}

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
  /** By output: lists as long as those of their rows. Null where rows are of one length, or padded to one. */
  private readonly ragged: Map<number, RaggedLists> | null;
  /** Elements of a row by output and the length of the row's own lists. */
  private readonly widths = new Map<string, number>();

  /** `isRagged`: each batch has rows of one length, and the next one those of another. */
  constructor(outputs: readonly BoundOutput[], rows: number, isRagged = false) {
    this.outputs = outputs;
    this.rows = rows;
    this.ragged = isRagged ? new Map() : null;
    this.built = outputs.map((o) =>
      isText(o) ? { kind: 'text', data: new Array<string | null>(rows).fill(null) } : null,
    );
  }

  /**
   * Takes rows [0, count) of the fetches as rows [at, at + count). `batch` is the batch that ran, padding included; `length` is said of rows whose
   * lists have any length: answers of one output are of one length for rows of one length.
   */
  add(
    fetches: ReadonlyMap<string, TensorValue>,
    at: number,
    count: number,
    batch: number,
    onBad: OnBadOutput,
    length = '',
  ): void {
    this.outputs.forEach((output, i) => {
      const tensor = fetches.get(output.tensor);
      if (tensor === undefined) throw shapeError(output, 'the model returned no such tensor', 'a tensor', 'nothing');
      const width = rowWidth(output, tensor, batch);
      const taken = { output, i, tensor, width, at, count, onBad };
      if (output.kind === 'reasons' || output.kind === 'contributions') this.addReasons(taken);
      else if (output.kind === 'argmax') this.addArgmax(taken);
      else if (tensor.type === 'string') this.addTexts(taken);
      else {
        if (output.kind === 'list') this.requireWidth(output, `${i} ${length}`, width);
        this.addNumbers(taken);
      }
    });
  }

  columns(): PredictionColumn[] {
    return this.outputs.map(
      (output, i) => this.ragged?.get(i)?.column() ?? this.built[i] ?? this.allocate(output, i, storedType(output), 1),
    );
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
      throw changedWidth(output, known.width, width);
    }
    const buffer = new ArrayBuffer(this.rows * width * elementBytes(type));
    const data = elementView(type, buffer, 0, this.rows * width);
    const column = { kind: 'fixed' as const, data, width, isList: LISTS.has(output.kind) };
    this.built[i] = column;
    return column;
  }

  private addNumbers({ output, i, tensor, width, at, count, onBad }: TakenRows): void {
    const kept = output.kind === 'list' ? width : 1;
    const { data, from: to } = this.roomFor(output, i, at, count, kept);
    const from = output.kind === 'index' ? output.index! : 0;
    const values = tensor.type === 'float16' ? widenHalf(tensor.data as Uint16Array) : (tensor.data as ElementArray);
    copyRows(values, width, from, kept, count, data, to);
    if (data instanceof Float32Array || data instanceof Float64Array) {
      const bad = (row: number, value: number): void => onBad(row, output.column, `model returned ${value}`);
      zeroNotFinite(data, to, count, kept, bad);
    }
  }

  private requireWidth(output: BoundOutput, key: string, width: number): void {
    if (this.ragged === null) return;
    const known = this.widths.get(key);
    if (known === undefined) this.widths.set(key, width);
    else if (known !== width) throw changedWidth(output, known, width);
  }

  /** Where the values of rows [at, at + count) go. */
  private roomFor(
    output: BoundOutput,
    i: number,
    at: number,
    count: number,
    kept: number,
  ): { readonly data: ElementArray; readonly from: number } {
    const type = storedType(output);
    if (this.ragged === null || output.kind !== 'list')
      return { data: this.allocate(output, i, type, kept).data, from: at * kept };
    const lists = this.ragged.get(i) ?? new RaggedLists(type, this.rows);
    this.ragged.set(i, lists);
    return lists.room(at, count, kept);
  }

  private addReasons({ output, i, tensor, width, at, count, onBad }: TakenRows): void {
    const { top } = output;
    const stride = (top?.features ?? 0) + 1;
    if (top === undefined || width % stride !== 0 || (top.target + 1) * stride > width)
      throw shapeError(output, 'contributions of other features', `${top?.features}`, `${width}`);
    const column = this.allocate(output, i, storedType(output), top.count);
    const values = tensor.data as Float64Array;
    const places = new Int32Array(top.count);
    for (let row = 0; row < count; row++) {
      const from = row * width + top.target * stride;
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

  private addTexts({ output, i, tensor, width, at, count }: TakenRows): void {
    const column = this.built[i];
    if (column?.kind !== 'text') throw shapeError(output, 'a text where numbers are expected', output.type, 'text');
    const from = output.kind === 'index' ? output.index! : 0;
    for (let row = 0; row < count; row++) column.data[at + row] = String(tensor.data[row * width + from]);
  }

  private addArgmax({ output, i, tensor, width, at, count, onBad }: TakenRows): void {
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

function changedWidth(output: BoundOutput, known: number, width: number): PrescoreError {
  const fix = 'Take one element by index:, or export the model with an output of one length, such as a pooled one.';
  return shapeError(output, 'the length of a list changed between batches', `${known} elements`, `${width}`, fix);
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
