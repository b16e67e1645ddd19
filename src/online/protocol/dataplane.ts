import type { LiveModel, ModelHost, ModelVersionState, VersionPick } from '../../base/contract/live-model.ts';
import type { TensorSignature } from '../../base/contract/signature.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Work } from '../http/work-meter.ts';
import { checkInputs, checkOutputs, hasBatchAxis } from './check-tensors.ts';
import { datatypeOf, newElements, shapeCount } from './datatypes.ts';
import { type ModelStat, ModelStatistics } from './model-statistics.ts';
import { requestFault } from './request-fault.ts';
import type { CallOrigin, InferCall, InferResult, WireTensor } from './wire.ts';

export interface DataplaneOptions {
  readonly host: ModelHost;
  /** Milliseconds that a request has when it names no timeout of its own. */
  readonly deadlineMs: number;
  /** The longest timeout that a request may name; more is cut to it. */
  readonly maxDeadlineMs: number;
  /** Waits for the scorer on behalf of a request: it is no work for the event loop meanwhile. */
  readonly away: <T>(work: Work, task: () => Promise<T>) => Promise<T>;
  /** Told of every request that reached a model, for metrics and logs. */
  readonly observe?: (seen: SeenInference) => void;
}

export interface SeenInference {
  readonly model: string;
  readonly version: string | null;
  readonly face: CallOrigin['face'];
  /** `ok`, or the code of the error. */
  readonly status: string;
  readonly seconds: number;
  /** Null when it failed. */
  readonly result: InferResult | null;
}

/** Metadata of a model in the protocol's words. */
export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  /** -1: any length. */
  readonly shape: readonly number[];
}

/**
 * The one handler behind V1, V2 and gRPC: they only translate. Everything that is refused is refused here, so that all faces
 * refuse the same with the same words.
 */
export class Dataplane {
  private readonly statistics = new Map<string, ModelStatistics>();
  private readonly options: DataplaneOptions;

  constructor(options: DataplaneOptions) {
    this.options = options;
  }

  /** The model, loaded if need be. An empty version is none. Errors: as `ModelHost.model`. */
  model(name: string, version: VersionPick): Promise<LiveModel> {
    return this.options.host.model(name, version === '' ? null : version);
  }

  /**
   * Reads and scores one call. A call that cannot be read counts as one that failed. Rows that the model cannot score fail the whole call: no face of the protocol has a place for them,
   * and zeros would pass for predictions. Zero rows are answered without asking the model.
   *
   * Errors: those of `read`, LIVE_REQUEST, and those of `LiveModel.infer`.
   */
  async infer(model: LiveModel, origin: CallOrigin, read: () => InferCall): Promise<InferResult> {
    const { name, version } = model;
    const seen = (status: string, result: InferResult | null): number => {
      const ms = performance.now() - origin.startedAt;
      this.options.observe?.({ model: name, version, face: origin.face, status, seconds: ms / 1000, result });
      return ms;
    };
    try {
      const result = await this.score(model, read(), origin.work);
      this.statisticsOf(name, version).answered(result, seen('ok', result));
      return result;
    } catch (error) {
      const status = isPrescoreError(error) ? error.code : 'INTERNAL';
      this.statisticsOf(name, version).failed(seen(status, null));
      throw error;
    }
  }

  /** Errors: as `model`. */
  async metadata(name: string, version: VersionPick): Promise<ModelMetadata> {
    const model = await this.model(name, version);
    const known = (await this.options.host.index()).filter((state) => state.name === name && state.version !== null);
    const side = (tensors: readonly TensorSignature[]): TensorMetadata[] =>
      tensors.flatMap((tensor) => {
        if (tensor.type === null) return [];
        const isBatched = hasBatchAxis(tensor, model.fixedBatch);
        const shape = tensor.dims.map((dim, axis) => (dim === null || (axis === 0 && isBatched) ? -1 : dim));
        return [{ name: tensor.name, datatype: datatypeOf(tensor.type), shape }];
      });
    return {
      name: model.name,
      versions: known.map((state) => state.version!),
      platform: 'onnx_onnxv1',
      inputs: side(model.signature.inputs),
      outputs: side(model.signature.outputs),
    };
  }

  /** Whether the version, or without one any version, is loaded and warm. Loads nothing. Errors: LIVE_MODEL_UNKNOWN. */
  async isReady(name: string, version: VersionPick): Promise<boolean> {
    return (await this.states(name, version)).some(({ state }) => state === 'ready');
  }

  /** Versions of one model. Errors: LIVE_MODEL_UNKNOWN. */
  async states(name: string, version: VersionPick): Promise<readonly ModelVersionState[]> {
    const all = await this.options.host.index();
    const states = picked(
      all.filter((state) => state.name === name),
      version === '' ? null : version,
    );
    if (states.length > 0) return states;
    const said = typeof version === 'object' && version !== null ? `label ${version.label}` : `version ${version}`;
    throw new PrescoreError('LIVE_MODEL_UNKNOWN', {
      what: version === null || version === '' ? 'no such model' : 'no such version of the model',
      where: version === null || version === '' ? name : `${name} ${said}`,
    });
  }

  index(): Promise<readonly ModelVersionState[]> {
    return this.options.host.index();
  }

  /** Errors: as `ModelHost.load`. */
  load(name: string, version: string | null): Promise<void> {
    return this.options.host.load(name, version === '' ? null : version);
  }

  /** Errors: LIVE_MODEL_UNKNOWN. */
  unload(name: string, version: string | null): Promise<void> {
    return this.options.host.unload(name, version === '' ? null : version);
  }

  /** Statistics of one model or of all. Errors: LIVE_MODEL_UNKNOWN. */
  async stats(name: string | null, version: VersionPick): Promise<readonly ModelStat[]> {
    const states = name === null || name === '' ? await this.options.host.index() : await this.states(name, version);
    return states.map((state) => this.statisticsOf(state.name, state.version).read(state.name, state.version));
  }

  private async score(model: LiveModel, call: InferCall, work: Work): Promise<InferResult> {
    const { inputs, rows } = checkInputs(model, call.inputs);
    const names = checkOutputs(model, call.outputs);
    const deadlineMs = this.deadlineOf(call);
    if (rows === 0) return { ...EMPTY, model, id: call.id, outputs: emptyOutputs(model, names) };
    const { signal, parameters } = call;
    const answer = await this.options.away(work, () =>
      model.infer({ inputs, outputs: names, rows, deadlineMs, priority: parameters.priority, signal }),
    );
    const failed = answer.failedRows[0];
    if (failed !== undefined) {
      const others = answer.failedRows.length - 1;
      const what = `the model cannot score ${others === 0 ? 'a row' : `${others + 1} rows`}: ${failed.message}`;
      throw requestFault(what, `row ${failed.row}`);
    }
    const outputs = names.map((name): WireTensor => {
      const tensor = answer.outputs.get(name);
      if (tensor === undefined)
        throw new PrescoreError('INTERNAL', { what: `the model gave no output ${name}`, where: model.name });
      return { name, type: tensor.type, shape: tensor.dims, data: tensor.data };
    });
    const { queueMs, computeMs, batchRows } = answer;
    return { model, id: call.id, rows, outputs, queueMs, computeMs, batchRows };
  }

  private deadlineOf({ parameters, transportMs }: InferCall): number {
    const own = parameters.timeoutMicros === null ? this.options.deadlineMs : parameters.timeoutMicros / 1000;
    const left = Math.min(own, this.options.maxDeadlineMs, transportMs ?? Number.POSITIVE_INFINITY);
    if (left > 0) return left;
    throw new PrescoreError('LIVE_DEADLINE', { what: 'the deadline had passed when the request arrived' });
  }

  private statisticsOf(name: string, version: string | null): ModelStatistics {
    const key = JSON.stringify([name, version]);
    let statistics = this.statistics.get(key);
    if (statistics === undefined) {
      statistics = new ModelStatistics();
      this.statistics.set(key, statistics);
    }
    return statistics;
  }
}

// As a host picks.
function picked(states: readonly ModelVersionState[], pick: VersionPick): readonly ModelVersionState[] {
  if (pick === null) return states;
  const exact = typeof pick === 'string' ? states.filter(({ version }) => version === pick) : [];
  if (exact.length > 0) return exact;
  const label = typeof pick === 'string' ? pick : pick.label;
  return states.filter(({ labels }) => labels.includes(label));
}

const EMPTY = { rows: 0, queueMs: 0, computeMs: 0, batchRows: 0 };

// Declared shapes are hints; with no row there is nothing better.
function emptyOutputs(model: LiveModel, names: readonly string[]): readonly WireTensor[] {
  return names.map((name) => {
    const { type, dims } = model.signature.outputs.find((output) => output.name === name)!;
    const shape = [0, ...dims.slice(1).map((dim) => dim ?? 0)];
    return { name, type: type!, shape, data: type === 'string' ? [] : newElements(type!, shapeCount(shape) ?? 0) };
  });
}
