import type { FailedRow, LiveData, LiveTensor } from '../../base/contract/live-model.ts';
import type { Signature, TensorType } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { BatchAxis } from '../../model/elements/batch-axis.ts';
import { type TensorValue, zeros } from '../../model/elements/elements.ts';
import { hasLostBatch } from '../../model/elements/lost-batch.ts';
import type { ModelSession } from '../../model/elements/model-session.ts';
import { bisectRows } from '../../scoring/thread/bisect-rows.ts';
import { countOf, joinData, sliceData, writeData } from './tensor-data.ts';

export interface BatchScore {
  readonly outputs: ReadonlyMap<string, LiveTensor>;
  readonly failed: readonly FailedRow[];
  readonly executions: number;
}

/**
 * Scores `rows` rows of raw feeds. A short batch of a fixed-batch model is filled with copies of its last row; a batch that
 * fails is bisected down to its guilty rows, whose outputs are zeros.
 *
 * Errors: MODEL_OUTPUT_SHAPE when the first axis of an output is not the batch; MODEL_FAILED. Owns: `feeds` stay the caller's.
 */
export async function scoreBatch(
  session: ModelSession,
  axis: BatchAxis,
  feeds: ReadonlyMap<string, LiveTensor>,
  rows: number,
  fetches: readonly string[],
): Promise<BatchScore> {
  const failed: FailedRow[] = [];
  const collected = new CollectedRows(session.signature, rows);
  const limit = axis.fixedBatch ?? rows;
  let executions = 0;
  const runRows = async (from: number, count: number): Promise<void> => {
    const batch = axis.fixedBatch ?? count;
    const cut = new Map<string, TensorValue>();
    for (const [name, tensor] of feeds) {
      cut.set(name, axis.batched.has(name) ? cutRows(tensor, rows, from, count, batch) : feedOf(tensor));
    }
    executions++;
    const fetched = await session.run(cut, fetches);
    for (const name of fetches) collected.add(name, fetched.get(name), from, count, batch);
  };
  for (let from = 0; from < rows; from += limit) {
    await bisectRows(from, Math.min(limit, rows - from), runRows, (row, message) => failed.push({ row, message }));
  }
  return { outputs: collected.tensors(fetches), failed, executions };
}

// The runtime takes any array-like; what crosses the pipe are typed arrays and texts.
function feedOf({ type, dims, data }: LiveTensor): TensorValue {
  return { type, dims, data: data as readonly string[] };
}

function cutRows(tensor: LiveTensor, rows: number, from: number, count: number, batch: number): TensorValue {
  const width = countOf(tensor.dims.slice(1));
  const dims = [batch, ...tensor.dims.slice(1)];
  if (count === rows && batch === count) return feedOf({ ...tensor, dims });
  const cut = sliceData(tensor.data, from * width, (from + count) * width);
  if (batch === count) return feedOf({ type: tensor.type, dims, data: cut });
  const last = sliceData(tensor.data, (from + count - 1) * width, (from + count) * width);
  const pieces = [cut, ...Array.from({ length: batch - count }, () => last)];
  return feedOf({ type: tensor.type, dims, data: joinData(tensor.type, pieces) });
}

/** The outputs of a batch as its parts come in. Shapes are what the runtime gave, never what the model declares. */
class CollectedRows {
  private readonly signature: Signature;
  private readonly rows: number;
  private readonly built = new Map<string, { type: TensorType; tail: readonly number[]; data: LiveData }>();

  constructor(signature: Signature, rows: number) {
    this.signature = signature;
    this.rows = rows;
  }

  add(name: string, value: TensorValue | undefined, from: number, count: number, batch: number): void {
    const isLost = value !== undefined && hasLostBatch(value.dims, batch);
    if (value === undefined || (value.dims[0] !== batch && !isLost)) {
      const got = value === undefined ? 'nothing' : `[${value.dims.join(', ')}]`;
      const what = `the first axis of output ${name} is not the batch`;
      throw new PrescoreError('MODEL_OUTPUT_SHAPE', { what, expected: `[${batch}, …]`, got });
    }
    const tail = isLost ? value.dims : value.dims.slice(1);
    const width = countOf(tail);
    const data = sliceData(value.data as readonly string[], 0, count * width);
    if (count === this.rows) {
      this.built.set(name, { type: value.type, tail, data });
      return;
    }
    const into = this.built.get(name) ?? { type: value.type, tail, data: zeros(value.type, this.rows * width) };
    this.built.set(name, into);
    if (into.tail.join() !== tail.join()) {
      const what = `the shape of output ${name} depends on the rows`;
      throw new PrescoreError('MODEL_OUTPUT_SHAPE', { what, expected: `[…, ${into.tail}]`, got: `[…, ${tail}]` });
    }
    writeData(into.data, data, from * width);
  }

  tensors(fetches: readonly string[]): Map<string, LiveTensor> {
    const tensors = new Map<string, LiveTensor>();
    for (const name of fetches) {
      const known = this.built.get(name);
      if (known !== undefined) {
        tensors.set(name, { type: known.type, dims: [this.rows, ...known.tail], data: known.data });
        continue;
      }
      // No row could be scored: the declared shape, with one value for what it leaves open.
      const declared = this.signature.outputs.find((o) => o.name === name);
      const type = declared?.type ?? 'float32';
      const dims = [this.rows, ...(declared?.dims ?? []).slice(1).map((d) => d ?? 1)];
      tensors.set(name, { type, dims, data: zeros(type, countOf(dims)) });
    }
    return tensors;
  }
}
