import { isUtf8 } from 'node:buffer';
import type { LiveData } from '../../base/contract/live-model.ts';
import type { TensorType } from '../../base/contract/signature.ts';
import { elementView } from '../../model/elements/elements.ts';
import { shapeCount, wireBytes } from './datatypes.ts';
import { requestFault } from './request-fault.ts';

const REPLACEMENT = '\ufffd';
const LENGTH_BYTES = 4;

/**
 * Binary tensor data (little-endian, row-major, no padding; BYTES: u32 length and bytes, element after element) as elements.
 * All of `bytes` must be used. Nothing is allocated that is larger than what `bytes` holds.
 *
 * Owns: the caller; `bytes` is copied, because typed arrays need aligned memory and the request's buffer may be pooled.
 * Errors: LIVE_REQUEST.
 */
export function readBinaryTensor(type: TensorType, shape: readonly number[], bytes: Buffer, where: string): LiveData {
  const count = shapeCount(shape);
  if (count === null) throw requestFault('the shape is too large', where);
  const width = wireBytes(type);
  if (width === null) return readTexts(bytes, count, where);
  if (bytes.length !== count * width)
    throw requestFault('shape and binary data differ', where, `${count * width} bytes`, String(bytes.length));
  if (type === 'bool' && !bytes.every((bit) => bit < 2))
    throw requestFault('binary data of BOOL holds other bytes than 0 and 1', where);
  const copy = new Uint8Array(bytes);
  return elementView(type, copy.buffer, 0, count);
}

/** The bytes of a tensor as the binary extension and raw contents of gRPC have them. Owns: may be a view of `data`. */
export function writeBinaryTensor(type: TensorType, data: LiveData): Buffer {
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (type !== 'string') throw requestFault('a tensor of numbers came as texts', 'output');
  const sizes = data.map((text) => Buffer.byteLength(text));
  const bytes = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + size + LENGTH_BYTES, 0));
  let at = 0;
  data.forEach((text, i) => {
    at = bytes.writeUInt32LE(sizes[i]!, at);
    at += bytes.write(text, at, 'utf8');
  });
  return bytes;
}

function readTexts(bytes: Buffer, count: number, where: string): readonly string[] {
  // Every element takes four bytes at least, so a huge count in a short body ends here.
  if (count * LENGTH_BYTES > bytes.length)
    throw requestFault('shape and binary data differ', where, `${count} elements`, `${bytes.length} bytes`);
  const texts: string[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + LENGTH_BYTES > bytes.length) throw cut(where, i);
    const end = at + LENGTH_BYTES + bytes.readUInt32LE(at);
    if (end > bytes.length) throw cut(where, i);
    texts.push(textOf(bytes, at + LENGTH_BYTES, end, `${where}, element ${i}`));
    at = end;
  }
  if (at !== bytes.length)
    throw requestFault('binary data goes on after the last element', where, `${at} bytes`, String(bytes.length));
  return texts;
}

/** UTF-8 bytes as a text. Errors: LIVE_REQUEST when they are not UTF-8. */
export function textOf(bytes: Buffer, from: number, to: number, where: string): string {
  const text = bytes.toString('utf8', from, to);
  if (text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(from, to))) throw requestFault('a text is not UTF-8', where);
  return text;
}

function cut(where: string, element: number) {
  return requestFault('binary data of BYTES ends within an element', `${where}, element ${element}`);
}
