import type { Recognised } from './file-kinds.ts';
import type { FileSample } from './file-sample.ts';

interface HeadField {
  readonly number: number;
  /** Of wire type 0. */
  readonly value: number | null;
  /** Of wire type 2: where it begins and how long it says it is. */
  readonly at: number;
  readonly length: number;
}

const NEWEST_IR = 40;
const MOST_FIELDS = 40;

/**
 * Formats that are a protobuf message and have no mark of their own: ONNX, SavedModel, Core ML, frozen graphs. Told by the first
 * fields and by what stands in them.
 *
 * Errors: none.
 */
export function protoKind({ head, size, name }: FileSample): Recognised | null {
  const fields = headFields(head, size);
  if (fields === null || fields.length === 0) return null;
  const [first, second] = fields;
  const text = (field: HeadField): string =>
    Buffer.from(head.subarray(field.at, Math.min(head.length, field.at + field.length))).toString('latin1');
  if (first!.number === 1 && first!.value !== null) {
    const isKnown = fields.every(({ number }) => [1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26].includes(number));
    const isNamed =
      second !== undefined &&
      [2, 7, 8].includes(second.number) &&
      (second.number !== 2 || /^[ -~]*$/.test(text(second)));
    if (isKnown && isNamed && first!.value >= 1 && first!.value <= NEWEST_IR) return { kind: 'onnx' };
    if (first!.value === 1 && fields.slice(1).every((f) => f.number === 2 && f.value === null) && fields.length > 1)
      return { kind: 'saved-model' };
    const isDescription = second?.number === 2 && second.value === null && /^\x0a/.test(text(second));
    return first!.value <= 12 && isDescription ? { kind: 'coreml' } : null;
  }
  // GraphDef: nodes, each with a name and an operator.
  const isNode = (field: HeadField): boolean => field.number === 1 && /^\x0a.[\w./-]+\x12/s.test(text(field));
  return fields.length > 1 && fields.slice(0, -1).every(isNode) && /\.(pb|pbtxt|graphdef)$/i.test(name)
    ? { kind: 'frozen-graph' }
    : null;
}

/** The fields that the head shows; null when it is no message. */
function headFields(head: Uint8Array, size: number): HeadField[] | null {
  const fields: HeadField[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1, i = 0; i < 10; i++, scale *= 128) {
      const byte = head[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (at < head.length && fields.length < MOST_FIELDS) {
    const tag = varint();
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    if (!(number >= 1 && number < 1000)) return null;
    if (wire === 0) fields.push({ number, value: varint(), at, length: 0 });
    else if (wire === 2) {
      const length = varint();
      // A file that was cut still shows what it was; one whose first fields do not fit was never a message.
      if (!(length <= size - at) && (fields.length < 2 || Number.isNaN(length))) return null;
      fields.push({ number, value: null, at, length });
      at += length;
    } else if (wire === 1 || wire === 5) {
      at += wire === 1 ? 8 : 4;
      fields.push({ number, value: null, at, length: 0 });
    } else return null;
  }
  return fields;
}
