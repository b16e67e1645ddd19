import type { ServeLimits } from '../contract/serve-config.ts';
import type { AskedKey } from './asked-key.ts';

/** Names that are remembered: few, short and without escapes. */
const MOST_NAMES = 256;
const PLAIN_NAME = /^[\w .:-]{1,64}$/;
const LONGEST_KEY = 1024;
/** Longer bodies are rare. */
const MOST_BYTES = 16_384;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;
const DELETE = 127;
const BEGIN = Buffer.from('{"key":');
const FEATURES = Buffer.from(',"features":{');
const SPACED_FEATURES = Buffer.from(', "features": {');
const END = Buffer.from('}}');
/** 1: what numbers and literals are made of. */
const IS_WORD = Uint8Array.from({ length: 256 }, (_, byte) => Number(/[\w.+-]/.test(String.fromCharCode(byte))));

/**
 * Reads the bodies that most live requests have: `{"key":…,"features":{…}}`, with the same features in the same order as the
 * one before, and numbers, short texts and literals as values. Their values are parsed as one list, at half to two thirds of the cost
 * of the long way, which knows all of JSON and builds an object from it.
 */
export class PlainBody {
  private readonly stringBytes: number;
  private readonly isOff: boolean;
  private names: readonly string[] = [];
  /** With what stands around them: `"name":`. */
  private tokens: readonly Uint8Array[] = [];
  /** Key and values of the body that is being read, as the text of a list. */
  private readonly list = Buffer.alloc(MOST_BYTES);
  private filled = 0;

  constructor({ stringBytes, depth }: Pick<ServeLimits, 'stringBytes' | 'depth'>) {
    this.stringBytes = Math.min(stringBytes, LONGEST_KEY);
    this.isOff = depth < 2;
  }

  /** What the next bodies are expected to be like. */
  learn({ features }: AskedKey): void {
    const names = features?.names ?? [];
    if (names.length === 0 || names.length > MOST_NAMES || !names.every((name) => PLAIN_NAME.test(name))) return;
    this.names = names;
    this.tokens = names.map((name) => Buffer.from(`"${name}":`));
  }

  /**
   * What a body asks for, as the long way would read it; null for every other body: what is null is not wrong.
   *
   * Errors: none. Owns: nothing is kept of `bytes`.
   */
  read(bytes: Buffer): AskedKey | null {
    if (this.isOff || this.names.length === 0 || bytes.length >= MOST_BYTES || !this.copies(bytes)) return null;
    this.list[0] = 91;
    this.list[this.filled] = 93;
    try {
      const values = JSON.parse(this.list.toString('latin1', 0, this.filled + 1)) as unknown[];
      const key = values.shift();
      const isKey = (typeof key === 'string' && key !== '') || Number.isSafeInteger(key);
      // A value that is missing would be seen here: the list has one too few, or is none.
      if (!isKey || values.length !== this.names.length) return null;
      const id = String(key);
      return { key: key as string | number, id, name: id, features: { names: this.names, values } };
    } catch {
      return null;
    }
  }

  /** Copies key and values to the list, each behind a comma; false where the body is another one. */
  private copies(bytes: Buffer): boolean {
    this.filled = 0;
    let at = this.copyValue(bytes, behind(bytes, 0, BEGIN));
    const features = behind(bytes, at, FEATURES);
    at = features < 0 ? behind(bytes, at, SPACED_FEATURES) : features;
    const { tokens } = this;
    for (let i = 0; i < tokens.length; i++) {
      if (i > 0) at = behindComma(bytes, at);
      at = this.copyValue(bytes, behind(bytes, at, tokens[i]!));
      if (at < 0) return false;
    }
    return behind(bytes, at, END) === bytes.length;
  }

  /** Copies a number, a literal, or a text of printable ASCII without escapes; the place behind it, or -1. */
  private copyValue(bytes: Buffer, from: number): number {
    if (from < 0 || from >= bytes.length) return -1;
    const start = bytes[from] === SPACE ? from + 1 : from;
    const end = bytes[start] === QUOTE ? this.endOfText(bytes, start) : endOfWord(bytes, start);
    if (end <= start) return -1;
    const { list } = this;
    let filled = this.filled;
    list[filled++] = COMMA;
    for (let i = start; i < end; i++) list[filled++] = bytes[i]!;
    this.filled = filled;
    return end;
  }

  private endOfText(bytes: Buffer, from: number): number {
    for (let at = from + 1; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) return at - from - 1 > this.stringBytes ? -1 : at + 1;
      if (byte < SPACE || byte >= DELETE || byte === BACKSLASH) return -1;
    }
    return -1;
  }
}

function endOfWord(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && IS_WORD[bytes[at]!] === 1) at++;
  return at;
}

/** The place behind these bytes, if they are there; else -1. */
function behind(bytes: Buffer, at: number, token: Uint8Array): number {
  if (at < 0 || at + token.length > bytes.length) return -1;
  for (let i = 0; i < token.length; i++) if (bytes[at + i] !== token[i]) return -1;
  return at + token.length;
}

function behindComma(bytes: Buffer, at: number): number {
  if (at < 0 || at + 1 >= bytes.length || bytes[at] !== COMMA) return -1;
  return bytes[at + 1] === SPACE ? at + 2 : at + 1;
}
