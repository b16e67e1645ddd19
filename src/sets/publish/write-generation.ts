import type { GenerationMeta, GenerationWriter, PredictionStore } from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { faultPoint } from '../../base/telemetry/fault-point.ts';
import { checkHead, PAGE } from '../prediction-set/page.ts';
import { buildPages, type RowFlags } from './build-pages.ts';
import type { SetHold } from './hold-set.ts';
import type { RowSpool } from './row-spool.ts';

/** Residues whose pages are on their way at the same time. */
const IN_FLIGHT = 4;
const SAMPLES = 64;

export interface WrittenPages {
  readonly bytes: number;
  readonly duplicates: number;
}

/**
 * Packs and writes all pages of a generation, residue by residue, then reads back their number, their bytes and a sample.
 *
 * Errors: SET_DUPLICATE_KEY where that is asked for, SET_OWNED, PREDICTIONS_LOST when something is missing, those of the store.
 */
export async function writeGeneration(
  meta: GenerationMeta,
  spool: RowSpool,
  flags: RowFlags,
  isDuplicateError: boolean,
  store: PredictionStore,
  hold: SetHold,
  onRows: (share: number) => void,
): Promise<WrittenPages> {
  const writer = await store.writer(meta);
  try {
    const done = await writer.doneResidues();
    const lanes = new Set<Promise<void>>();
    const samples = new Map<number, Uint8Array>();
    const stride = Math.max(1, Math.floor(meta.buckets / SAMPLES));
    let failure: unknown = null;
    let bytes = 0;
    let duplicates = 0;
    for (let residue = 0; residue < spool.residues && failure === null; residue++) {
      const built = buildPages(await spool.take(residue), residue, spool.residues, meta.buckets, flags);
      if (isDuplicateError && built.duplicateKey !== null) throw duplicateKey(built.duplicateKey, meta.set);
      bytes += built.bytes;
      duplicates += built.duplicates;
      for (const page of built.pages)
        if (page.bucket % stride === 0) samples.set(page.bucket, page.bytes.slice(0, PAGE.headBytes));
      onRows((residue + 1) / spool.residues);
      if (done.has(residue)) continue;
      await hold.check();
      const lane: Promise<void> = writer
        .writePages(built.pages, residue)
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => lanes.delete(lane));
      lanes.add(lane);
      if (lanes.size >= IN_FLIGHT) await Promise.race(lanes);
      faultPoint('between-pages');
    }
    await Promise.all(lanes);
    if (failure !== null) throw failure;
    await hold.check();
    await writer.finish();
    await checkWritten(meta, bytes, samples, store);
    return { bytes, duplicates };
  } catch (error) {
    await abandon(writer);
    throw error;
  }
}

// What an attempt leaves is cleaned up if it can be; the error that ended it is the one to tell.
async function abandon(writer: GenerationWriter): Promise<void> {
  await writer.abandon().catch(() => undefined);
}

async function checkWritten(
  meta: GenerationMeta,
  bytes: number,
  samples: ReadonlyMap<number, Uint8Array>,
  store: PredictionStore,
): Promise<void> {
  const where = `${store.url} ${meta.set} generation ${meta.generation}`;
  if ((await store.readMeta(meta.set, meta.generation)) === null) {
    throw new PrescoreError('PREDICTIONS_LOST', { what: 'the meta is missing after it was written', where });
  }
  const count = await store.countPages(meta.set, meta.generation, meta.buckets);
  if (count.pages !== meta.buckets || count.bytes !== bytes) {
    throw new PrescoreError('PREDICTIONS_LOST', {
      what: 'pages are missing or cut after they were written',
      where,
      expected: `${meta.buckets} pages of ${bytes} bytes`,
      got: `${count.pages} pages of ${count.bytes} bytes`,
    });
  }
  const buckets = [...samples.keys()];
  for (let from = 0; from < buckets.length; from += SAMPLES) {
    const asked = buckets.slice(from, from + SAMPLES);
    const pages = await store.readPages(meta.set, meta.generation, asked);
    for (const [i, page] of pages.entries()) {
      // The head holds the CRC of all the rest, which is computed anew.
      const head = samples.get(asked[i]!)!;
      const isWhole = page !== null && checkHead(page, asked[i]!) >= 0;
      if (isWhole && Buffer.compare(page.subarray(0, head.length), head) === 0) continue;
      throw new PrescoreError('PREDICTIONS_LOST', { what: `page ${asked[i]} does not read back as written`, where });
    }
  }
}

function duplicateKey(key: Uint8Array, set: string): PrescoreError {
  const text = new TextDecoder().decode(key.subarray(0, 60));
  return new PrescoreError('SET_DUPLICATE_KEY', {
    what: `two rows have the key ${JSON.stringify(text)}`,
    where: set,
    expected: 'every key once (predictions.onDuplicateKey is error)',
    got: 'it twice',
  });
}
