import { dirname } from 'node:path';
import { names } from './quiet-reads.ts';
import { readRuntimeRecord } from './runtime-record.ts';

const INFO = /^(nvidia_.+)-([^-]+)\.dist-info$/;

/**
 * NVIDIA's packages, `nvidia-cublas 13.10.0.20`, of the places where these libraries lie, sorted: the names of the libraries in them tell
 * the major version alone. Those that `prescore gpu install` unpacked, and those of Python installations.
 */
export function packagesOf(libraries: readonly string[], env: NodeJS.ProcessEnv): readonly string[] {
  const record = readRuntimeRecord(env);
  const found = new Set<string>();
  for (const folder of new Set(libraries.map((path) => dirname(path)))) {
    if (record?.unpacked != null && record.folders.includes(folder))
      for (const name of record.packages) found.add(name);
    const site = siteOf(folder);
    for (const name of site === null ? [] : names(site)) {
      const [, distribution, version] = INFO.exec(name) ?? [];
      if (distribution !== undefined) found.add(`${distribution.replaceAll('_', '-')} ${version}`);
    }
  }
  return [...found].sort();
}

/** The site-packages folder that a folder of NVIDIA's libraries lies in; null for any other. */
export function siteOf(folder: string): string | null {
  return /^(.*)\/nvidia\/[^/]+\/lib(?:64)?$/.exec(folder)?.[1] ?? null;
}
