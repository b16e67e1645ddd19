import { isUtf8 } from 'node:buffer';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { arePlain, behind } from './plain-names.ts';

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
/** Names are remembered of the upper levels. */
const MOST_LEVELS = 4;

const MARK = Buffer.from([0xef, 0xbb, 0xbf]);

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
export function parseBody(body: Buffer, limits: BodyLimits): unknown {
  if (!isUtf8(body)) throw refused('the body is not UTF-8');
  // Some clients of Windows write a byte order mark first, which JSON allows a reader to pass over.
  const bytes = body.subarray(MARK.equals(body.subarray(0, MARK.length)) ? MARK.length : 0);
  scan(bytes, limits);
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    throw refused('the body is not valid JSON');
  }
}

// On bytes, which are cheaper to walk and to compare than a text; no byte of a longer character of UTF-8 is one of ASCII.
function scan(bytes: Buffer, limits: BodyLimits): void {
  // The names of each open object; null for a list.
  const open: (Names | null)[] = [];
  let inner: Names | null = null;
  let isName = false;
  const { length } = bytes;
  for (let i = 0; i < length; i++) {
    const code = bytes[i]!;
    // Most of a body are digits, signs and points.
    if (code > COMMA && code < COLON) continue;
    switch (code) {
      case QUOTE: {
        const names = isName ? inner : null;
        isName = false;
        let end = names === null ? -1 : names.next(bytes, i + 1);
        if (end < 0) {
          end = endOfText(bytes, i + 1);
          if (end < 0) throw refused('the body is not valid JSON');
          if (end - i > limits.stringBytes) checkLength(bytes.toString('utf8', i + 1, end), limits.stringBytes);
          if (names !== null) noteName(names, bytes.toString('utf8', i + 1, end));
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

/** Names of the last object of each level, without escapes, and their bytes. Requests of one client have theirs in one order. */
const remembered: { readonly names: readonly string[]; readonly bytes: readonly Uint8Array[] }[] = [];
const NONE = { names: [], bytes: [] };

/** Names that an object has so far. */
class Names {
  private readonly level: number;
  /** Those of an object before, as long as this one has the same. */
  private readonly before: (typeof remembered)[number];
  private same = 0;
  private few: string[] | null = null;
  private many: Set<string> | null = null;

  constructor(level: number) {
    this.level = level;
    this.before = remembered[level] ?? NONE;
  }

  /** The place of the quote after a name that is the expected one, and so is there once; -1 for any other. */
  next(bytes: Uint8Array, from: number): number {
    if (this.few !== null || this.same === this.before.bytes.length) return -1;
    const end = behind(bytes, from, this.before.bytes[this.same]!);
    if (end < 0 || end === bytes.length || bytes[end] !== QUOTE) return -1;
    this.same++;
    return end;
  }

  /** False when it was there already. */
  add(name: string): boolean {
    if (this.many !== null) {
      const before = this.many.size;
      return this.many.add(name).size > before;
    }
    this.few ??= this.before.names.slice(0, this.same);
    if (this.few.includes(name)) return false;
    if (this.few.push(name) > FEW) this.many = new Set(this.few);
    return true;
  }

  /** The object is over: its names are what the next one on its level is expected to have. */
  close(): void {
    if (this.few === null || this.level >= MOST_LEVELS) return;
    const names = this.many === null ? this.few : [...this.many];
    if (arePlain(names)) remembered[this.level] = { names, bytes: names.map((name) => Buffer.from(name)) };
  }
}

function noteName(names: Names, raw: string): void {
  const name = raw.includes('\\') ? decoded(raw) : raw;
  if (name === '__proto__') throw refused('the body has the name __proto__');
  if (!names.add(name)) throw refused('the body has a name twice in one object');
}

// The place of the quote that ends a text: the first one with an even number of backslashes before it.
function endOfText(bytes: Buffer, from: number): number {
  for (let end = bytes.indexOf(QUOTE, from); end >= 0; end = bytes.indexOf(QUOTE, end + 1)) {
    let at = end - 1;
    while (at >= from && bytes[at] === BACKSLASH) at--;
    if ((end - 1 - at) % 2 === 0) return end;
  }
  return -1;
}

function checkLength(raw: string, limit: number): void {
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
