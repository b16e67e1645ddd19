import type { LiveTensor } from '../../base/contract/live-model.ts';
import type { Signature } from '../../base/contract/signature.ts';
import type { BatchAxis } from '../../model/elements/batch-axis.ts';
import type { FrameTensor } from '../child/live-frame.ts';
import { sliceData } from '../child/tensor-data.ts';
import type { BatchCut } from './batch-queue.ts';
import type { Ticket } from './ticket.ts';

/** The feeds of one batch: the rows of its requests one after another. Nothing is copied; the requests' tensors are only read. */
export function joinFeeds(
  signature: Signature,
  axis: BatchAxis,
  cuts: readonly BatchCut<Ticket>[],
  rows: number,
): FrameTensor[] {
  return signature.inputs.map(({ name }) => {
    const first = cuts[0]!.entry.request.inputs.get(name)!;
    if (!axis.batched.has(name)) return { name, type: first.type, dims: first.dims, pieces: [first.data] };
    const pieces = cuts.map(({ entry, from, count }) =>
      cutOf(entry.request.inputs.get(name)!, entry.rows, from, count),
    );
    return { name, type: first.type, dims: [rows, ...first.dims.slice(1)], pieces };
  });
}

function cutOf(tensor: LiveTensor, rows: number, from: number, count: number): LiveTensor['data'] {
  if (count === rows) return tensor.data;
  // Any view whose bytes fit is taken, so what is cut is counted in elements of that view.
  const { data } = tensor;
  const elements = ArrayBuffer.isView(data) ? (data as Uint8Array).length : data.length;
  const width = elements / rows;
  return sliceData(data, from * width, (from + count) * width);
}
