import { existsSync } from 'node:fs';
import type { GrantedDevice } from '../../base/contract/device.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { cudaProviderFile } from '../../model/onnx/execution-device.ts';
import { countGpus } from '../../model/onnx/gpu-facts.ts';

/** The devices of a run on the CPU. */
export const CPU: readonly string[] = ['cpu'];

/** What can be seen of GPUs without opening one. */
export interface FoundGpus {
  readonly gpus: number;
  readonly hasProvider: boolean;
}

/** What a process with this environment sees of GPUs. */
export function findGpus(env: NodeJS.ProcessEnv): FoundGpus {
  return { gpus: countGpus(env), hasProvider: existsSync(cudaProviderFile()) };
}

/**
 * The devices that the scorers of a job take in turn. `cuda` is every GPU that the process can see, at least the first, whose
 * scorer then says what is missing. `auto` is the same where there are a GPU and the provider's file, else the CPU: it never
 * takes WebGPU, of which the runtime does not tell whether a processor only plays the GPU.
 */
export function chooseDevices(asked: string, found: FoundGpus): readonly string[] {
  if (asked === 'auto') return found.gpus > 0 && found.hasProvider ? everyGpu(found.gpus) : CPU;
  if (asked === 'cuda') return everyGpu(found.gpus);
  return asked === 'cpu' ? CPU : [asked];
}

/** Why `auto` leaves a GPU that is there unused; null where none is, or it does not. */
export function sayUnusedGpu(asked: string, found: FoundGpus): string | null {
  if (asked !== 'auto' || found.gpus === 0 || found.hasProvider) return null;
  return 'execution.device: auto takes the CPU: the CUDA provider is not installed (prescore gpu install).';
}

/** Whether a device is not there or cannot run the model, so that `auto` goes on without it. */
export function isUnavailable(error: unknown): error is PrescoreError {
  return isPrescoreError(error) && error.code === 'PROVIDER_UNAVAILABLE';
}

/** Most of the nodes that `auto` leaves to the CPU beside a GPU: rows cross over for each, and trees have no kernels on a GPU. */
const MOST_ON_CPU = 0.25;

/** Whether `auto` takes a device that runs only some nodes of the model. Errors: PROVIDER_UNAVAILABLE when it does not. */
export function refuseMostlyCpu(device: GrantedDevice | undefined): void {
  const what = saySharedModel(device);
  if (what === null) return;
  const { onCpu, all } = countNodes(device?.nodes ?? {});
  if (onCpu > MOST_ON_CPU * all) throw new PrescoreError('PROVIDER_UNAVAILABLE', { what, where: 'execution.device' });
}

/** Says that a part of the model runs on the CPU beside the GPU; null when none does. */
export function saySharedModel(device: GrantedDevice | undefined): string | null {
  if (device?.nodes == null) return null;
  const { onCpu, all } = countNodes(device.nodes);
  return `${onCpu} of ${all} nodes of the model run on the CPU: ${device.device} has no kernels for them.`;
}

function countNodes(nodes: Readonly<Record<string, number>>): { readonly onCpu: number; readonly all: number } {
  const all = Object.values(nodes).reduce((sum, count) => sum + count, 0);
  return { onCpu: nodes['CPUExecutionProvider'] ?? 0, all };
}

function everyGpu(count: number): readonly string[] {
  return Array.from({ length: Math.max(1, count) }, (_, i) => `cuda:${i}`);
}
