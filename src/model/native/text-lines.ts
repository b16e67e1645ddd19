import type { RefuseModel } from './refuse-model.ts';

/** Characters that one string of V8 can hold, with a margin. */
const LONGEST_TEXT = 0x1fff_0000;

/** A file as one text. Errors: MODEL_INVALID when it is no UTF-8, or longer than a text can be. */
export function modelText(bytes: Uint8Array, refuse: RefuseModel): string {
  if (bytes.length > LONGEST_TEXT)
    refuse('the model file is too large to be read as text', '', {
      expected: `at most ${LONGEST_TEXT} bytes`,
      got: String(bytes.length),
      fix: 'Train with fewer or smaller trees, or convert the model to ONNX.',
    });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('the model file is no UTF-8 text', '');
  }
}

/** The lines of a text, one after the other, with their numbers. */
export class TextLines {
  private readonly text: string;
  private at = 0;
  private count = 0;
  private line: string | null = null;

  constructor(text: string) {
    this.text = text;
  }

  /** The line that was read last, as a place. */
  get place(): string {
    return `line ${this.count}`;
  }

  /** What `next` answered last. */
  get last(): string | null {
    return this.line;
  }

  /** The next line without its end; null after the last. */
  next(): string | null {
    if (this.at >= this.text.length) {
      this.line = null;
      return null;
    }
    const found = this.text.indexOf('\n', this.at);
    const end = found < 0 ? this.text.length : found;
    const line = this.text.slice(this.at, end).replace(/\r$/, '');
    this.at = end + 1;
    this.count++;
    this.line = line;
    return line;
  }
}

/** A line `key=value`, with its place. */
export interface TextValue {
  readonly value: string;
  readonly place: string;
}

const WHOLE = /^-?\d{1,10}$/;
// Only what both C and JavaScript read in the same way.
const NUMBERS = /^[-+.0-9eE ]*$/;

/** A whole number of 32 bits. Errors: MODEL_INVALID. */
export function wholeNumber(name: string, { value, place }: TextValue, refuse: RefuseModel): number {
  const number = WHOLE.test(value) ? Number(value) : Number.NaN;
  if (number !== (number | 0)) refuse(`${name} is no whole number`, place, { got: shorten(value) });
  return number;
}

/** Numbers between single spaces, exactly `count`. Errors: MODEL_INVALID. */
export function numbers(name: string, { value, place }: TextValue, count: number, refuse: RefuseModel): number[] {
  const texts = value === '' ? [] : value.trimEnd().split(' ');
  if (texts.length !== count)
    refuse(`${name} has another number of values than the tree says`, place, {
      expected: String(count),
      got: String(texts.length),
    });
  const isPlain = NUMBERS.test(value);
  return texts.map((text) => {
    const number = isPlain && text !== '' ? Number(text) : oddNumber(text);
    if (number === null || (isPlain && Number.isNaN(number)))
      return refuse(`${name} has a value that is no number`, place, { got: shorten(text) });
    return number;
  });
}

/** The same, each a whole number from `least` to `most`. Errors: MODEL_INVALID. */
export function wholeNumbers(
  name: string,
  text: TextValue,
  count: number,
  [least, most]: readonly [number, number],
  refuse: RefuseModel,
): number[] {
  const found = numbers(name, text, count, refuse);
  const bad = found.find((number) => !(Number.isInteger(number) && number >= least && number <= most));
  if (bad !== undefined)
    refuse(`${name} has a value that cannot be`, text.place, { expected: `${least} to ${most}`, got: String(bad) });
  return found;
}

// As C writes what is not finite.
function oddNumber(text: string): number | null {
  if (/^-?nan$/i.test(text)) return Number.NaN;
  if (/^\+?inf(inity)?$/i.test(text)) return Number.POSITIVE_INFINITY;
  if (/^-inf(inity)?$/i.test(text)) return Number.NEGATIVE_INFINITY;
  return text !== '' && NUMBERS.test(text) ? Number(text) : null;
}

/** What may stand in a message: short, one line. */
export function shorten(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?');
  return plain.length > 60 ? `${plain.slice(0, 60)}...` : plain;
}
