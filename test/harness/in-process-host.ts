import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type {
  InferAnswer,
  InferRequest,
  LiveModel,
  LiveTensor,
  ModelHost,
  ModelVersionState,
} from '../../src/base/contract/live-model.ts';
import { PrescoreError } from '../../src/base/errors/prescore-error.ts';
import type { TensorValue } from '../../src/model/elements/elements.ts';
import type { OnnxSession } from '../../src/model/onnx/onnx-session.ts';
import { openModel } from './model-files.ts';

/** A model file under a name and a version. */
export interface HostedFile {
  readonly name: string;
  readonly version: string | null;
  readonly path: string;
}

/**
 * A ModelHost without children, batcher or queue: real ONNX sessions in this process, one request after the other. For tests of
 * what stands before it; `onInfer` sees each request first and may fail it.
 */
export class InProcessHost implements ModelHost {
  readonly requests: InferRequest[] = [];
  onInfer: (request: InferRequest) => Promise<void> | void = () => undefined;
  private readonly files: readonly HostedFile[];
  private readonly open = new Map<HostedFile, Promise<LiveModel>>();
  private readonly ready = new Set<HostedFile>();

  constructor(files: readonly HostedFile[]) {
    this.files = files;
  }

  model(name: string, version: string | null): Promise<LiveModel> {
    const file = this.find(name, version);
    let model = this.open.get(file);
    if (model === undefined) {
      model = this.start(file);
      this.open.set(file, model);
    }
    return model;
  }

  index(): Promise<readonly ModelVersionState[]> {
    return Promise.resolve(
      this.files.map((file) => ({
        name: file.name,
        version: file.version,
        state: this.ready.has(file) ? ('ready' as const) : ('unloaded' as const),
        reason: '',
        failure: null,
        sha256: null,
        labels: [],
      })),
    );
  }

  async load(name: string, version: string | null): Promise<void> {
    await this.model(name, version);
  }

  unload(name: string, version: string | null): Promise<void> {
    const file = this.find(name, version);
    this.open.delete(file);
    this.ready.delete(file);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private find(name: string, version: string | null): HostedFile {
    const file = this.files.findLast((known) => known.name === name && (version ?? known.version) === known.version);
    if (file !== undefined) return file;
    throw new PrescoreError('LIVE_MODEL_UNKNOWN', { what: 'no such model', where: name });
  }

  private async start(file: HostedFile): Promise<LiveModel> {
    const session = await openModel(file.path);
    this.ready.add(file);
    const sha256 = createHash('sha256').update(readFileSync(file.path)).digest('hex');
    const infer = async (request: InferRequest): Promise<InferAnswer> => {
      this.requests.push(request);
      await this.onInfer(request);
      return score(session, request);
    };
    const { name, version } = file;
    return { name, version, sha256, signature: session.signature, fixedBatch: null, maxRows: 4096, infer };
  }
}

async function score(session: OnnxSession, request: InferRequest): Promise<InferAnswer> {
  const feeds = new Map([...request.inputs].map(([name, tensor]) => [name, tensor as TensorValue]));
  const fetched = await session.run(feeds, request.outputs ?? []);
  const outputs = new Map([...fetched].map(([name, value]) => [name, value as LiveTensor]));
  return { outputs, failedRows: [], queueMs: 0.25, computeMs: 1.5, batchRows: request.rows };
}
