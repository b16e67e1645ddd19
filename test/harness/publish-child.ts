import type { SetState } from '../../src/base/contract/prediction-set.ts';
import { changeState } from '../../src/sets/prediction-set/change-state.ts';
import { metaOf, openPredictionStore } from './prediction-stores.ts';

/** Publishes generations one after the other, each with its number in all pages; the last but one stays. */
const [url, set, generations, buckets] = process.argv.slice(2);
const store = await openPredictionStore(url!);
for (let generation = 1; generation <= Number(generations); generation++) {
  const writer = await store.writer(await store.createMeta(metaOf(set!, generation, { buckets: Number(buckets) })));
  const bytes = Buffer.alloc(300, generation);
  await writer.writePages(
    Array.from({ length: Number(buckets) }, (_, bucket) => ({ bucket, bytes })),
    0,
  );
  await writer.finish();
  await changeState(store, set!, (state): SetState => {
    const pointer = { ...state.pointer, epoch: state.pointer.epoch + 1, generation };
    return { ...state, pointer, nextGeneration: generation + 1 };
  });
  if (generation > 2) await store.dropGeneration(set!, generation - 2, Number(buckets));
}
await store.close();
