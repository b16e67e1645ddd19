import type { PublishedEvent } from '../../base/contract/run-events.ts';
import { sayBytes, sayDuration, sayMany } from '../../base/telemetry/progress-line.ts';
import { showPath } from './print-summary.ts';

/** Why nothing was published, by the generation that is served. */
const UNCHANGED: Readonly<Record<string, (generation: number) => string>> = {
  served: (n) => `generation ${n} is served already`,
  older: (n) => `serves generation ${n}, which is newer; nothing was changed (--force serves this one)`,
  expired: (n) =>
    `generation ${n} has expired, and what is committed may not take its place: it is older, or the set was rolled back; no key is found (--force serves it)`,
  pinned: (n) =>
    `was rolled back to generation ${n}, which stays until something newer is committed; nothing was changed (--force serves this one)`,
};

/** One line for people. */
export function sayPublished(event: PublishedEvent): string {
  const where = `set ${event.set} in ${showStore(event.store)}`;
  switch (event.outcome) {
    case 'published': {
      const twins =
        event.duplicates > 0 ? `, ${sayMany(event.duplicates, 'row')} replaced by a later one with the same key` : '';
      const keyless = event.withoutKey > 0 ? `, ${sayMany(event.withoutKey, 'row')} without a key left out` : '';
      return `published ${sayMany(event.rows, 'prediction')} as generation ${event.generation} of ${where}: ${sayMany(event.pages, 'page')}, ${sayBytes(event.bytes)}, ${sayDuration(event.seconds)}${twins}${keyless}`;
    }
    case 'upserted':
      return `wrote ${sayMany(event.rows, 'prediction')} into ${where} in ${sayDuration(event.seconds)}`;
    case 'unchanged':
      return `${where}: ${UNCHANGED[event.why ?? '']?.(event.generation ?? 0) ?? 'nothing was changed'}`;
    case 'handed-over':
      return `${where}: another process is publishing; it will publish this as well when it is done`;
  }
}

function showStore(store: string): string {
  return store.startsWith('lmdb:') ? `lmdb:${showPath(store.slice('lmdb:'.length))}` : store;
}
