/** The head of a list in Thrift's compact protocol. `element`: the wire type of its elements. */
export function listHead(size: number, element: number): number[] {
  return size < 15 ? [(size << 4) | element] : [0xf0 | element, ...varint(size)];
}

/** A whole number as the compact protocol writes it; exact up to 2^52. */
export function zigzag(value: number): number[] {
  return varint(2 * value);
}

export function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return bytes;
}
