import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { ObjectStore } from '../../src/base/contract/object-store.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { makeBucket, openBucket, openUploads } from './s3-test-store.ts';

/** A store that a conformance suite runs on, with a place of its own in it. */
export interface TestStore {
  readonly store: ObjectStore;
  /** Key prefix of the suite, with a trailing slash. */
  readonly root: string;
  /** A second, independent opening of the same store, as another process has it. */
  readonly other: ObjectStore;
  /** How many parts wait below the root. */
  waiting(): Promise<number>;
  close(): Promise<void>;
}

/** The adapters that must all behave alike. */
export const ADAPTERS: readonly { readonly name: 'file' | 's3'; open(label: string): Promise<TestStore> }[] = [
  { name: 'file', open: openFile },
  { name: 's3', open: openS3 },
];

async function openFile(label: string): Promise<TestStore> {
  const folder = await mkdtemp(join(tmpdir(), `prescore-${label}-`));
  const [stores, others] = [createStoreResolver({}, { env: {} }), createStoreResolver({}, { env: {} })];
  const { store, key } = stores.at(`${folder}/`);
  return {
    store,
    root: key,
    other: others.at(folder).store,
    waiting: async () => {
      const all = await Array.fromAsync(store.list(key));
      return all.filter((info) => /\/\.prescore-[^/]+\//.test(info.key)).length;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

async function openS3(label: string): Promise<TestStore> {
  const address = inject('s3');
  const bucket = await makeBucket(address, label);
  const [mine, others] = [openBucket(address, bucket), openBucket(address, bucket)];
  return {
    store: mine.store,
    root: 'root/',
    other: others.store,
    waiting: async () => (await openUploads(address, bucket)).length,
    close: async () => {
      await mine.stores.close();
      await others.stores.close();
    },
  };
}
