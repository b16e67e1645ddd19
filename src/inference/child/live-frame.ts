import type { LiveData, LiveTensor } from '../../base/contract/live-model.ts';
import type { TensorType } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { elementBytes, elementView } from '../../model/elements/elements.ts';

/*
 * What crosses the pipe between a server and a live scorer child: [u32 bytes of the head][u32 bytes of the data], little
 * endian, then the head as JSON and the tensors one after another, each at a multiple of eight bytes, so that they are read
 * in place. Texts are a JSON array.
 */

/** A tensor that is written from pieces, one after another: rows of several callers become one batch without a copy between. */
export interface FrameTensor {
  readonly name: string;
  readonly type: TensorType;
  readonly dims: readonly number[];
  readonly pieces: readonly LiveData[];
}

export interface Frame<H> {
  readonly head: H;
  /** Views of the frame's buffer, which belongs to whoever got the frame. */
  readonly tensors: ReadonlyMap<string, LiveTensor>;
}

type Place = readonly [name: string, type: TensorType, dims: readonly number[], bytes: number];

interface Envelope<H> {
  readonly head: H;
  readonly tensors: readonly Place[];
}

const PREFIX = 8;
const LARGEST = 2 ** 31;

/** Owns: the result is the caller's; nothing is kept of the pieces. Errors: LIVE_REQUEST above 2 GiB. */
export function encodeFrame<H>(head: H, tensors: readonly FrameTensor[]): Uint8Array {
  const bodies = tensors.map(({ type, pieces }) => (type === 'string' ? [textBytes(pieces)] : pieces.map(bytesOf)));
  const places = tensors.map(({ name, type, dims }, i): Place => {
    let bytes = 0;
    for (const piece of bodies[i]!) bytes += piece.length;
    return [name, type, dims, bytes];
  });
  const json = Buffer.from(JSON.stringify({ head, tensors: places } satisfies Envelope<H>));
  const headBytes = aligned(json.length);
  let dataBytes = 0;
  for (const place of places) dataBytes += aligned(place[3]);
  if (headBytes + dataBytes > LARGEST) {
    const got = `${headBytes + dataBytes} bytes`;
    throw new PrescoreError('LIVE_REQUEST', { what: 'a batch is too large', expected: 'at most 2 GiB', got });
  }
  const frame = Buffer.allocUnsafe(PREFIX + headBytes + dataBytes);
  frame.writeUInt32LE(headBytes, 0);
  frame.writeUInt32LE(dataBytes, 4);
  frame.set(json, PREFIX);
  frame.fill(0x20, PREFIX + json.length, PREFIX + headBytes);
  let at = PREFIX + headBytes;
  places.forEach((place, i) => {
    let offset = at;
    for (const piece of bodies[i]!) {
      frame.set(piece, offset);
      offset += piece.length;
    }
    at += aligned(place[3]);
  });
  return frame;
}

/** Puts frames together from what a pipe gives, whatever its pieces. Errors: INTERNAL on a frame over `maxBytes`. */
export class FrameReader<H> {
  private readonly onFrame: (frame: Frame<H>) => void;
  private readonly prefix = Buffer.alloc(PREFIX);
  private have = 0;
  private body: Uint8Array | null = null;

  constructor(onFrame: (frame: Frame<H>) => void) {
    this.onFrame = onFrame;
  }

  /** Owns: nothing is kept of `chunk`. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length || (this.body !== null && this.have === this.body.length)) {
      const target: Uint8Array = this.body ?? this.prefix;
      const count = Math.min(target.length - this.have, chunk.length - at);
      target.set(chunk.subarray(at, at + count), this.have);
      at += count;
      this.have += count;
      if (this.have < target.length) return;
      this.have = 0;
      if (this.body === null) this.body = this.makeBody();
      else {
        this.body = null;
        this.onFrame(decodeBody(target, this.prefix.readUInt32LE(0)));
      }
    }
  }

  private makeBody(): Uint8Array {
    const bytes = this.prefix.readUInt32LE(0) + this.prefix.readUInt32LE(4);
    if (bytes <= LARGEST) return new Uint8Array(bytes);
    throw new PrescoreError('INTERNAL', { what: `a frame of ${bytes} bytes`, where: 'live scorer' });
  }
}

function decodeBody<H>(body: Uint8Array, headBytes: number): Frame<H> {
  const text = Buffer.from(body.buffer, 0, headBytes).toString('utf8');
  const { head, tensors } = JSON.parse(text) as Envelope<H>;
  const found = new Map<string, LiveTensor>();
  let at = headBytes;
  for (const [name, type, dims, bytes] of tensors) {
    found.set(name, { type, dims, data: dataOf(body, type, at, bytes) });
    at += aligned(bytes);
  }
  return { head, tensors: found };
}

function dataOf(body: Uint8Array, type: TensorType, at: number, bytes: number): LiveData {
  if (type === 'string') return JSON.parse(Buffer.from(body.buffer, at, bytes).toString('utf8')) as string[];
  return elementView(type, body.buffer, at, bytes / elementBytes(type));
}

function bytesOf(piece: LiveData): Uint8Array {
  const view = piece as ArrayBufferView;
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
}

function textBytes(pieces: readonly LiveData[]): Uint8Array {
  return Buffer.from(JSON.stringify(pieces.length === 1 ? pieces[0] : pieces.flatMap((piece) => piece as string[])));
}

function aligned(bytes: number): number {
  return (bytes + 7) & ~7;
}
