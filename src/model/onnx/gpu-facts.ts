import { basename } from 'node:path';
import { gpuModels, moduleVersion, versionInName } from '../gpu/driver.ts';
import { names, text } from '../gpu/quiet-reads.ts';
import type { ExecutionDevice } from './execution-device.ts';

const PROVIDER = /^(libonnxruntime_providers_\w+|libcu\w+|libnvrtc\S*?|libnvJitLink|libvulkan\S*?|libvk_\w+)\.so/;

const PCI = 'PCI_BUS_ID';

/** Paths of the GPU libraries that this process has loaded, sorted by name; empty elsewhere than on Linux. */
export function loadedGpuLibraries(maps = '/proc/self/maps'): readonly string[] {
  const found = new Map<string, string>();
  for (const line of text(maps).split('\n')) {
    const at = line.indexOf('/');
    const path = at < 0 ? '' : line.slice(at);
    if (PROVIDER.test(basename(path))) found.set(basename(path), path);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

/** Version of the NVIDIA driver: of its kernel module, else of the `libcuda.so.<version>` among the loaded libraries; null without one. */
export function nvidiaDriver(libraries: readonly string[], proc = '/proc'): string | null {
  return moduleVersion(proc) ?? libraries.map(versionInName).find((version) => version !== null) ?? null;
}

/** Name of a GPU, such as `NVIDIA H200`; null where the system does not tell, or GPUs are not counted along the PCI bus, as it does. */
export function gpuName({ kind, index }: ExecutionDevice, env: NodeJS.ProcessEnv, proc = '/proc'): string | null {
  if (kind !== 'cuda' || (env['CUDA_DEVICE_ORDER'] ?? PCI) !== PCI) return null;
  const visible = visibleDevices(env);
  const physical = visible === null ? index : Number(visible[index] ?? Number.NaN);
  return gpuModels(proc)[physical] ?? null;
}

/** How many GPUs a process with this environment would see: device files, less what CUDA_VISIBLE_DEVICES hides. Opens none. */
export function countGpus(env: NodeJS.ProcessEnv, dev = '/dev'): number {
  const nodes = names(dev);
  const there = nodes.filter((name) => /^nvidia\d+$/.test(name)).length || (nodes.includes('dxg') ? 1 : 0);
  const visible = visibleDevices(env);
  return visible === null ? there : Math.min(there, visible.length);
}

// CUDA ignores what comes after the first entry that names no device.
function visibleDevices(env: NodeJS.ProcessEnv): readonly string[] | null {
  const listed = env['CUDA_VISIBLE_DEVICES'];
  if (listed === undefined) return null;
  const entries = listed.split(',').map((entry) => entry.trim());
  const end = entries.findIndex((entry) => entry === '' || entry.startsWith('-'));
  return end < 0 ? entries : entries.slice(0, end);
}
