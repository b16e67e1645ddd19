import { ThriftReader } from './thrift-compact.ts';

/** The header in front of a page, as far as it is checked. */
export interface PageHeader {
  readonly kind: 'data' | 'data-v2' | 'dictionary' | 'index';
  /** Bytes of the header itself. */
  readonly size: number;
  readonly compressed: number;
  readonly uncompressed: number;
  /** CRC-32 of the bytes that follow; null when the writer gave none. */
  readonly crc: number | null;
  readonly values: number;
  /** Of a page of version 2; null otherwise. */
  readonly rows: number | null;
  /** Bytes of levels in front of the compressed values (version 2). */
  readonly levels: number;
  readonly isCompressed: boolean;
  /** Of the values, as Parquet numbers them; -1 where there is none. */
  readonly encoding: number;
  /** Of the definition levels of a data page of version 1; -1 elsewhere. */
  readonly levelEncoding: number;
}

const KINDS = ['data', 'index', 'dictionary', 'data-v2'] as const;
const HEADER_FIELDS: Readonly<Record<number, (typeof KINDS)[number]>> = { 5: 'data', 7: 'dictionary', 8: 'data-v2' };

/** Reads the page header that begins at a byte. Errors: RangeError when the bytes are none, or end before it does. */
export function readPageHeader(bytes: Uint8Array, from = 0): PageHeader {
  const reader = new ThriftReader(bytes, from);
  const found = { type: -1, compressed: -1, uncompressed: -1, values: 0, levels: 0, isCompressed: true };
  let encoding = -1;
  let levelEncoding = -1;
  let crc: number | null = null;
  let rows: number | null = null;
  reader.struct((id, wire) => {
    const kind = HEADER_FIELDS[id];
    if (id === 1) found.type = reader.int(wire);
    else if (id === 2) found.uncompressed = reader.int(wire);
    else if (id === 3) found.compressed = reader.int(wire);
    else if (id === 4) crc = reader.int(wire) >>> 0;
    else if (kind === undefined) reader.skip(wire);
    else {
      reader.struct((field, inner) => {
        if (field === 1) found.values = reader.int(inner);
        else if (field === (kind === 'data-v2' ? 4 : 2)) encoding = reader.int(inner);
        else if (kind === 'data' && field === 3) levelEncoding = reader.int(inner);
        else if (kind === 'data-v2' && field === 3) rows = reader.int(inner);
        else if (kind === 'data-v2' && (field === 5 || field === 6)) found.levels += length(reader.int(inner));
        else if (kind === 'data-v2' && field === 7) found.isCompressed = reader.bool(inner);
        else reader.skip(inner);
      });
    }
  });
  const { type, values, ...rest } = found;
  const kind = KINDS[type];
  if (kind === undefined) throw new RangeError(`page type ${type} is not known`);
  length(rest.compressed);
  length(rest.uncompressed);
  length(values);
  return { kind, size: reader.at - from, crc, rows, values, encoding, levelEncoding, ...rest };
}

function length(value: number): number {
  if (value >= 0 && value < 2 ** 31) return value;
  throw new RangeError(`a page header gives a length of ${value}`);
}
