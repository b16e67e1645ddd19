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
  let at = 0;
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError('message ends inside a number');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new RangeError('number of more than ten bytes');
  };
  while (at < message.length) {
    const tag = varint();
    // Other readers keep 32 bits of a tag: a longer one would be another field to them.
    if (tag > 0xffffffff) throw new RangeError('field number of more than 29 bits');
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (number === 0) throw new RangeError('field number 0');
    if (wire === 0) {
      yield { number, varint: varint(), bytes: null };
    } else if (wire === 2) {
      const length = varint();
      if (length > message.length - at) throw new RangeError('value is longer than its message');
      yield { number, varint: null, bytes: message.subarray(at, at + length) };
      at += length;
    } else if (wire === 1 || wire === 5) {
      at += wire === 1 ? 8 : 4;
      if (at > message.length) throw new RangeError('message ends inside a number');
      yield { number, varint: null, bytes: null };
    } else {
      throw new RangeError(`wire type ${wire}`);
    }
  }
}

const decoder = new TextDecoder();

/** The text of a length-delimited field. */
export function protoText(bytes: Uint8Array | null): string {
  return bytes === null ? '' : decoder.decode(bytes);
}
