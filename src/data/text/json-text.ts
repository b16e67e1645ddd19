const BACKSLASH = 0x5c;
const UNICODE = 0x75;

const CONTROLS: Readonly<Record<number, number>> = { 98: 0x08, 102: 0x0c, 110: 0x0a, 114: 0x0d, 116: 0x09 };

/**
 * Resolves the escapes of a JSON text that was checked: `into` is given its bytes at `to`, which are never more than those of the
 * text. Returns the position behind them; -1 for half of a surrogate pair, which is no character.
 */
export function unescapeJson(bytes: Uint8Array, from: number, stop: number, into: Uint8Array, to: number): number {
  let out = to;
  for (let at = from; at < stop; at++) {
    const byte = bytes[at]!;
    if (byte !== BACKSLASH) {
      into[out++] = byte;
      continue;
    }
    const letter = bytes[++at]!;
    if (letter !== UNICODE) {
      into[out++] = CONTROLS[letter] ?? letter;
      continue;
    }
    let code = hex4(bytes, at + 1);
    at += 4;
    if (code >= 0xd800 && code <= 0xdfff) {
      const isPair = code < 0xdc00 && at + 6 < stop && bytes[at + 1] === BACKSLASH && bytes[at + 2] === UNICODE;
      const low = isPair ? hex4(bytes, at + 3) : 0;
      if (low < 0xdc00 || low > 0xdfff) return -1;
      code = 0x10000 + (code - 0xd800) * 0x400 + (low - 0xdc00);
      at += 6;
    }
    out = putCharacter(code, into, out);
  }
  return out;
}

function hex4(bytes: Uint8Array, from: number): number {
  let value = 0;
  for (let at = from; at < from + 4; at++) {
    const byte = bytes[at]!;
    value = value * 16 + (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57);
  }
  return value;
}

function putCharacter(code: number, into: Uint8Array, to: number): number {
  let out = to;
  if (code < 0x80) into[out++] = code;
  else if (code < 0x800) {
    into[out++] = 0xc0 | (code >> 6);
    into[out++] = 0x80 | (code & 0x3f);
  } else {
    if (code < 0x10000) into[out++] = 0xe0 | (code >> 12);
    else {
      into[out++] = 0xf0 | (code >> 18);
      into[out++] = 0x80 | ((code >> 12) & 0x3f);
    }
    into[out++] = 0x80 | ((code >> 6) & 0x3f);
    into[out++] = 0x80 | (code & 0x3f);
  }
  return out;
}

/** A name or text of JSON as a JS text. Null when it is none (half of a surrogate pair). */
export function jsonText(bytes: Uint8Array, from: number, to: number, isEscaped: boolean): string | null {
  if (!isEscaped) return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
  const into = Buffer.alloc(to - from);
  const end = unescapeJson(bytes, from, to, into, 0);
  return end === -1 ? null : into.subarray(0, end).toString('utf8');
}

/** Names that are looked up at a place of a line that has had another one before. */
interface KnownName {
  readonly bytes: Uint8Array;
  readonly index: number;
}

/** Finds which wanted column a name of a JSON line is. Lines mostly have the same names in the same order: the last one is a guess. */
export class JsonNames {
  private readonly wanted: ReadonlyMap<string, number>;
  private readonly order: KnownName[] = [];
  private place = 0;

  constructor(names: readonly string[]) {
    this.wanted = new Map(names.map((name, index) => [name, index]));
  }

  beginLine(): void {
    this.place = 0;
  }

  /** Index of the wanted column, or -1. */
  find(bytes: Uint8Array, from: number, to: number, isEscaped: boolean): number {
    const place = this.place++;
    const known = this.order[place];
    if (known !== undefined && !isEscaped && isSame(known.bytes, bytes, from, to)) return known.index;
    const name = jsonText(bytes, from, to, isEscaped);
    const index = name === null ? -1 : (this.wanted.get(name) ?? -1);
    if (!isEscaped && place < MOST_PLACES) this.order[place] = { bytes: bytes.slice(from, to), index };
    return index;
  }
}

const MOST_PLACES = 20_000;

function isSame(name: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[from + i]) return false;
  return true;
}
