import { isUtf8 } from 'node:buffer';
import { PrescoreError } from '../errors/prescore-error.ts';

export interface BodyLimits {
  /** Levels of objects and lists. */
  readonly depth: number;
  /** UTF-8 bytes of one text, names included. */
  readonly stringBytes: number;
}

const JSON_TYPE = /^application\/json *(;|$)/i;
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN = 123;
const CLOSE = 125;
/** Names of one object up to which a list is searched faster than a set. */
const FEW = 12;
/** What is remembered of objects before: few short names of the upper levels. */
const MOST_LEVELS = 4;
const MOST_NAMES = 256;
const PLAIN_NAME = /^[\w .:-]{1,64}$/;

/** Whether a Content-Type says that a body is JSON. */
export function isJsonType(type: string | undefined): boolean {
  return type !== undefined && JSON_TYPE.test(type);
}

/**
 * A JSON body as a value. Beside what JSON itself refuses (NaN, comments, a second value), a body that nests too deep, has a name
 * twice in one object, has the name `__proto__`, or a text over the limit is refused before anything is built from it.
 *
 * Errors: HTTP_REQUEST; HTTP_TOO_LARGE for a text over the limit.
 */
export function parseBody(bytes: Buffer, limits: BodyLimits): unknown {
  if (!isUtf8(bytes)) throw refused('the body is not UTF-8');
  const text = bytes.toString('utf8');
  scan(text, limits);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw refused('the body is not valid JSON');
  }
}

function scan(text: string, limits: BodyLimits): void {
  // The names of each open object; null for a list.
  const open: (Names | null)[] = [];
  let inner: Names | null = null;
  let isName = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Most of a body are digits, signs and points.
    if (code > COMMA && code < COLON) continue;
    switch (code) {
      case QUOTE: {
        const names = isName ? inner : null;
        isName = false;
        let end = names?.next(text, i + 1) ?? -1;
        if (end < 0) {
          end = endOfText(text, i + 1);
          if (end < 0) throw refused('the body is not valid JSON');
          if (names !== null) noteName(names, text.slice(i + 1, end), limits.stringBytes);
          else if ((end - i) * 3 > limits.stringBytes) checkLength(text.slice(i + 1, end), limits.stringBytes);
        }
        i = end;
        break;
      }
      case OPEN:
      case OPEN_LIST: {
        isName = code === OPEN;
        inner = isName ? new Names(open.length) : null;
        open.push(inner);
        if (open.length > limits.depth) throw refused(`the body nests deeper than ${limits.depth} levels`);
        break;
      }
      case CLOSE:
      case CLOSE_LIST:
        inner?.close();
        open.pop();
        inner = open.at(-1) ?? null;
        isName = false;
        break;
      case COMMA:
        isName = inner !== null;
        break;
      case COLON:
        isName = false;
        break;
    }
  }
}

/** Names of the last object of each level, without escapes. Requests of one client have theirs in one order. */
const remembered: (readonly string[])[] = [];

/** Names that an object has so far. */
class Names {
  private readonly level: number;
  /** Those of an object before, as long as this one has the same. */
  private readonly before: readonly string[];
  private same = 0;
  private few: string[] | null = null;
  private many: Set<string> | null = null;

  constructor(level: number) {
    this.level = level;
    this.before = remembered[level] ?? [];
  }

  /** The place of the quote after a name that is the expected one, and so is there once; -1 for any other. */
  next(text: string, from: number): number {
    const name = this.few === null ? this.before[this.same] : undefined;
    if (name === undefined || !text.startsWith(name, from)) return -1;
    const end = from + name.length;
    if (text.charCodeAt(end) !== QUOTE) return -1;
    this.same++;
    return end;
  }

  /** False when it was there already. */
  add(name: string): boolean {
    if (this.many !== null) {
      const before = this.many.size;
      return this.many.add(name).size > before;
    }
    this.few ??= this.before.slice(0, this.same);
    if (this.few.includes(name)) return false;
    if (this.few.push(name) > FEW) this.many = new Set(this.few);
    return true;
  }

  /** The object is over: its names are what the next one on its level is expected to have. */
  close(): void {
    if (this.few === null || this.level >= MOST_LEVELS) return;
    const names = this.many === null ? this.few : [...this.many];
    const isKept = names.length <= MOST_NAMES && names.every((name) => PLAIN_NAME.test(name));
    if (isKept) remembered[this.level] = names;
  }
}

function noteName(names: Names, raw: string, limit: number): void {
  checkLength(raw, limit);
  const name = raw.includes('\\') ? decoded(raw) : raw;
  if (name === '__proto__') throw refused('the body has the name __proto__');
  if (!names.add(name)) throw refused('the body has a name twice in one object');
}

// The place of the quote that ends a text: the first one with an even number of backslashes before it.
function endOfText(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end >= 0; end = text.indexOf('"', end + 1)) {
    let at = end - 1;
    while (at >= from && text.charCodeAt(at) === BACKSLASH) at--;
    if ((end - 1 - at) % 2 === 0) return end;
  }
  return -1;
}

function checkLength(raw: string, limit: number): void {
  if (raw.length * 3 <= limit) return;
  const bytes = Buffer.byteLength(raw.includes('\\') ? decoded(raw) : raw);
  if (bytes <= limit) return;
  throw new PrescoreError('HTTP_TOO_LARGE', {
    what: 'a text of the body is too long',
    expected: `at most ${limit} bytes (limits.string)`,
    got: `${bytes}`,
  });
}

function decoded(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    throw refused('the body is not valid JSON');
  }
}

function refused(what: string): PrescoreError {
  return new PrescoreError('HTTP_REQUEST', { what });
}
