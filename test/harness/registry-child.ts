import { writeSync } from 'node:fs';
import { join } from 'node:path';
import type { NewVersion } from '../../src/base/contract/registry.ts';
import { isPrescoreError } from '../../src/base/errors/prescore-error.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { openRegistryAt } from '../../src/registry/store/registry.ts';
import { type DeathHow, DyingStore } from './dying-store.ts';
import { newVersion } from './registry-files.ts';

/** What one of many processes does to a registry, and where it dies. */
export interface RegistryTask {
  readonly uri: string;
  readonly name: string;
  /** Of its own, for the files that it adds. */
  readonly folder: string;
  readonly who: string;
  readonly steps: readonly RegistryStep[];
  /** Call of the store, from 1; 0: it lives. */
  readonly dieAt: number;
  readonly how: DeathHow;
}

export type RegistryStep =
  | { readonly kind: 'add'; readonly content: number }
  /** `pick`: which of the versions that are ready, counted from the newest. */
  | { readonly kind: 'move'; readonly label: string; readonly pick: number }
  | { readonly kind: 'remove'; readonly pick: number };

/** What it was told that it has done, a JSON line each. */
export type RegistryAnswer =
  | { readonly did: 'added'; readonly version: number; readonly digest: string; readonly isNew: boolean }
  | { readonly did: 'moved'; readonly n: number; readonly label: string; readonly version: number }
  | { readonly did: 'removed'; readonly version: number }
  | { readonly did: 'refused'; readonly code: string };

/** One of a few models; every third has weights. */
export function modelOf(folder: string, name: string, content: number, by: string): NewVersion {
  const files = { 'model.onnx': `model ${content}`, ...(content % 3 === 0 ? { 'weights.bin': `w ${content}` } : {}) };
  return newVersion(join(folder, `content-${content}`), name, files, { by });
}

async function work({ uri, name, folder, who, steps, dieAt, how }: RegistryTask): Promise<void> {
  const stores = createStoreResolver({}, { env: process.env });
  const { store, key } = stores.at(uri);
  const registry = openRegistryAt({ store: new DyingStore(store, dieAt, how), key, uri });
  for (const step of steps) {
    try {
      say(await take(step));
    } catch (error) {
      if (!isPrescoreError(error)) throw error;
      say({ did: 'refused', code: error.code });
    }
  }
  await stores.close();

  async function take(step: RegistryStep): Promise<RegistryAnswer> {
    if (step.kind === 'add') {
      const { record, isNew } = await registry.add(modelOf(folder, name, step.content, who));
      return { did: 'added', version: record.version, digest: record.digest, isNew };
    }
    const ready = (await registry.versions(name)).filter(({ state }) => state === 'ready');
    const version = ready[step.pick % Math.max(1, ready.length)]?.version ?? 1;
    if (step.kind === 'remove') {
      await registry.remove(name, version, who, 'a test');
      return { did: 'removed', version };
    }
    const { label } = step;
    const { n } = await registry.move({ name, label, version, by: who, reason: 'a test', evidence: [] });
    return { did: 'moved', n, label, version };
  }
}

function say(answer: RegistryAnswer): void {
  writeSync(1, `${JSON.stringify(answer)}\n`);
}

const [task] = process.argv.slice(2);
if (task !== undefined && process.argv[1]?.endsWith('registry-child.ts')) await work(JSON.parse(task) as RegistryTask);
