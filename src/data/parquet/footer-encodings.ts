import { REQUIRED } from './footer-fields.ts';
import { checkRequired, requiredBit, type ThriftReader, WIRE } from './thrift-compact.ts';

const BYTE_STREAM_SPLIT = 9;
const MOST_PAGE_TYPE = 3;

/** Reads the encodings of a column chunk; why it cannot be read, or null. Errors: RangeError for one that Parquet does not have. */
export function encodingFault(reader: ThriftReader, wire: number, isFloat: boolean): string | null {
  let isSplit = false;
  const count = reader.listSize(wire, WIRE.i32);
  for (let i = 0; i < count; i++) isSplit = knownEncoding(reader.int(WIRE.i32)) === BYTE_STREAM_SPLIT || isSplit;
  return isSplit && !isFloat ? 'it is encoded as BYTE_STREAM_SPLIT, which is read for floats only' : null;
}

/** Reads what a column chunk says of its pages. Errors: RangeError for a kind or an encoding that Parquet does not have. */
export function checkPages(reader: ThriftReader, wire: number): void {
  const count = reader.listSize(wire, WIRE.struct);
  for (let i = 0; i < count; i++) {
    let seen = 0;
    for (let field = reader.next(0); field !== 0; field = reader.next(field)) {
      const kind = reader.wire;
      seen |= requiredBit(REQUIRED.pages, field, kind);
      if (field === 2 && kind === WIRE.i32) knownEncoding(reader.int(kind));
      else if (field === 1 && kind === WIRE.i32) {
        const type = reader.int(kind);
        if (type < 0 || type > MOST_PAGE_TYPE) throw new RangeError(`page type ${type} is not known`);
      } else reader.skip(kind);
    }
    checkRequired(REQUIRED.pages, seen);
  }
}

/** Reads what a column chunk says of the sizes of its values. Errors: RangeError for a list of anything but numbers. */
export function checkSizes(reader: ThriftReader): void {
  for (let field = reader.next(0); field !== 0; field = reader.next(field)) {
    const kind = reader.wire;
    if ((field === 2 || field === 3) && kind === WIRE.list) {
      const count = reader.listSize(kind, WIRE.i64);
      for (let i = 0; i < count; i++) reader.skip(WIRE.i64);
    } else reader.skip(kind);
  }
}

// DuckDB refuses a footer for it.
function knownEncoding(encoding: number): number {
  if (encoding >= 0 && encoding <= BYTE_STREAM_SPLIT && encoding !== 1) return encoding;
  throw new RangeError(`encoding ${encoding} is not known`);
}
