import { ProtoCursor } from './proto-cursor.ts';

/** One field of a protobuf message: a number (wire types 0, 1, 5 as raw) or the bytes of a length-delimited value. */
export interface ProtoField {
  readonly number: number;
  readonly varint: number | null;
  readonly bytes: Uint8Array | null;
}

/**
 * Walks the fields of one message without decoding or copying their values, so a model of any size costs only its
 * structure. Throws RangeError on a message that does not parse.
 */
export function* protoFields(message: Uint8Array): Generator<ProtoField> {
  const field = new ProtoCursor(message);
  while (field.next()) {
    const { number, wire } = field;
    yield { number, varint: wire === 0 ? field.value : null, bytes: wire === 2 ? field.slice() : null };
  }
}

const decoder = new TextDecoder();

/** The text of a length-delimited field. */
export function protoText(bytes: Uint8Array | null): string {
  return bytes === null ? '' : decoder.decode(bytes);
}
