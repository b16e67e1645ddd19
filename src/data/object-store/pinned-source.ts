import type { Location } from '../../base/contract/object-store.ts';
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

const SMALL_BYTES = 64 * 1024;

const wholes = new WeakMap<ByteSource, () => Promise<Uint8Array>>();

/** All bytes of a source of `wholeIfSmall`, which has read them anyway; null of one that is not small. */
export async function wholeOf(source: ByteSource): Promise<Uint8Array | null> {
  return (await wholes.get(source)?.()) ?? null;
}

/** The same bytes, read whole by the first read where that is small: one request instead of one for the footer and one for the rows. */
export function wholeIfSmall(source: ByteSource): ByteSource {
  const { size } = source;
  if (size > SMALL_BYTES) return source;
  let bytes: Promise<Uint8Array> | null = null;
  const whole = (): Promise<Uint8Array> => {
    bytes ??= source.read(0, size);
    return bytes;
  };
  const small = {
    size,
    read: async (offset: number, length: number) => (await whole()).subarray(offset, offset + length),
  };
  wholes.set(small, whole);
  return small;
}
