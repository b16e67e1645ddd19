import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseDriverVersion } from '../gpu/driver.ts';
import type { ExecutionDevice } from './execution-device.ts';

const PROVIDER = /^(libonnxruntime_providers_\w+|libcu\w+|libnvrtc\S*?|libnvJitLink|libvulkan\S*?|libvk_\w+)\.so/;

/** GPU libraries that this process has loaded, by file name, sorted: their names carry their versions. Empty elsewhere than on Linux. */
export function loadedGpuLibraries(maps = '/proc/self/maps'): readonly string[] {
  const names = new Set<string>();
  for (const line of read(maps).split('\n')) {
    const at = line.indexOf('/');
    const name = at < 0 ? '' : basename(line.slice(at));
    if (PROVIDER.test(name)) names.add(name);
  }
  return [...names].sort();
}

/** Version of the NVIDIA driver: of its kernel module, else of the `libcuda.so.<version>` among the loaded libraries; null without one. */
export function nvidiaDriver(libraries: readonly string[], proc = '/proc'): string | null {
  const module = parseDriverVersion(read(join(proc, 'driver/nvidia/version')));
  const library = libraries.map((name) => /^libcuda\.so\.(\d+\.\d[\d.]*)$/.exec(name)).find((m) => m !== null);
  return module ?? library?.[1] ?? null;
}

/** Name of a GPU, such as `NVIDIA H200`; null where the system does not tell. Devices count along the PCI bus. */
export function gpuName({ kind, index }: ExecutionDevice, env: NodeJS.ProcessEnv, proc = '/proc'): string | null {
  if (kind !== 'cuda') return null;
  const visible = visibleDevices(env);
  const physical = visible === null ? index : Number(visible[index] ?? Number.NaN);
  const buses = list(join(proc, 'driver/nvidia/gpus')).sort();
  const bus = buses[physical];
  if (bus === undefined) return null;
  return /^Model:\s*(.+)$/m.exec(read(join(proc, 'driver/nvidia/gpus', bus, 'information')))?.[1]?.trim() ?? null;
}

/** How many GPUs a process with this environment would see: device files, less what CUDA_VISIBLE_DEVICES hides. Opens none. */
export function countGpus(env: NodeJS.ProcessEnv, dev = '/dev'): number {
  const nodes = list(dev);
  const there = nodes.filter((name) => /^nvidia\d+$/.test(name)).length || (nodes.includes('dxg') ? 1 : 0);
  const visible = visibleDevices(env);
  return visible === null ? there : Math.min(there, visible.length);
}

// CUDA ignores what comes after the first entry that names no device.
function visibleDevices(env: NodeJS.ProcessEnv): readonly string[] | null {
  const text = env['CUDA_VISIBLE_DEVICES'];
  if (text === undefined) return null;
  const entries = text.split(',').map((entry) => entry.trim());
  const end = entries.findIndex((entry) => entry === '' || entry.startsWith('-'));
  return end < 0 ? entries : entries.slice(0, end);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
