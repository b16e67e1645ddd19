const buffer = new DataView(new ArrayBuffer(8));

/** The next double below a finite value. */
export function nextDown(value: number): number {
  if (value === 0) return -Number.MIN_VALUE;
  buffer.setFloat64(0, value);
  buffer.setBigInt64(0, buffer.getBigInt64(0) + (value > 0 ? -1n : 1n));
  return buffer.getFloat64(0);
}

/** The next float32 below a value above negative infinity; both zeros have the same. */
export function nextDownFloat(value: number): number {
  if (value === 0) return -(2 ** -149);
  buffer.setFloat32(0, value);
  buffer.setInt32(0, buffer.getInt32(0) + (value > 0 ? -1 : 1));
  return buffer.getFloat32(0);
}
