import { ProtoCursor } from '../../base/formats/proto-cursor.ts';
import { NumberList } from './number-list.ts';

/** A tensor attribute as numbers. */
export interface TensorAttribute {
  /** Element type: TensorProto.DataType. */
  readonly type: number;
  readonly data: Float64Array;
}

const FLOAT = 1;
const UINT8 = 2;
const INT32 = 6;
const INT64 = 7;
const DOUBLE = 11;
const SIZES: Readonly<Record<number, number>> = { [FLOAT]: 4, [UINT8]: 1, [INT32]: 4, [INT64]: 8, [DOUBLE]: 8 };

/**
 * Reads a tensor of one of the element types that trees use. Field numbers: TensorProto (data_type 2, float_data 4, int32_data 5,
 * int64_data 7, raw_data 9, double_data 10).
 *
 * Errors: RangeError on bytes that do not parse, and on other element types.
 */
export function readTensor(bytes: Uint8Array): TensorAttribute {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = new NumberList();
  let type = 0;
  const field = new ProtoCursor(bytes);
  while (field.next()) {
    const { number, wire, start, end } = field;
    if (number === 2 && wire === 0) type = field.value;
    else if ((number === 5 || number === 7) && wire === 0) data.push(field.signed);
    else if ((number === 5 || number === 7) && wire === 2) data.pushVarints(bytes, start, end);
    else if (number === 4 && wire === 5) data.push(view.getFloat32(start, true));
    else if (number === 10 && wire === 1) data.push(view.getFloat64(start, true));
    else if (wire === 2 && (number === 4 || number === 9 || number === 10))
      pushElements(data, view, start, end, number === 4 ? FLOAT : number === 10 ? DOUBLE : type);
  }
  return { type, data: data.values() };
}

function pushElements(data: NumberList, view: DataView, start: number, end: number, type: number): void {
  const size = SIZES[type];
  if (size === undefined) throw new RangeError(`tensor of element type ${type}`);
  if ((end - start) % size !== 0) throw new RangeError('tensor data of a broken length');
  for (let at = start; at < end; at += size) data.push(elementAt(view, at, type));
}

function elementAt(view: DataView, at: number, type: number): number {
  if (type === FLOAT) return view.getFloat32(at, true);
  if (type === UINT8) return view.getUint8(at);
  if (type === INT32) return view.getInt32(at, true);
  return type === INT64 ? Number(view.getBigInt64(at, true)) : view.getFloat64(at, true);
}
