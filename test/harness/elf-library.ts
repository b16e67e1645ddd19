/** What a made library says of itself. */
export interface MadeLibrary {
  readonly soname: string;
  readonly needed?: readonly string[];
  readonly runpath?: string;
  /** A function that another library has to have. */
  readonly wants?: string;
  /** A text among its data, as a version is. */
  readonly text?: string;
  /** Bytes of random data after it, which the loader does not map. */
  readonly padding?: Buffer;
}

/**
 * A real shared library for Linux on x64, with nothing in it but its dynamic section: the system's loader loads it, and looks for what
 * it needs. So that tests can have a provider and libraries of CUDA that are small.
 */
export function makeLibrary({
  soname,
  needed = [],
  runpath,
  wants,
  text = '',
  padding = Buffer.alloc(0),
}: MadeLibrary): Buffer {
  const strings: number[] = [0];
  const add = (value: string): bigint => {
    const at = strings.length;
    strings.push(...Buffer.from(`${value}\0`));
    return BigInt(at);
  };
  const entries: [number, bigint][] = needed.map((name) => [1, add(name)]);
  entries.push([14, add(soname)]);
  if (runpath !== undefined) entries.push([29, add(runpath)]);
  if (text !== '') add(text);
  const wanted = wants === undefined ? null : add(wants);
  const symbols = wanted === null ? 1 : 2;
  // File and memory have the same offsets: header, two program headers, hash, symbols, relocations, their slots, strings, dynamic section.
  const hashAt = 64 + 2 * 56;
  const symbolsAt = hashAt + 24;
  const relocationsAt = symbolsAt + symbols * 24;
  const slotsAt = relocationsAt + (symbols - 1) * 24;
  const stringsAt = slotsAt + (symbols - 1) * 8;
  const dynamicAt = (stringsAt + strings.length + 7) & ~7;
  if (wanted !== null) entries.push([7, BigInt(relocationsAt)], [8, 24n], [9, 24n]);
  entries.push(
    [4, BigInt(hashAt)],
    [5, BigInt(stringsAt)],
    [6, BigInt(symbolsAt)],
    [10, BigInt(strings.length)],
    [11, 24n],
    [0, 0n],
  );
  const bytes = Buffer.alloc(dynamicAt + entries.length * 16);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeUInt16LE(3, 16); // a shared object
  bytes.writeUInt16LE(62, 18); // x86-64
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(64n, 32); // program headers
  for (const [at, value] of [
    [52, 64],
    [54, 56],
    [56, 2],
    [58, 64],
  ] as const)
    bytes.writeUInt16LE(value, at);
  const segment = (i: number, type: number, at: number, length: number, align: number): void => {
    const header = 64 + i * 56;
    bytes.writeUInt32LE(type, header);
    bytes.writeUInt32LE(6, header + 4); // readable and writable: the loader relocates the dynamic section in place
    for (const offset of [8, 16, 24]) bytes.writeBigUInt64LE(BigInt(at), header + offset);
    for (const offset of [32, 40]) bytes.writeBigUInt64LE(BigInt(length), header + offset);
    bytes.writeBigUInt64LE(BigInt(align), header + 48);
  };
  segment(0, 1, 0, bytes.length, 0x1000);
  segment(1, 2, dynamicAt, entries.length * 16, 8);
  for (const [i, value] of [1, symbols, 0, 0, 0].entries()) bytes.writeUInt32LE(value, hashAt + i * 4); // one bucket, nothing in it
  if (wanted !== null) {
    bytes.writeUInt32LE(Number(wanted), symbolsAt + 24);
    bytes.writeUInt8(0x12, symbolsAt + 28); // a global function, of no section
    bytes.writeBigUInt64LE(BigInt(slotsAt), relocationsAt);
    bytes.writeBigUInt64LE((1n << 32n) | 6n, relocationsAt + 8); // R_X86_64_GLOB_DAT: its address goes into the slot
  }
  Buffer.from(strings).copy(bytes, stringsAt);
  for (const [i, [tag, value]] of entries.entries()) {
    bytes.writeBigUInt64LE(BigInt(tag), dynamicAt + i * 16);
    bytes.writeBigUInt64LE(value, dynamicAt + i * 16 + 8);
  }
  return Buffer.concat([bytes, padding]);
}
