import type { InferAnswer, LiveTensor } from '../../base/contract/live-model.ts';
import type { Signature } from '../../base/contract/signature.ts';
import { zeros } from '../../model/elements/elements.ts';

/** The answer to a request without rows: the outputs that it asks for (null: all), of no rows. */
export function emptyAnswer(signature: Signature, fetches: readonly string[] | null): InferAnswer {
  const outputs = new Map<string, LiveTensor>();
  for (const { name, type, dims } of signature.outputs) {
    if (type === null || (fetches !== null && !fetches.includes(name))) continue;
    outputs.set(name, { type, dims: [0, ...dims.slice(1).map((d) => d ?? 0)], data: zeros(type, 0) });
  }
  return { outputs, failedRows: [], queueMs: 0, computeMs: 0, batchRows: 0 };
}
