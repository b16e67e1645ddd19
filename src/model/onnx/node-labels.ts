import { ProtoCursor } from '../../base/formats/proto-cursor.ts';
import { protoFields, protoText } from '../../base/formats/protobuf.ts';

/**
 * The labels of classes that a node of ai.onnx.ml names in its attributes, in order: all texts, or all whole numbers, rounded beyond 2^53; null where it has none.
 *
 * Errors: RangeError on bytes that do not parse.
 */
export function labelsOfNode(bytes: Uint8Array): readonly (string | number)[] | null {
  const texts: string[] = [];
  const integers: number[] = [];
  for (const { number, bytes: attribute } of protoFields(bytes))
    if (number === 5 && attribute !== null) readLabels(attribute, texts, integers);
  if (texts.length > 0) return texts;
  return integers.length > 0 ? integers : null;
}

// AttributeProto: name 1, ints 8, strings 9. Trees and ZipMap say int64s, the others ints; attributes of trees are long, and passed over.
function readLabels(attribute: Uint8Array, texts: string[], integers: number[]): void {
  const part = new ProtoCursor(attribute);
  let isLabels = false;
  while (part.next()) {
    if (part.number === 1 && part.wire === 2) {
      isLabels = protoText(part.slice()).startsWith('classlabels_');
      if (!isLabels) return;
    }
    if (!isLabels) continue;
    if (part.number === 9 && part.wire === 2) texts.push(protoText(part.slice()));
    if (part.number === 8 && part.wire === 0) integers.push(part.signed);
    if (part.number !== 8 || part.wire !== 2) continue;
    const packed = new ProtoCursor(part.bytes, part.start, part.end);
    while (packed.nextVarint()) integers.push(packed.signed);
  }
}
