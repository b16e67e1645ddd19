import { closeSync, openSync, readSync } from 'node:fs';

/** What the loader reads of a shared library before it maps it. */
export interface ElfLibrary {
  /** The machine's number: 62 is x86-64, 183 AArch64. */
  readonly machine: number;
  readonly soname: string | null;
  /** Names of the libraries that it needs, in order. */
  readonly needed: readonly string[];
  /** Folders of DT_RPATH and DT_RUNPATH as written, `$ORIGIN` included. */
  readonly rpath: readonly string[];
  readonly runpath: readonly string[];
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const [DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_SONAME, DT_RPATH, DT_RUNPATH] = [1, 5, 10, 14, 15, 29];
const PROGRAM_HEADER_BYTES = 56;
/** No honest library is near these; a damaged one must not make us allocate gigabytes. */
const MOST_HEADERS = 1024;
const MOST_BYTES = 16 << 20;

/**
 * Reads the dynamic section of a 64-bit little-endian ELF file: a few kilobytes, whatever its size. Null when it is something
 * else, damaged, or cannot be read.
 */
export function readElf(path: string): ElfLibrary | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    // Not there, or not ours to read: to the loader that is the same.
    return null;
  }
  try {
    return parse((at, length) => {
      const bytes = Buffer.alloc(Math.min(length, MOST_BYTES));
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, at));
    });
  } catch (error) {
    // Offsets that point outside of the file; a folder.
    if (error instanceof RangeError || (error instanceof Error && 'code' in error)) return null;
    throw error;
  } finally {
    closeSync(file);
  }
}

function parse(read: (at: number, length: number) => Buffer): ElfLibrary | null {
  const head = read(0, 64);
  if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1) return null;
  const count = head.readUInt16LE(56);
  if (count > MOST_HEADERS) return null;
  const headers = read(Number(head.readBigUInt64LE(32)), count * PROGRAM_HEADER_BYTES);
  const segments = Array.from({ length: count }, (_, i) => {
    const at = i * PROGRAM_HEADER_BYTES;
    const number = (offset: number): number => Number(headers.readBigUInt64LE(at + offset));
    return { type: headers.readUInt32LE(at), offset: number(8), address: number(16), bytes: number(32) };
  });
  const dynamic = segments.find((s) => s.type === PT_DYNAMIC);
  if (dynamic === undefined) return null;
  const entries = read(dynamic.offset, dynamic.bytes);
  if (entries.length < dynamic.bytes) return null;
  const found = new Map<number, number[]>();
  for (let at = 0; at + 16 <= entries.length; at += 16) {
    const tag = Number(entries.readBigInt64LE(at));
    if (tag === 0) break;
    found.set(tag, [...(found.get(tag) ?? []), Number(entries.readBigUInt64LE(at + 8))]);
  }
  const address = found.get(DT_STRTAB)?.[0] ?? 0;
  const home = segments.find((s) => s.type === PT_LOAD && s.address <= address && address < s.address + s.bytes);
  if (home === undefined) return null;
  const length = found.get(DT_STRSZ)?.[0] ?? 0;
  const strings = read(home.offset + address - home.address, length);
  if (strings.length < length) return null;
  const texts = (tag: number): readonly string[] =>
    (found.get(tag) ?? []).map((at) => strings.toString('utf8', at, Math.max(at, strings.indexOf(0, at))));
  const folders = (tag: number): readonly string[] => texts(tag).flatMap((t) => t.split(':').filter((f) => f !== ''));
  return {
    machine: head.readUInt16LE(18),
    soname: texts(DT_SONAME)[0] ?? null,
    needed: texts(DT_NEEDED),
    rpath: folders(DT_RPATH),
    runpath: folders(DT_RUNPATH),
  };
}
