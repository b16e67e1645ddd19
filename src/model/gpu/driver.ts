import { accessSync, constants, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { names, text } from './quiet-reads.ts';

/** What the system tells of NVIDIA's driver and devices, without loading anything of it. */
export interface DriverFacts {
  /** Version of the kernel module, such as `580.65.06`, else of the driver's library; null when neither tells. */
  readonly version: string | null;
  /** Device nodes that are there, such as `/dev/nvidia0`. */
  readonly nodes: readonly string[];
  /** Those of them that this user may not use. */
  readonly denied: readonly string[];
  /** Names of the GPUs as the kernel module tells them. */
  readonly gpus: readonly string[];
}

/** Drivers older than this do not run CUDA 13. */
export const OLDEST_DRIVER = 580;

/** The driver's library: comes with the driver, never from a package. */
export const DRIVER_LIBRARY = 'libcuda.so.1';

/** Reads /proc and /dev below `root` (the file system's own, but for tests). `library`: where the loader finds the driver's library. */
export function readDriver(library: string | null = null, root = '/'): DriverFacts {
  const dev = join(root, 'dev');
  const nodes = names(dev)
    .filter((name) => /^nvidia(?:\d+|ctl|-uvm)$/.test(name) || name === 'dxg')
    .map((name) => join(dev, name));
  const proc = join(root, 'proc');
  return {
    version: moduleVersion(proc) ?? libraryVersion(library),
    nodes,
    denied: nodes.filter((node) => !isUsable(node)),
    gpus: gpuModels(proc).filter((model) => model !== null),
  };
}

/** Version of the kernel module by /proc (`proc`); null when it is not loaded. */
export function moduleVersion(proc: string): string | null {
  return parseDriverVersion(text(join(proc, 'driver/nvidia/version')));
}

/** What the kernel module calls each GPU, along the PCI bus; null for one that it does not name. */
export function gpuModels(proc: string): readonly (string | null)[] {
  const folder = join(proc, 'driver/nvidia/gpus');
  return names(folder).map(
    (bus) => /^Model:\s*(.+)$/m.exec(text(join(folder, bus, 'information')))?.[1]?.trim() ?? null,
  );
}

/** The version out of /proc/driver/nvidia/version, of the closed and the open module; null when it says none. */
export function parseDriverVersion(text: string): string | null {
  return /^NVRM version:.*?Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s/m.exec(text)?.[1] ?? null;
}

// `libcuda.so.1` is a link to `libcuda.so.580.65.06`. Sandboxes may hide /proc/driver from a process.
function libraryVersion(path: string | null): string | null {
  try {
    return path === null ? null : versionInName(basename(realpathSync(path)));
  } catch {
    return null;
  }
}

/** The driver's version in the name of its library, such as `libcuda.so.580.65.06`; null when there is none. */
export function versionInName(name: string): string | null {
  return /^libcuda\.so\.(\d+\.\d[\d.]*)$/.exec(name)?.[1] ?? null;
}

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
