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
const [DATA, DICTIONARY, DATA_V2] = [5, 7, 8];

/**
 * Reads the page header that begins at a byte. One of each page of each column of each row group: written out, without a call for each field.
 * Errors: RangeError when the bytes are none, or end before it does.
 */
export function readPageHeader(bytes: Uint8Array, from = 0): PageHeader {
  const reader = new ThriftReader(bytes, from);
  let [type, compressed, uncompressed, values, levels] = [-1, -1, -1, 0, 0];
  let [encoding, levelEncoding] = [-1, -1];
  let isCompressed = true;
  let crc: number | null = null;
  let rows: number | null = null;
  for (let id = reader.next(0); id !== 0; id = reader.next(id)) {
    const { wire } = reader;
    if (id === 1) type = reader.int(wire);
    else if (id === 2) uncompressed = reader.int(wire);
    else if (id === 3) compressed = reader.int(wire);
    else if (id === 4) crc = reader.int(wire) >>> 0;
    else if (id === DATA || id === DICTIONARY || id === DATA_V2) {
      const isV2 = id === DATA_V2;
      for (let field = reader.next(0); field !== 0; field = reader.next(field)) {
        const inner = reader.wire;
        if (field === 1) values = reader.int(inner);
        else if (field === (isV2 ? 4 : 2)) encoding = reader.int(inner);
        else if (id === DATA && field === 3) levelEncoding = reader.int(inner);
        else if (isV2 && field === 3) rows = reader.int(inner);
        else if (isV2 && (field === 5 || field === 6)) levels += length(reader.int(inner));
        else if (isV2 && field === 7) isCompressed = reader.bool(inner);
        else reader.skip(inner);
      }
    } else reader.skip(wire);
  }
  const kind = KINDS[type];
  if (kind === undefined) throw new RangeError(`page type ${type} is not known`);
  length(compressed);
  length(uncompressed);
  length(values);
  const size = reader.at - from;
  return { kind, size, compressed, uncompressed, crc, values, rows, levels, isCompressed, encoding, levelEncoding };
}

function length(value: number): number {
  if (value >= 0 && value < 2 ** 31) return value;
  throw new RangeError(`a page header gives a length of ${value}`);
}
