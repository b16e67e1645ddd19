import { dirname } from 'node:path';
import { names } from './quiet-reads.ts';
import { readRuntimeRecord } from './runtime-record.ts';

/** `…/site-packages/nvidia/cu13/lib/libcublas.so.13` lies in the packages of `…/site-packages`. */
const IN_PACKAGES = /^(.+)\/nvidia\/[^/]+\/lib(?:64)?\/[^/]+$/;
const INFO = /^(nvidia_.+)-([^-]+)\.dist-info$/;

/**
 * NVIDIA's packages, `nvidia-cublas 13.10.0.20`, of the places where these libraries lie, sorted: the names of the libraries in them tell
 * the major version alone. Those that `prescore gpu install` unpacked, and those of Python installations.
 */
export function packagesOf(libraries: readonly string[], env: NodeJS.ProcessEnv): readonly string[] {
  const record = readRuntimeRecord(env);
  const found = new Set<string>();
  for (const path of libraries) {
    if (record?.unpacked != null && record.folders.includes(dirname(path)))
      for (const name of record.packages) found.add(name);
    const site = IN_PACKAGES.exec(path)?.[1];
    for (const name of site === undefined ? [] : names(site)) {
      const [, distribution, version] = INFO.exec(name) ?? [];
      if (distribution !== undefined) found.add(`${distribution.replaceAll('_', '-')} ${version}`);
    }
  }
  return [...found].sort();
}
