import { join } from 'node:path';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { bindingFolder } from '../gpu/ort-place.ts';
import { runtimeText } from './runtime-text.ts';

/** A device with one execution provider; `index` counts GPUs in the order of the PCI bus. */
export interface ExecutionDevice {
  readonly kind: 'cpu' | 'cuda' | 'webgpu';
  readonly index: number;
}

/** What a session is told about its device; the rest of its options is the same everywhere. */
export interface DeviceOptions {
  readonly executionProviders: readonly ({ readonly name: string; readonly deviceId?: number } | string)[];
  readonly extra?: { readonly session: Readonly<Record<string, string>> };
  readonly enableProfiling?: true;
  readonly profileFilePrefix?: string;
}

/** Reads `cpu`, `webgpu`, `cuda`, `cuda:N`. `auto` is the CPU here: whoever starts scorers looks for a GPU first. */
export function parseDevice(text: string): ExecutionDevice {
  const [kind, index = '0'] = text.split(':');
  return { kind: kind === 'cuda' || kind === 'webgpu' ? kind : 'cpu', index: Number(index) };
}

/** `cpu`, `webgpu`, `cuda:0`. */
export function deviceName({ kind, index }: ExecutionDevice): string {
  return kind === 'cuda' ? `cuda:${index}` : kind;
}

/** The name that profiles of ONNX Runtime give the provider of a device. */
export function providerName({ kind }: ExecutionDevice): string {
  return { cpu: 'CPUExecutionProvider', cuda: 'CUDAExecutionProvider', webgpu: 'WebGpuExecutionProvider' }[kind];
}

/**
 * The providers of a session. Of CUDA's options the Node binding (1.30) passes on the device alone, and the provider does not
 * read the session's own entries: no memory limit and no choice of cuDNN algorithms can be given (docs/decisions/gpu.md).
 */
export function providersOf({ kind, index }: ExecutionDevice): DeviceOptions['executionProviders'] {
  if (kind === 'cuda') return [{ name: 'cuda', deviceId: index }, 'cpu'];
  return kind === 'webgpu' ? ['webgpu', 'cpu'] : ['cpu'];
}

/** With this entry ONNX Runtime refuses a session of which a node would run on the CPU. */
export const NO_CPU_NODES = { session: { disable_cpu_ep_fallback: '1' } } as const;

/** Whether a session was refused for `NO_CPU_NODES`. */
export function isCpuNodeRefusal(error: unknown): boolean {
  return /fallback to CPU EP has been explicitly disabled/i.test(runtimeText(error));
}

/** Whether the failure is of the provider and its libraries, before any model was looked at. */
export function isProviderFailure(error: unknown): boolean {
  const text = runtimeText(error);
  return /AppendExecutionProvider|load shared library|WebGPU adapter|WebGpuContext|webgpu_context|Invalid device id|\bCUDA failure\b|CUDA error|CUDNN failure|CUBLAS failure/i.test(
    text,
  );
}

/**
 * Whether a run failed because of the device and not of its rows, such as `CUDA failure 700: an illegal memory access`. A
 * process does not get over most of these: every later run of it would fail too.
 */
export function isDeviceFailure(error: unknown): boolean {
  return /\b(CUDA|CUBLAS|CUDNN|CUDNN_FE|CURAND|CUFFT) failure \d+:|WebGPU device lost/.test(runtimeText(error));
}

/** File of the CUDA provider. */
export function cudaProviderFile(): string {
  return join(bindingFolder(), 'libonnxruntime_providers_cuda.so');
}

/** The error of a device that is not there. `why`: the loader's or the runtime's own words. */
export function unavailable(device: ExecutionDevice, why: string, cause?: unknown): PrescoreError {
  const name = deviceName(device);
  const fix =
    device.kind === 'cuda'
      ? 'prescore gpu status says what is missing, prescore gpu install gets it; or set execution.device: cpu or auto.'
      : 'Install a Vulkan driver for the GPU, or set execution.device: cpu.';
  return new PrescoreError('PROVIDER_UNAVAILABLE', {
    what: `${name} is not available: ${why}`,
    where: 'execution.device',
    expected: name,
    got: 'no session on it',
    fix,
    cause,
  });
}

/**
 * Why the libraries of a device do not load, in the words of the loader: ONNX Runtime only says that they do not. Null when it
 * says something else, or they do load. Loads them into this process.
 */
export function loaderComplaint({ kind }: ExecutionDevice, failure: unknown): string | null {
  if (kind === 'cpu' || isDeviceFailure(failure)) return null;
  const files = kind === 'cuda' ? [cudaProviderFile(), 'libcuda.so.1'] : ['libvulkan.so.1'];
  for (const file of files) {
    try {
      process.dlopen({ exports: {} }, file);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      // It loaded, and is no add-on of Node: as expected.
      if (!/did not self-register/.test(text)) return text.split('\n')[0]!;
    }
  }
  return null;
}
