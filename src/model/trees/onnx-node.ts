import { ProtoCursor } from '../../base/formats/proto-cursor.ts';
import { protoText } from '../../base/formats/protobuf.ts';
import { NumberList } from './number-list.ts';
import { readTensor, type TensorAttribute } from './onnx-tensor.ts';

/** A node of an ONNX graph with its attributes. Field numbers: onnx/onnx.proto (NodeProto, AttributeProto). */
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
  readonly tensor: TensorAttribute | null;
}

/** Errors: RangeError on bytes that do not parse. Owns: nothing is kept of `bytes`. */
export function readOnnxNode(bytes: Uint8Array): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, OnnxAttribute>();
  let operator = '';
  let domain = '';
  const field = new ProtoCursor(bytes);
  while (field.next()) {
    if (field.wire !== 2) continue;
    if (field.number === 1) inputs.push(protoText(field.slice()));
    if (field.number === 2) outputs.push(protoText(field.slice()));
    if (field.number === 4) operator = protoText(field.slice());
    if (field.number === 7) domain = protoText(field.slice());
    if (field.number === 5) {
      const { name, ...attribute } = readAttribute(field.slice());
      attributes.set(name, attribute);
    }
  }
  return { operator, domain: domain === 'ai.onnx' ? '' : domain, inputs, outputs, attributes };
}

/** Tags of unpacked lists: floats 7 (wire type 5), ints 8 (wire type 0). */
const FLOAT_TAG = 7 * 8 + 5;
const INTEGER_TAG = 8 * 8;

// AttributeProto: name 1, i 3, s 4, t 5, floats 7, ints 8, strings 9.
function readAttribute(bytes: Uint8Array): OnnxAttribute & { name: string } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const floats = new NumberList();
  const integers = new NumberList();
  const texts = new TextList(bytes);
  let name = '';
  let text = '';
  let integer = 0;
  let tensor: OnnxAttribute['tensor'] = null;
  const part = new ProtoCursor(bytes);
  while (part.next()) {
    const { number, wire, start, end } = part;
    // Lists come number by number, or packed.
    if (number === 7 && wire === 5) {
      floats.push(view.getFloat32(start, true));
      part.moveTo(floats.pushTaggedFloats(view, part.position, FLOAT_TAG));
    } else if (number === 8 && wire === 0) {
      integers.push(part.signed);
      part.moveTo(integers.pushTagged(bytes, part.position, INTEGER_TAG));
    } else if (number === 3 && wire === 0) integer = part.signed;
    else if (wire !== 2) continue;
    else if (number === 1) name = protoText(part.slice());
    else if (number === 4) text = protoText(part.slice());
    else if (number === 5) tensor = readTensor(part.slice());
    else if (number === 7) floats.pushFloats(view, start, end);
    else if (number === 8) integers.pushVarints(bytes, start, end);
    else if (number === 9) texts.push(start, end);
  }
  return { name, text, integer, floats: floats.values(), integers: integers.values(), texts: texts.texts, tensor };
}

const MOST_KNOWN = 8;

/** Texts of a list in which few kinds come again and again, such as modes of nodes: each kind is decoded once. */
class TextList {
  readonly texts: string[] = [];
  private readonly bytes: Uint8Array;
  private readonly known: { start: number; end: number; text: string }[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  push(start: number, end: number): void {
    for (const one of this.known) {
      if (this.isEqual(one.start, one.end, start, end)) {
        this.texts.push(one.text);
        return;
      }
    }
    const text = protoText(this.bytes.subarray(start, end));
    if (this.known.length < MOST_KNOWN) this.known.push({ start, end, text });
    this.texts.push(text);
  }

  private isEqual(from: number, to: number, start: number, end: number): boolean {
    if (to - from !== end - start) return false;
    for (let i = to - from - 1; i >= 0; i--) if (this.bytes[from + i] !== this.bytes[start + i]) return false;
    return true;
  }
}
