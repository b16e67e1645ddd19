import type { ArrowDictionary } from '../arrow/arrow-schema.ts';
import type { DecodedColumn } from './arrow-column.ts';
import type { DecodeContext } from './arrow-decode-context.ts';
import { DictionaryValues } from './arrow-dictionary-values.ts';
import { fixedLayout } from './arrow-fixed.ts';
import type { FieldLayout } from './arrow-layout.ts';
import { isValid, type Validity } from './arrow-validity.ts';

/**
 * A dictionary-encoded column as its values. Numbers are looked up at once; texts stay in the dictionary and are looked
 * up while they are copied, so that a long text that stands in many rows is held once.
 *
 * Errors: INPUT_CORRUPT for an index outside the dictionary, naming the row; those of reading the indices.
 */
export function decodeCodes(
  layout: FieldLayout,
  encoding: ArrowDictionary,
  validity: Validity,
  context: DecodeContext,
): DecodedColumn {
  const { rows } = layout.node;
  const { body, place } = context;
  // Without its dictionary a column may hold nulls only.
  const values = context.dictionary(encoding.id) ?? new DictionaryValues();
  body.reserve(rows * 5, place);
  const bytes = body.buffer(layout.buffers[1] ?? 0, (rows * encoding.bits) / 8, place);
  const read = codeReader(bytes, encoding);
  const codes = new Int32Array(rows);
  const valid = new Uint8Array(Math.ceil(rows / 8));
  let nulls = 0;
  for (let row = 0; row < rows; row++) {
    if (!isValid(validity, row)) {
      nulls++;
      continue;
    }
    const code = read(row);
    if (code < 0 || code >= values.rows) {
      throw place.fault('INPUT_CORRUPT', 'a dictionary index is out of range', {
        row,
        expected: values.rows === 0 ? `a dictionary with id ${encoding.id}` : `0 to ${values.rows - 1}`,
        got: `${code}`,
      });
    }
    codes[row] = code;
    // A dictionary may hold a null of its own.
    if (values.isValid(code)) valid[row >> 3] = (valid[row >> 3] ?? 0) | (1 << (row & 7));
    else nulls++;
  }
  const combined = nulls === 0 ? null : valid;
  const { type } = layout.field;
  if (type.kind === 'null') return { kind: 'null', rows };
  const width = fixedLayout(type)?.width;
  if (width === undefined) return { kind: 'bytes', rows, validity: combined, at: (row) => values.at(codes[row] ?? 0) };
  body.reserve(rows * width, place);
  return lookUp(codes, combined, values, width);
}

function lookUp(codes: Int32Array, validity: Validity, values: DictionaryValues, width: number): DecodedColumn {
  const rows = codes.length;
  const bytes = new Uint8Array(rows * width);
  for (let row = 0; row < rows; row++) {
    if (isValid(validity, row)) bytes.set(values.at(codes[row] ?? 0), row * width);
  }
  return { kind: 'fixed', rows, validity, width, bytes };
}

type CodeReader = (row: number) => number;

function codeReader(bytes: Uint8Array<ArrayBuffer>, { bits, signed }: ArrowDictionary): CodeReader {
  const codes = codeArray(bytes, bits, signed);
  // 64-bit indices beyond 2^53 lose digits here, and are out of every dictionary's range all the same.
  return (row) => Number(codes[row] ?? -1);
}

function codeArray(bytes: Uint8Array<ArrayBuffer>, bits: number, signed: boolean): ArrayLike<number | bigint> {
  const { buffer, byteOffset } = bytes;
  const count = (bytes.byteLength * 8) / bits;
  if (bits === 8) return signed ? new Int8Array(buffer, byteOffset, count) : bytes;
  if (bits === 16)
    return signed ? new Int16Array(buffer, byteOffset, count) : new Uint16Array(buffer, byteOffset, count);
  if (bits === 32)
    return signed ? new Int32Array(buffer, byteOffset, count) : new Uint32Array(buffer, byteOffset, count);
  return signed ? new BigInt64Array(buffer, byteOffset, count) : new BigUint64Array(buffer, byteOffset, count);
}
