import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as ort from 'onnxruntime-node';
import type { GrantedDevice } from '../../base/contract/device.ts';
import type { Signature, TensorSignature, TensorType } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { isTensorType, type TensorValue, zeros } from '../elements/elements.ts';
import type { ModelSession } from '../elements/model-session.ts';
import { missingOperator } from './custom-operators.ts';
import { type DeviceOptions, parseDevice } from './execution-device.ts';
import { missingLocale } from './missing-locale.ts';
import type { OnnxFile } from './onnx-file.ts';
import { openOnDevice } from './open-on-device.ts';
import { PrivateFeeds, takesSharedMemory } from './private-feeds.ts';
import { runtimeText } from './runtime-text.ts';

export interface SessionOptions {
  readonly intraOpThreads: number;
  /** `cpu`, `cuda`, `cuda:N` or `webgpu`. */
  readonly device: string;
}

const QUIET = { interOpNumThreads: 1, executionMode: 'sequential', logSeverityLevel: 4 } as const;

keepHalfBitsRaw();
// Sessions are silent, but what concerns no session would still go to stderr, such as each library that does not load.
ort.env.logLevel = 'fatal';

/**
 * The only door to ONNX Runtime. `run` blocks its thread for the whole inference: it must be called in a worker thread
 * of a scorer child, never where anyone waits for the event loop.
 */
export class OnnxSession implements ModelSession {
  readonly signature: Signature;
  /** Where it runs. */
  readonly granted: GrantedDevice;
  private readonly session: ort.InferenceSession;
  /** Where this Node's N-API refuses tensors over shared memory; null where feeds are read as they lie. */
  private readonly copies: PrivateFeeds | null;

  private constructor(
    session: ort.InferenceSession,
    signature: Signature,
    granted: GrantedDevice,
    copies: PrivateFeeds | null,
  ) {
    this.session = session;
    this.signature = signature;
    this.granted = granted;
    this.copies = copies;
  }

  /** Whether feeds that lie in shared memory are copied for every batch. */
  get isCopying(): boolean {
    return this.copies !== null;
  }

  /**
   * `model`: its bytes, or the path of its file. Of a path, weights are read once, and those in files beside it found; of bytes, they are there twice
   * while it loads and as long as it is loaded (measured with onnxruntime 1.30: 2.06 and 1.04 times the file).
   *
   * Errors: MODEL_OPSET, MODEL_LOCALE, MODEL_INVALID, PROVIDER_UNAVAILABLE. Owns: bytes may be dropped afterwards.
   */
  static async open(
    model: Uint8Array | string,
    file: OnnxFile,
    options: SessionOptions,
    where: string,
  ): Promise<OnnxSession> {
    try {
      const create = (on: DeviceOptions): Promise<ort.InferenceSession> => {
        const all = {
          ...QUIET,
          ...on,
          intraOpNumThreads: options.intraOpThreads,
          graphOptimizationLevel: 'all',
        } as const;
        return typeof model === 'string'
          ? ort.InferenceSession.create(model, all)
          : ort.InferenceSession.create(model, all);
      };
      const { session, granted } = await openOnDevice(parseDevice(options.device), { create, tryOut });
      const copies = (await takesSharedMemory(runBytes)) ? null : new PrivateFeeds();
      return new OnnxSession(session, readSignature(session, file), granted, copies);
    } catch (error) {
      throw openError(error, where);
    }
  }

  /**
   * One batch; the next one only when this is done. Throws ONNX Runtime's own errors: the caller bisects. Owns: feeds stay the caller's;
   * what is fetched may lie in them, where the model hands an input through, and is read before they are used again.
   */
  async run(feeds: ReadonlyMap<string, TensorValue>, fetches: readonly string[]): Promise<Map<string, TensorValue>> {
    const tensors: Record<string, ort.Tensor> = Object.create(null) as Record<string, ort.Tensor>;
    const { copies } = this;
    for (const [name, value] of feeds)
      tensors[name] = toTensor(copies === null ? value : { ...value, data: copies.copyOf(name, value.data) });
    const results = await this.session.run(tensors, fetches);
    const values = new Map<string, TensorValue>();
    for (const name of fetches) {
      const tensor = results[name];
      if (tensor === undefined) continue;
      values.set(name, { type: tensor.type as TensorType, dims: tensor.dims, data: rawBits(tensor) });
    }
    return values;
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}

/**
 * Writes the graph of a model's file to `target` as ONNX Runtime changes it at a level: `basic` keeps to the operators of ONNX, `extended` and `all` fuse them
 * into its own, and `all` may lay weights out for the processor that this runs on.
 *
 * Errors: MODEL_INVALID with the runtime's words.
 */
export async function writeOptimized(
  path: string,
  level: 'basic' | 'extended' | 'all',
  target: string,
  where: string,
): Promise<void> {
  try {
    const session = await ort.InferenceSession.create(path, {
      executionProviders: ['cpu'],
      interOpNumThreads: 1,
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
      graphOptimizationLevel: level,
      optimizedModelFilePath: target,
    });
    await session.release();
  } catch (cause) {
    const what = `ONNX Runtime cannot change its graph: ${runtimeText(cause)}`;
    throw new PrescoreError('MODEL_INVALID', { what, where, cause });
  }
}

/** The version of the runtime that is installed, for plans and `doctor`; read without loading its native part. */
export function onnxruntimeVersion(): string {
  const path = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  return String((JSON.parse(readFileSync(path, 'utf8')) as { version?: unknown }).version);
}

/*
 * Where Node has Float16Array (24 and newer), the runtime's JavaScript half wraps the bits of half floats in one, and its
 * native half (1.30) then sees zero bytes ("not enough space: expected 6, got 0"). It looks for Float16Array once, when the
 * first tensor is made: that one is made here while there is none.
 */
function keepHalfBitsRaw(): void {
  const found = Object.getOwnPropertyDescriptor(globalThis, 'Float16Array');
  if (found?.configurable === true) Reflect.deleteProperty(globalThis, 'Float16Array');
  new ort.Tensor('bool', new Uint8Array(1), [1]);
  if (found !== undefined) Object.defineProperty(globalThis, 'Float16Array', found);
}

// Should a later runtime return Float16Array after all: inside prescore half floats are raw bits.
function rawBits(tensor: ort.Tensor): ArrayLike<unknown> {
  const data = tensor.data as ArrayLike<unknown>;
  if (tensor.type !== 'float16' || !ArrayBuffer.isView(data) || data instanceof Uint16Array) return data;
  return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
}

function toTensor(value: TensorValue): ort.Tensor {
  return new ort.Tensor(value.type as 'float32', value.data as Float32Array, value.dims);
}

async function runBytes(model: Uint8Array, x: Uint8Array): Promise<ArrayLike<unknown>> {
  const session = await ort.InferenceSession.create(model, { ...QUIET, intraOpNumThreads: 1 });
  try {
    const { y } = await session.run({ x: new ort.Tensor('uint8', x, [x.length]) });
    return y === undefined ? [] : rawBits(y);
  } finally {
    await session.release();
  }
}

// One row of zeros and empty texts; axes of any length have length one.
async function tryOut(session: ort.InferenceSession): Promise<void> {
  const feeds: Record<string, ort.Tensor> = Object.create(null) as Record<string, ort.Tensor>;
  for (const value of session.inputMetadata) {
    if (!value.isTensor) continue;
    const dims = value.shape.map((d) => (typeof d === 'number' && d >= 0 ? d : 1));
    const count = dims.reduce((product, d) => product * d, 1);
    const type = value.type as TensorType;
    feeds[value.name] = toTensor({ type, dims, data: zeros(type, count) });
  }
  await session.run(feeds);
}

function readSignature(session: ort.InferenceSession, file: OnnxFile): Signature {
  const side = (
    values: readonly ort.InferenceSession.ValueMetadata[],
    other: ReadonlyMap<string, string>,
    shapeless: ReadonlySet<string>,
  ) =>
    values.map((v): TensorSignature => {
      const kind = other.get(v.name);
      if (!v.isTensor || kind !== undefined)
        return { name: v.name, type: null, declared: kind ?? 'non-tensor', dims: [] };
      const type = isTensorType(v.type) ? v.type : null;
      const dims = v.shape.map((d) => (typeof d === 'number' && d >= 0 ? d : null));
      if (dims.length === 0 && shapeless.has(v.name))
        return { name: v.name, type, declared: v.type, dims: [null, null], isShapeless: true };
      return { name: v.name, type, declared: v.type, dims, ...axisNames(v.shape) };
    });
  return {
    inputs: side(session.inputMetadata, file.otherInputs, file.shapelessInputs),
    outputs: side(session.outputMetadata, file.otherOutputs, new Set()),
  };
}

function axisNames(shape: readonly (number | string)[]): Pick<TensorSignature, 'axes'> {
  const axes = shape.map((d, i) => (i > 0 && typeof d === 'string' && d !== '' ? d : null));
  return axes.some((name) => name !== null) ? { axes } : {};
}

function openError(error: unknown, where: string): PrescoreError {
  if (error instanceof PrescoreError) return error;
  const text = runtimeText(error);
  const ir = /IR version: (\d+), max supported IR version: (\d+)/.exec(text);
  if (ir !== null) return versionError('IR version', ir[1]!, ir[2]!, where, error);
  const opset = /Opset (\d+) is under development.*support for domain (\S+) is till opset (\d+)/.exec(text);
  if (opset !== null) return versionError(`opset of ${opset[2]}`, opset[1]!, opset[3]!, where, error);
  const told = missingLocale(text, where, error) ?? missingOperator(text, where, error);
  if (told !== null) return told;
  const code = /IR version|opset/i.test(text) ? 'MODEL_OPSET' : 'MODEL_INVALID';
  return new PrescoreError(code, { what: `ONNX Runtime cannot load it: ${text}`, where, cause: error });
}

function versionError(what: string, got: string, highest: string, where: string, cause: unknown): PrescoreError {
  const expected = `at most ${highest}`;
  return new PrescoreError('MODEL_OPSET', {
    what: `the ${what} of the model is not supported`,
    where,
    expected,
    got,
    cause,
  });
}
