import { toErrorJson, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { writeOptimized } from '../../model/onnx/onnx-session.ts';
import type { BenchReplies, BenchRequest, FromBench, InspectedModel } from './bench-messages.ts';
import { compareModels } from './compare-models.ts';
import { inspectFile } from './inspect-file.ts';

/** Answers a request; what a model does to this process, no other one feels. */
export async function answerBench(request: BenchRequest, send: (message: FromBench) => void): Promise<void> {
  try {
    send({ ok: true, value: await handle(request, (found) => send({ ok: 'so far', found })) });
  } catch (error) {
    send({ ok: false, error: toErrorJson(toPrescoreError(error), true) });
  }
}

async function handle(
  request: BenchRequest,
  soFar: (found: InspectedModel) => void,
): Promise<BenchReplies[keyof BenchReplies]> {
  if (request.kind === 'inspect') return inspectFile(request.model, request.warm, request.batchBytes, soFar);
  if (request.kind === 'compare') return compareModels(request.parent, request.changed, request.rows);
  await writeOptimized(request.model.path, request.level, request.target, request.model.where);
  return null;
}
