import type { ExactPolicy } from '../../base/contract/exact.ts';
import type { TensorValue } from '../elements/elements.ts';
import { hasLostBatch } from '../elements/lost-batch.ts';
import type { ModelSession } from '../elements/model-session.ts';
import { openInputs, runUnder } from './policy-session.ts';
import { copied, gathered, joined, rowsOf } from './tensor-rows.ts';
import type { TrialInput } from './trial-rows.ts';

export type Feeds = ReadonlyMap<string, TensorValue>;

/** A loaded model with rows to try it on. */
export interface ProbeModel {
  readonly session: ModelSession;
  readonly inputs: readonly TrialInput[];
  readonly fetches: readonly string[];
  /** Rows of every batch, where the model fixes them. */
  readonly fixedBatch: number | null;
  /** Told of every batch, as in scoring. */
  readonly onBatch: (isBusy: boolean) => void;
}

/** Rows by their numbers, and batches of them. */
export class RowPool {
  readonly rows: number;
  private readonly feeds: Feeds;
  private readonly model: ProbeModel;
  private readonly batched: ReadonlySet<string>;

  /** `feeds`: every input that has rows, with `rows` of them. */
  constructor(model: ProbeModel, feeds: Feeds, rows: number) {
    this.model = model;
    this.feeds = feeds;
    this.rows = rows;
    this.batched = openInputs(model.session.signature);
  }

  /** The batch of these rows, in this order. */
  batch(order: ArrayLike<number>): Feeds {
    const feeds = new Map<string, TensorValue>();
    for (const input of this.model.inputs) {
      if ('same' in input) feeds.set(input.name, input.same(order.length));
      else feeds.set(input.name, gathered(this.feeds.get(input.name)!, order));
    }
    return feeds;
  }

  /** What the model answers to a batch under a policy. Errors: the runtime's. Owns: good until the next call. */
  run(feeds: Feeds, policy: ExactPolicy): Promise<Feeds> {
    const { session, fetches, onBatch, fixedBatch } = this.model;
    const run = async (one: Feeds): Promise<Feeds> => {
      onBatch(true);
      try {
        return await session.run(one, fetches);
      } finally {
        onBatch(false);
      }
    };
    return fixedBatch === null ? runUnder(policy, this.batched, feeds, run) : run(feeds);
  }
}

/** Answers row by row, to be compared with those of other batches. Outputs that are not as long as the batch are left out. */
export class RowAnswers {
  /** Of the batch. */
  readonly rows: number;
  private readonly outputs: ReadonlyMap<string, TensorValue>;

  /** Copies the outputs of a batch of so many rows. */
  constructor(fetched: Feeds, rows: number) {
    const kept = [...fetched].flatMap(([name, value]) => {
      const known = inRows(value, rows);
      return known === null ? [] : [[name, copied(known)] as const];
    });
    this.rows = rows;
    this.outputs = new Map(kept);
  }

  /** Whether there is anything in them that could differ: one NaN is as good as another. */
  get hasValues(): boolean {
    return [...this.outputs.values()].some(({ type, data }) => {
      const isNothing = type === 'float16' ? isHalfNaN : Number.isNaN;
      for (let i = 0; i < data.length; i++) if (!isNothing(data[i])) return true;
      return false;
    });
  }

  /** Those of several batches one behind another; the first `rows` rows of them. */
  static joined(parts: readonly RowAnswers[], rows: number): RowAnswers {
    const all = joined(parts.map((part) => part.outputs));
    return new RowAnswers(new Map([...all].map(([name, value]) => [name, rowsOf(value, 0, rows)])), rows);
  }

  /** The outputs. Owns: these answers. */
  get tensors(): Feeds {
    return this.outputs;
  }

  /** Whether the same rows have the same answers there. */
  isSameAs(other: RowAnswers): boolean {
    for (let row = 0; row < this.rows; row++)
      if (this.differsAt(other.tensors, this.rows, row, row) !== null) return false;
    return true;
  }

  /** The answer of one row. */
  row(output: string, row: number): TensorValue {
    return rowsOf(this.outputs.get(output)!, row, 1);
  }

  /**
   * The first output in which row `row` of a batch of `rows` got another answer than row `known` here; null where none is. Equal is in every
   * bit; one NaN is as good as another.
   */
  differsAt(fetched: Feeds, rows: number, row: number, known: number): string | null {
    for (const [name, { type, data, dims }] of this.outputs) {
      const isSame = type === 'float16' ? isSameHalf : Object.is;
      const width = data.length / dims[0]!;
      const given = fetched.get(name);
      const other = given === undefined ? null : inRows(given, rows);
      if (other === null || other.data.length !== rows * width) return name;
      for (let i = 0; i < width; i++) if (!isSame(data[known * width + i], other.data[row * width + i])) return name;
    }
    return null;
  }
}

// Half floats are bits here: a NaN has an exponent of ones, and any sign and fraction.
function isSameHalf(a: unknown, b: unknown): boolean {
  return a === b || (isHalfNaN(a) && isHalfNaN(b));
}

function isHalfNaN(bits: unknown): boolean {
  return (Number(bits) & 0x7fff) > 0x7c00;
}

// A row of its own may come without its axis.
function inRows(value: TensorValue, rows: number): TensorValue | null {
  if (value.dims[0] === rows) return value;
  return hasLostBatch(value.dims, rows) ? { ...value, dims: [1, ...value.dims] } : null;
}
