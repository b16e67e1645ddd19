import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

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
  const proc = join(root, 'proc/driver/nvidia');
  return {
    version: parseDriverVersion(text(join(proc, 'version'))),
    nodes,
    denied: nodes.filter((node) => !isUsable(node)),
    gpus: names(join(proc, 'gpus')).flatMap(
      (gpu) => /^Model:\s*(.+)$/m.exec(text(join(proc, 'gpus', gpu, 'information')))?.[1] ?? [],
    ),
  };
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

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    // Not there: no driver.
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
