import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ModelLineage, NewVersion } from '../../src/base/contract/registry.ts';
import { digestOfFiles } from '../../src/model/onnx/external-data.ts';

export const NO_LINEAGE: ModelLineage = {
  trainedAt: null,
  dataset: null,
  params: {},
  metrics: {},
  code: null,
  source: null,
  parent: null,
};

/** Files in a folder as a version to add: the first is the model, the others its weights. The store of a registry does not look into them. */
export function newVersion(
  folder: string,
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  more: Partial<NewVersion> = {},
): NewVersion {
  const all = Object.entries(files).map(([path, content]) => {
    const bytes = Buffer.from(content);
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
    return { path, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  const [main, ...weights] = all;
  const digest = digestOfFiles(
    main!.sha256,
    weights.map(({ path, bytes, sha256 }) => ({ name: path, bytes, sha256 })),
  );
  const base = { name, folder, files: all, modelFiles: all.length, digest, kind: 'onnx' as const };
  return { ...base, signature: null, opset: null, lineage: NO_LINEAGE, by: 'test@here', note: null, ...more };
}
