import { type Token, tokensOf, unreadable } from './pbtxt-lexer.ts';

/** A message in protobuf's text format: the values of each field in their order. Nothing is known of types. */
export type PbMessage = ReadonlyMap<string, readonly PbValue[]>;

export type PbValue =
  | { readonly kind: 'message'; readonly fields: PbMessage }
  | { readonly kind: 'text'; readonly value: string }
  /** A number, a name of an enum, true or false, as it stands, with its sign. */
  | { readonly kind: 'word'; readonly value: string };

const MOST_DEPTH = 64;
const CLOSING: Readonly<Record<string, string>> = { '{': '}', '<': '>' };

/**
 * Reads protobuf's text format. Fields that are given more than once are lists, as the format has it.
 *
 * Errors: IMPORT_REFUSED with the line.
 */
export function readPbtxt(text: string, where: string): PbMessage {
  return new Reader([...tokensOf(text, where)], where).message(null, 0);
}

class Reader {
  private readonly tokens: readonly Token[];
  private readonly where: string;
  private at = 0;

  constructor(tokens: readonly Token[], where: string) {
    this.tokens = tokens;
    this.where = where;
  }

  /** `closing`: the mark that ends it; null for the whole text. */
  message(closing: string | null, depth: number): PbMessage {
    if (depth > MOST_DEPTH) throw this.wrong(`it nests deeper than ${MOST_DEPTH} levels`);
    const fields = new Map<string, PbValue[]>();
    for (;;) {
      if (closing === null && this.at >= this.tokens.length) return fields;
      if (closing !== null && this.takeMark(closing)) return fields;
      const name = this.fieldName();
      const hasColon = this.takeMark(':');
      const list = fields.get(name) ?? [];
      fields.set(name, list);
      for (const value of this.values(hasColon, depth)) list.push(value);
      if (!this.takeMark(',')) this.takeMark(';');
    }
  }

  private fieldName(): string {
    if (!this.takeMark('[')) {
      const token = this.next();
      if (token.kind === 'word' && /^[A-Za-z_]/.test(token.value)) return token.value;
      throw this.wrong('a field was expected', token.value);
    }
    // The name of an extension, or the type of an Any.
    let name = '[';
    while (!this.takeMark(']')) {
      const { kind, value } = this.next();
      if (kind === 'text' || '{}<>:;,'.includes(value))
        throw this.wrong('the name of an extension was expected', value);
      name += value;
    }
    return `${name}]`;
  }

  private values(hasColon: boolean, depth: number): PbValue[] {
    if (!this.takeMark('[')) return [this.value(hasColon, depth)];
    const found: PbValue[] = [];
    if (this.takeMark(']')) return found;
    do found.push(this.value(hasColon, depth));
    while (this.takeMark(','));
    if (!this.takeMark(']')) throw this.wrong('] was expected', this.tokens[this.at]?.value);
    return found;
  }

  private value(hasColon: boolean, depth: number): PbValue {
    const token = this.next();
    const closing = token.kind === 'mark' ? CLOSING[token.value] : undefined;
    if (closing !== undefined) return { kind: 'message', fields: this.message(closing, depth + 1) };
    if (!hasColon) throw this.wrong('a colon or a message was expected', token.value);
    if (token.kind === 'text') return { kind: 'text', value: token.value + this.moreText() };
    if (token.kind === 'word') return { kind: 'word', value: token.value };
    if (token.value === '-') {
      const word = this.next();
      if (word.kind === 'word') return { kind: 'word', value: `-${word.value}` };
    }
    throw this.wrong('a value was expected', token.value);
  }

  // Strings side by side are one.
  private moreText(): string {
    let text = '';
    for (let token = this.tokens[this.at]; token?.kind === 'text'; token = this.tokens[this.at]) {
      text += token.value;
      this.at++;
    }
    return text;
  }

  private takeMark(mark: string): boolean {
    const token = this.tokens[this.at];
    if (token?.kind !== 'mark' || token.value !== mark) return false;
    this.at++;
    return true;
  }

  private next(): Token {
    const token = this.tokens[this.at++];
    if (token === undefined) throw this.wrong('it ends in the middle');
    return token;
  }

  private wrong(what: string, got?: string): Error {
    const { line = 1 } = this.tokens[Math.min(this.at, this.tokens.length) - 1] ?? {};
    return unreadable(what, `${this.where}:${line}`, got);
  }
}
