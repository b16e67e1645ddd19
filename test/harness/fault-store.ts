import { inject } from 'vitest';
import type { ObjectStore } from '../../src/base/contract/object-store.ts';
import type { RetryEvent, StoreOptions } from '../../src/data/object-store/store-options.ts';
import { FaultProxy } from './fault-proxy.ts';
import { makeBucket, openBucket } from './s3-test-store.ts';

/** Limits small enough that each of them can fire within a test. */
export const QUICK: StoreOptions = {
  connectMs: 1_200,
  idleMs: 1_200,
  attemptMs: 3_000,
  deadlineMs: 10_000,
  baseDelayMs: 5,
  maxDelayMs: 40,
};

/** One bucket seen twice: through a proxy that breaks requests, and directly. */
export interface FaultyStore {
  readonly bucket: string;
  readonly proxy: FaultProxy;
  readonly faulty: ObjectStore;
  readonly direct: ObjectStore;
  /** What the faulty store tried again; cleared by the test. */
  readonly retries: RetryEvent[];
  /** A further opening through the proxy with other limits; closed with the rest. */
  open(options: StoreOptions): ObjectStore;
  close(): Promise<void>;
}

export async function openFaultyStore(label: string): Promise<FaultyStore> {
  const address = inject('s3');
  const bucket = await makeBucket(address, label);
  const proxy = await FaultProxy.start(address.endpoint);
  const through = { ...address, endpoint: proxy.endpoint };
  const retries: RetryEvent[] = [];
  const direct = openBucket(address, bucket);
  const opened = [direct];
  const open = (options: StoreOptions): ObjectStore => {
    const made = openBucket(through, bucket, options);
    opened.push(made);
    return made.store;
  };
  const faulty = open({ ...QUICK, onRetry: (event) => retries.push(event) });
  return {
    bucket,
    proxy,
    faulty,
    direct: direct.store,
    retries,
    open,
    close: async () => {
      for (const { stores } of opened) await stores.close();
      await proxy.close();
    },
  };
}
