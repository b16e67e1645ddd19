import type { Location } from '../contract/object-store.ts';
import type { ByteSource } from './byte-source.ts';

/** Random access to a pinned object of a store. Errors: those of `ObjectStore.readRange`. */
export function pinnedSource(place: Location, size: number, etag: string): ByteSource {
  return {
    size,
    read: async (offset, length) => {
      const into = new Uint8Array(length);
      await place.store.readRange(place.key, { offset, length }, etag, into);
      return into;
    },
  };
}
