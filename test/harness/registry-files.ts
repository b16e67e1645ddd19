import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Location } from '../../src/base/contract/object-store.ts';
import { type NewVersion, NO_LINEAGE, type RegistryWriter } from '../../src/base/contract/registry.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { digestOfFiles } from '../../src/model/onnx/external-data.ts';
import { openRegistryAt } from '../../src/registry/store/registry.ts';
import { tempFolder } from './temp-job.ts';

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

/** A registry in a folder of this machine, or at a place of a store. */
export function registryIn(place: string | Location): RegistryWriter {
  return openRegistryAt(typeof place === 'string' ? createStoreResolver({}, { env: {} }).at(`${place}/`) : place);
}

/** Adds model files as a version, the first of them the model; gives its number. */
export async function addModel(registry: RegistryWriter, name: string, ...paths: readonly string[]): Promise<number> {
  const files = Object.fromEntries(
    paths.map((path, i): [string, Uint8Array] => [i === 0 ? 'model.onnx' : basename(path), readFileSync(path)]),
  );
  return (await registry.add(newVersion(tempFolder(), name, files))).record.version;
}

export function moveLabel(registry: RegistryWriter, name: string, label: string, version: number | null) {
  return registry.move({ name, label, version, by: 'test@here', reason: 'a test', evidence: [] });
}
