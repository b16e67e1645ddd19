import type { ByteRange } from '../../base/contract/object-store.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import type { ArrowPlace } from './arrow-fault.ts';

/** Bytes of a range that lies inside the file. Errors: INPUT_TRUNCATED when the source gives fewer; those of the source. */
export async function readExactly(source: ByteSource, range: ByteRange, place: ArrowPlace): Promise<Uint8Array> {
  const bytes = await source.read(range.offset, range.length);
  if (bytes.byteLength !== range.length) {
    throw place.fault('INPUT_TRUNCATED', 'the file is shorter than it was', {
      expected: `${range.length} bytes at ${range.offset}`,
      got: `${bytes.byteLength}`,
    });
  }
  return bytes;
}
