import { type ProtoField, protoFields, protoText } from '../../base/formats/protobuf.ts';

/** A node of an ONNX graph with its attributes. Field numbers: onnx/onnx.proto (NodeProto, AttributeProto, TensorProto). */
export interface OnnxNode {
  readonly operator: string;
  /** Empty for ai.onnx. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** An attribute's values, whichever it has. Integers beyond 2^53 are rounded. */
export interface OnnxAttribute {
  readonly text: string;
  readonly integer: number;
  readonly floats: Float64Array;
  readonly integers: Float64Array;
  readonly texts: readonly string[];
  /** Element type (TensorProto.DataType) and elements of a tensor; null where it is none, or of a type that trees do not use. */
  readonly tensor: { readonly type: number; readonly data: Float64Array } | null;
}

/** Errors: RangeError on bytes that do not parse. Owns: nothing is kept of `bytes`. */
export function readOnnxNode(bytes: Uint8Array): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, OnnxAttribute>();
  let operator = '';
  let domain = '';
  for (const field of protoFields(bytes)) {
    if (field.number === 1) inputs.push(protoText(field.bytes));
    if (field.number === 2) outputs.push(protoText(field.bytes));
    if (field.number === 4) operator = protoText(field.bytes);
    if (field.number === 7) domain = protoText(field.bytes);
    if (field.number === 5 && field.bytes !== null) {
      const { name, ...attribute } = readAttribute(field.bytes);
      attributes.set(name, attribute);
    }
  }
  return { operator, domain: domain === 'ai.onnx' ? '' : domain, inputs, outputs, attributes };
}

function readAttribute(bytes: Uint8Array): OnnxAttribute & { name: string } {
  const floats = new Numbers();
  const integers = new Numbers();
  const texts: string[] = [];
  let name = '';
  let text = '';
  let integer = 0;
  let tensor: OnnxAttribute['tensor'] = null;
  // Attributes of trees have a value per node: they are walked without an object each.
  const lists = scanLists(bytes, { 7: floats, 8: integers });
  for (const part of lists) {
    if (part.number === 1) name = protoText(part.bytes);
    if (part.number === 3 && part.varint !== null) integer = part.varint;
    if (part.number === 4) text = protoText(part.bytes);
    if (part.number === 5 && part.bytes !== null) tensor = readTensor(part.bytes);
    if (part.number === 9) texts.push(protoText(part.bytes));
  }
  return { name, text, integer, floats: floats.values(), integers: integers.values(), texts, tensor };
}

/** Numbers of a list that grows. */
class Numbers {
  private data = new Float64Array(16);
  private length = 0;

  push(value: number): void {
    if (this.length === this.data.length) {
      const larger = new Float64Array(2 * this.length);
      larger.set(this.data);
      this.data = larger;
    }
    this.data[this.length++] = value;
  }

  values(): Float64Array {
    return this.data.subarray(0, this.length);
  }
}

// Field 7 holds floats, field 8 integers, each packed or one by one; all other fields are given back.
function scanLists(bytes: Uint8Array, lists: Readonly<Record<7 | 8, Numbers>>): ProtoField[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const others: ProtoField[] = [];
  let rest = 0;
  let at = 0;
  const flush = (end: number): void => {
    if (end > rest) for (const field of protoFields(bytes.subarray(rest, end))) others.push(field);
  };
  while (at < bytes.length) {
    const tag = bytes[at]!;
    if (tag === 0x3d) {
      flush(at);
      if (at + 5 > bytes.length) throw new RangeError('message ends inside a number');
      lists[7].push(view.getFloat32(at + 1, true));
      at += 5;
      rest = at;
    } else if (tag === 0x40) {
      flush(at);
      at = readInteger(bytes, at + 1, lists[8]);
      rest = at;
    } else if (tag === 0x3a || tag === 0x42) {
      flush(at);
      const { start, end } = lengthOf(bytes, at + 1);
      if (tag === 0x3a && (end - start) % 4 !== 0) throw new RangeError('floats of a broken length');
      if (tag === 0x3a) for (let i = start; i < end; i += 4) lists[7].push(view.getFloat32(i, true));
      else for (let i = start; i < end; ) i = readInteger(bytes, i, lists[8]);
      at = end;
      rest = at;
    } else {
      at = endOfField(bytes, at);
    }
  }
  flush(at);
  return others;
}

function readInteger(bytes: Uint8Array, from: number, into: Numbers): number {
  let value = 0n;
  let small = 0;
  let at = from;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at++];
    if (byte === undefined) throw new RangeError('message ends inside a number');
    if (i < 4) small += (byte & 0x7f) << (7 * i);
    else value += BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) {
      into.push(i < 4 ? small : Number(BigInt.asIntN(64, value + BigInt(small))));
      return at;
    }
  }
  throw new RangeError('number of more than ten bytes');
}

function lengthOf(bytes: Uint8Array, from: number): { start: number; end: number } {
  const length = new Numbers();
  const start = readInteger(bytes, from, length);
  const end = start + length.values()[0]!;
  if (end > bytes.length || end < start) throw new RangeError('value is longer than its message');
  return { start, end };
}

// The field's own parser says what is wrong with it; here only its end is looked for.
function endOfField(bytes: Uint8Array, at: number): number {
  const tag = new Numbers();
  const start = readInteger(bytes, at, tag);
  const wire = tag.values()[0]! % 8;
  if (wire === 0) return readInteger(bytes, start, tag);
  if (wire === 2) return lengthOf(bytes, start).end;
  if (wire === 1 || wire === 5) return start + (wire === 1 ? 8 : 4);
  throw new RangeError(`wire type ${wire}`);
}

const FLOAT = 1;
const UINT8 = 2;
const INT32 = 6;
const INT64 = 7;
const DOUBLE = 11;

// TensorProto: data_type 2, float_data 4, int32_data 5, int64_data 7, raw_data 9, double_data 10.
function readTensor(bytes: Uint8Array): OnnxAttribute['tensor'] {
  let type = 0;
  const data = new Numbers();
  for (const field of protoFields(bytes)) {
    if (field.number === 2 && field.varint !== null) type = field.varint;
    if (field.bytes === null) {
      if (field.number === 5 && field.varint !== null) data.push(field.varint);
      continue;
    }
    const part = new DataView(field.bytes.buffer, field.bytes.byteOffset, field.bytes.byteLength);
    const size = field.number === 4 || (field.number === 9 && (type === FLOAT || type === INT32)) ? 4 : 8;
    if (field.number === 9 && type === UINT8) for (const byte of field.bytes) data.push(byte);
    else if (field.number === 5 || field.number === 7)
      for (let i = 0; i < field.bytes.length; ) i = readInteger(field.bytes, i, data);
    else if (field.number === 4 || field.number === 10 || field.number === 9) {
      if (part.byteLength % size !== 0) throw new RangeError('tensor data of a broken length');
      for (let i = 0; i < part.byteLength; i += size)
        data.push(elementAt(part, i, field.number === 4 ? FLOAT : field.number === 10 ? DOUBLE : type));
    }
  }
  return { type, data: data.values() };
}

function elementAt(view: DataView, at: number, type: number): number {
  if (type === FLOAT) return view.getFloat32(at, true);
  if (type === INT32) return view.getInt32(at, true);
  if (type === INT64) return Number(view.getBigInt64(at, true));
  if (type === DOUBLE) return view.getFloat64(at, true);
  throw new RangeError(`tensor of element type ${type}`);
}
