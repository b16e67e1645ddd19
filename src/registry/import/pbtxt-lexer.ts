import { refused } from './refusals.ts';

/** A piece of protobuf's text format. `word`: identifiers and numbers as they stand; `text`: a string, unescaped. */
export interface Token {
  readonly kind: 'word' | 'text' | 'mark';
  readonly value: string;
  /** Counted from 1. */
  readonly line: number;
}

const SPACE = /(?:[ \t\r\n\v\f]|#[^\n]*)*/y;
// A number may end in f, and a word of a number may begin with a dot.
const WORD = /[A-Za-z_][A-Za-z0-9_]*|(?:[0-9]|\.[0-9])(?:[eE][+-]?[0-9]|[A-Za-z0-9_.])*/y;
const STRING = /"((?:[^"\\\n]|\\[^\n])*)"|'((?:[^'\\\n]|\\[^\n])*)'/y;
const MARK = /[{}<>[\]:,;/.-]/y;
const ESCAPE = /\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfnrtv?'"\\]))/y;
const CONTROLS: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** Cuts a text into pieces. Errors: IMPORT_REFUSED with the line. */
export function* tokensOf(text: string, where: string): Generator<Token> {
  let at = 0;
  let line = 1;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at += found[0].length;
    return found;
  };
  for (;;) {
    const skipped = take(SPACE)?.[0] ?? '';
    line += skipped.split('\n').length - 1;
    if (at >= text.length) return;
    const word = take(WORD);
    if (word !== null) {
      yield { kind: 'word', value: word[0], line };
      continue;
    }
    const string = take(STRING);
    if (string !== null) {
      yield { kind: 'text', value: withoutEscapes(string[1] ?? string[2] ?? '', `${where}:${line}`), line };
      continue;
    }
    const mark = take(MARK);
    if (mark === null)
      throw unreadable('a sign that text format does not have', `${where}:${line}`, text.slice(at, at + 20));
    yield { kind: 'mark', value: mark[0], line };
  }
}

export function unreadable(what: string, where: string, got?: string): Error {
  const fix = 'Mend the file: it is protobuf text format of inference.ModelConfig.';
  return refused(`it cannot be read: ${what}`, where, fix, got === undefined ? undefined : JSON.stringify(got));
}

// Escapes are bytes, and the bytes are UTF-8.
function withoutEscapes(text: string, where: string): string {
  if (!text.includes('\\')) return text;
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = text.indexOf('\\'); at !== -1; at = text.indexOf('\\', from)) {
    parts.push(Buffer.from(text.slice(from, at)));
    ESCAPE.lastIndex = at;
    const found = ESCAPE.exec(text);
    if (found === null) throw unreadable('an escape that text format does not have', where, text.slice(at, at + 4));
    parts.push(escaped(found, where));
    from = at + found[0].length;
  }
  parts.push(Buffer.from(text.slice(from)));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
  } catch {
    throw unreadable('a text that is not UTF-8', where, text);
  }
}

function escaped([whole, octal, hex, short, long, letter]: RegExpExecArray, where: string): Buffer {
  const byte = octal !== undefined ? Number.parseInt(octal, 8) : hex !== undefined ? Number.parseInt(hex, 16) : null;
  if (byte !== null && byte < 256) return Buffer.from([byte]);
  const code = Number.parseInt(short ?? long ?? '', 16);
  if (code <= 0x10ffff) return Buffer.from(String.fromCodePoint(code));
  if (letter !== undefined) return Buffer.from(CONTROLS[letter] ?? letter);
  throw unreadable('an escape beyond what it can stand for', where, whole);
}
