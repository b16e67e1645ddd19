/** What a value of a JSON object is. */
export type JsonKind = 'null' | 'flag' | 'number' | 'text' | 'list' | 'nested';

/**
 * Called for every name of an object with the place of its value: of a text without its quotes. `isKeyEscaped` and `isEscaped`
 * say that there are escapes in the name and in the text.
 */
export type JsonVisitor = (
  keyFrom: number,
  keyTo: number,
  isKeyEscaped: boolean,
  kind: JsonKind,
  from: number,
  to: number,
  isEscaped: boolean,
) => void;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** Reads one line of JSONL: a JSON object (RFC 8259) and nothing else. */
export class JsonObject {
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  /** Of the text that was read last. */
  private escapes = false;

  /** Null, or what is wrong with the line, as a sentence. What the visitor was told before counts for nothing then. */
  read(bytes: Uint8Array, from: number, end: number, visit: JsonVisitor): string | null {
    this.bytes = bytes;
    this.at = from;
    this.end = end;
    this.skipBlanks();
    if (bytes[this.at] !== OPEN_OBJECT || this.at >= end) return 'the line is no JSON object';
    this.at++;
    this.skipBlanks();
    if (this.peek() === CLOSE_OBJECT) this.at++;
    else {
      for (let isMore = true; isMore; ) {
        if (!this.readMember(visit)) return this.problem();
        this.skipBlanks();
        const byte = this.peek();
        if (byte !== COMMA && byte !== CLOSE_OBJECT) return this.problem();
        this.at++;
        isMore = byte === COMMA;
      }
    }
    this.skipBlanks();
    return this.at < this.end ? 'something follows the JSON object' : null;
  }

  /** Whether the fault that was found is that the line ends within its object. */
  get isCut(): boolean {
    return this.at >= this.end;
  }

  private problem(): string {
    return this.isCut ? 'the JSON object does not end' : 'the line is not JSON';
  }

  private peek(): number {
    return this.at < this.end ? this.bytes[this.at]! : -1;
  }

  private skipBlanks(): void {
    for (; this.at < this.end; this.at++) {
      const byte = this.bytes[this.at];
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && byte !== 0x0a) return;
    }
  }

  private readMember(visit: JsonVisitor): boolean {
    this.skipBlanks();
    const keyFrom = this.at + 1;
    if (!this.passText()) return false;
    const keyTo = this.at - 1;
    const isKeyEscaped = this.escapes;
    this.skipBlanks();
    if (this.peek() !== COLON) return false;
    this.at++;
    this.skipBlanks();
    const from = this.at;
    const kind = this.passValue();
    if (kind === null) return false;
    const isText = kind === 'text';
    visit(keyFrom, keyTo, isKeyEscaped, kind, isText ? from + 1 : from, isText ? this.at - 1 : this.at, this.escapes);
    return true;
  }

  /** Moves behind a value. Null when it is none. */
  private passValue(): JsonKind | null {
    switch (this.peek()) {
      case QUOTE:
        return this.passText() ? 'text' : null;
      case OPEN_OBJECT:
        return this.passNested() ? 'nested' : null;
      case OPEN_LIST:
        return this.passNested() ? 'list' : null;
      case 0x74:
        return this.passWord('true') ? 'flag' : null;
      case 0x66:
        return this.passWord('false') ? 'flag' : null;
      case 0x6e:
        return this.passWord('null') ? 'null' : null;
      default:
        return this.passNumber() ? 'number' : null;
    }
  }

  private passWord(word: string): boolean {
    for (let i = 0; i < word.length; i++, this.at++) {
      if (this.peek() !== word.charCodeAt(i)) return false;
    }
    return true;
  }

  private passText(): boolean {
    this.escapes = false;
    if (this.peek() !== QUOTE) return false;
    const { bytes, end } = this;
    for (let at = this.at + 1; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        this.at = at + 1;
        return true;
      }
      if (byte < 0x20) {
        this.at = at;
        return false;
      }
      if (byte !== BACKSLASH) continue;
      this.escapes = true;
      at++;
      if (at < end && !isEscape(bytes, at, end)) {
        this.at = at;
        return false;
      }
    }
    this.at = end;
    return false;
  }

  private passNumber(): boolean {
    if (this.peek() === MINUS) this.at++;
    const start = this.at;
    if (!this.passDigits()) return false;
    // Zero is one digit, and no other follows it.
    if (this.bytes[start] === ZERO && this.at > start + 1) return false;
    if (this.peek() === POINT) {
      this.at++;
      if (!this.passDigits()) return false;
    }
    if ((this.peek() | 0x20) !== 0x65) return true;
    this.at++;
    if (this.peek() === PLUS || this.peek() === MINUS) this.at++;
    return this.passDigits();
  }

  private passDigits(): boolean {
    const from = this.at;
    while (this.at < this.end && isDigit(this.bytes[this.at]!)) this.at++;
    return this.at > from;
  }

  // What is in it is for those who ask: here it only has to be JSON.
  private passNested(): boolean {
    const { bytes, end } = this;
    const from = this.at;
    let depth = 0;
    for (; this.at < end; ) {
      const byte = bytes[this.at];
      if (byte === QUOTE) {
        if (!this.passText()) return false;
        continue;
      }
      this.at++;
      if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++;
      else if ((byte === CLOSE_OBJECT || byte === CLOSE_LIST) && --depth === 0) return isJson(bytes, from, this.at);
    }
    return false;
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

const ESCAPES = new Set([...'"\\/bfnrt'].map((c) => c.charCodeAt(0)));
const UNICODE = 0x75;

function isEscape(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at] !== UNICODE) return ESCAPES.has(bytes[at]!);
  for (let i = at + 1; i <= at + 4 && i < end; i++) {
    const byte = bytes[i]!;
    const letter = byte | 0x20;
    if (!isDigit(byte) && !(letter >= 0x61 && letter <= 0x66)) return false;
  }
  return true;
}

function isJson(bytes: Uint8Array, from: number, to: number): boolean {
  try {
    JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
