import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Versions } from '../../base/contract/plan.ts';

const require = createRequire(import.meta.url);

/** Versions of prescore and of the two libraries that decide its bytes, without loading either. */
export function readVersions(): Versions {
  return {
    prescore: packageVersion(),
    duckdb: versionOf(packageJson('@duckdb/node-api')),
    onnxruntime: versionOf(packageJson('onnxruntime-node')),
  };
}

/** Version of prescore itself. */
export function packageVersion(): string {
  // A package may name itself, wherever in it this file lies.
  return versionOf(require.resolve('prescore/package.json'));
}

/** The lines of Node that prescore names. */
export function namedNodes(): string {
  const path = require.resolve('prescore/package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { engines: { node: string } }).engines.node;
}

// Some packages do not export their package.json, so it is found from their main file.
function packageJson(name: string): string {
  let folder = dirname(require.resolve(name));
  for (;;) {
    const path = join(folder, 'package.json');
    try {
      if ((JSON.parse(readFileSync(path, 'utf8')) as { name?: unknown }).name === name) return path;
    } catch {
      // No package.json here: one folder up.
    }
    const up = dirname(folder);
    if (up === folder) return path;
    folder = up;
  }
}

function versionOf(path: string): string {
  return String((JSON.parse(readFileSync(path, 'utf8')) as { version?: unknown }).version);
}
