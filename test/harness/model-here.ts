import { readFileSync } from 'node:fs';
import type { JobModelFile } from '../../src/cli/open-job-scorer.ts';
import type { LiveData, LiveModel, LiveTensor } from '../../src/contract/live-model.ts';
import { inspectModel } from '../../src/model/inspect-model.ts';
import { OnnxSession } from '../../src/model/onnx-session.ts';

/** A live model whose ONNX Runtime runs in the test's own process: real answers, no child and no batching. */
export async function modelHere(model: JobModelFile, maxRows = 4096): Promise<LiveModel> {
  const bytes = new Uint8Array(readFileSync(model.path));
  const { file } = inspectModel(bytes, model.where, model.sha256);
  const session = await OnnxSession.open(bytes, file, { intraOpThreads: 1, device: 'cpu' }, model.where);
  return {
    name: model.name,
    version: model.version,
    sha256: model.sha256,
    signature: session.signature,
    fixedBatch: null,
    maxRows,
    async infer({ inputs, outputs, rows }) {
      const feeds = new Map(
        [...inputs].map(([name, { type, dims, data }]) => [name, { type, dims, data: listOf(data) }]),
      );
      const fetches = outputs ?? session.signature.outputs.map((o) => o.name);
      const fetched = await session.run(feeds, fetches);
      const answers = [...fetched].map(([name, t]): [string, LiveTensor] => [name, { ...t, data: t.data as LiveData }]);
      return { outputs: new Map(answers), failedRows: [], queueMs: 0, computeMs: 0, batchRows: rows };
    },
  };
}

function listOf(data: LiveData): ArrayLike<unknown> {
  return data as ArrayLike<unknown> & LiveData;
}
