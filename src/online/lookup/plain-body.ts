import { sameNames } from '../../base/contract/job-scorer.ts';
import type { ServeLimits } from '../../base/contract/serve-config.ts';
import { arePlain, behind } from '../http/plain-names.ts';
import type { AskedKey } from '../live/asked-key.ts';
import { MAX_KEY_BYTES } from './read-asked.ts';

/** Longer bodies are rare. */
const MOST_BYTES = 16_384;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
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
    this.stringBytes = Math.min(stringBytes, MAX_KEY_BYTES);
    this.isOff = depth < 2;
  }

  /** What the next bodies are expected to be like. */
  learn({ features }: AskedKey): void {
    const names = features?.names ?? [];
    if (this.isOff || names.length === 0 || sameNames(names, this.names) || !arePlain(names)) return;
    this.names = names;
    this.tokens = names.map((name) => Buffer.from(`"${name}":`));
  }

  /**
   * What a body asks for, as the long way would read it; null for every other body: what is null is not wrong.
   *
   * Errors: none. Owns: nothing is kept of `bytes`.
   */
  read(bytes: Buffer): AskedKey | null {
    if (this.names.length === 0 || bytes.length >= MOST_BYTES || !this.copies(bytes)) return null;
    this.list[0] = OPEN_LIST;
    this.list[this.filled] = CLOSE_LIST;
    try {
      const values = JSON.parse(this.list.toString('latin1', 0, this.filled + 1)) as unknown[];
      const key = values.shift();
      const isKey = (typeof key === 'string' && key !== '') || Number.isSafeInteger(key);
      if (!isKey) return null;
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

function behindComma(bytes: Buffer, at: number): number {
  if (at < 0 || at + 1 >= bytes.length || bytes[at] !== COMMA) return -1;
  return bytes[at + 1] === SPACE ? at + 2 : at + 1;
}
