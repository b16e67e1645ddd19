import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { names, text } from './quiet-reads.ts';

/** What the system tells of NVIDIA's driver and devices, without loading anything of it. */
export interface DriverFacts {
  /** Version of the kernel module, such as `580.65.06`; null when it is not loaded. */
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

/** Reads /proc and /dev below `root` (the file system's own, but for tests). */
export function readDriver(root = '/'): DriverFacts {
  const dev = join(root, 'dev');
  const nodes = names(dev)
    .filter((name) => /^nvidia(?:\d+|ctl|-uvm)$/.test(name) || name === 'dxg')
    .map((name) => join(dev, name));
  const proc = join(root, 'proc');
  return {
    version: moduleVersion(proc),
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

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
