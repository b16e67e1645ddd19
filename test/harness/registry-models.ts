import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoreResolver } from '../../src/base/contract/object-store.ts';
import type { RegistryWriter, VersionRecord } from '../../src/base/contract/registry.ts';
import { openRegistry } from '../../src/cli/wiring/open-registry.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { modelFolder } from './model-files.ts';
import { newVersion } from './registry-files.ts';

/** A registry for tests, whose stores are those of the environment. */
export interface TestRegistry {
  readonly uri: string;
  readonly use: RegistryWriter;
  readonly stores: StoreResolver;
  /** Adds the next version of `sum`: x [N, 3] -> y. Each has bytes of its own, and gives the same predictions. */
  add(): Promise<VersionRecord>;
  label(label: string, version: number | null): Promise<void>;
  close(): Promise<void>;
}

const TEXT_FIELD = 0x32;

/** Errors: none before it is used. */
export function openTestRegistry(uri: string, stores = createStoreResolver({}, { env: process.env })): TestRegistry {
  const use = openRegistry(uri, stores);
  let added = 0;
  return {
    uri,
    use,
    stores,
    add: async () => {
      const graph = readFileSync(join(await modelFolder(), 'sum.onnx'));
      // One more doc_string at the end of the file: the last one counts.
      const text = Buffer.from(`version ${++added}`);
      const bytes = Buffer.concat([graph, Buffer.from([TEXT_FIELD, text.length]), text]);
      const folder = mkdtempSync(join(tmpdir(), 'prescore-version-'));
      mkdirSync(folder, { recursive: true });
      try {
        return (await use.add(newVersion(folder, 'sum', { 'model.onnx': bytes }))).record;
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    label: async (label, version) => {
      await use.move({ name: 'sum', label, version, by: 'test@here', reason: 'a test', evidence: [] });
    },
    close: () => stores.close(),
  };
}
