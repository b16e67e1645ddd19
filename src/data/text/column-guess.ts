import type { ColumnInfo } from '../../base/contract/table.ts';
import { notFinite } from './float-readers.ts';
import { readIsoDate, readIsoInstant, type TimeReader } from './time-texts.ts';

/** What a text of CSV may be; a column has a set of them. */
export const CLASS = {
  integer: 1,
  /** An integer that a double would change. */
  longInteger: 2,
  double: 4,
  /** NaN and the infinities. */
  notFinite: 8,
  flag: 16,
  date: 32,
  timestamp: 64,
  zonedTimestamp: 128,
  text: 256,
} as const;

const INTEGER = /^-?(?:0|[1-9]\d*)$/;
const FRACTION = /^-?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

export interface ClassForms {
  readonly decimal: '.' | ',';
  readonly date: TimeReader | null;
  readonly timestamp: TimeReader | null;
}

/**
 * The class of a text that is neither null nor empty. A number is what every reader takes for the same one: no zero in front, no
 * sign +, no integer beyond 64 bits, no number beyond a double; all of these are texts.
 */
export function classOf(text: string, forms: ClassForms): number {
  const value = text.replace(/^[ \t]+|[ \t]+$/g, '');
  const first = value.charCodeAt(0);
  if ((first >= 0x30 && first <= 0x39) || first === 0x2d || first === 0x2e || first === 0x2c) {
    const number = numberClass(value, forms.decimal);
    if (number !== CLASS.text) return number;
  }
  const time = timeClass(value, forms);
  if (time !== CLASS.text) return time;
  if (/^(?:true|false)$/i.test(value)) return CLASS.flag;
  return value.length <= 9 && notFinite(value) !== undefined ? CLASS.notFinite : CLASS.text;
}

function numberClass(value: string, decimal: '.' | ','): number {
  if (value !== '-0' && INTEGER.test(value)) {
    if (value.length <= 15) return CLASS.integer;
    if (value.length > 20) return CLASS.text;
    const exact = BigInt(value);
    if (exact > MAX_INT64 || exact < MIN_INT64) return CLASS.text;
    return BigInt(Number(value)) === exact ? CLASS.integer : CLASS.integer | CLASS.longInteger;
  }
  const dotted = decimal === '.' ? value : value.includes('.') ? '' : value.replace(',', '.');
  return FRACTION.test(dotted) && Number.isFinite(Number(dotted)) ? CLASS.double : CLASS.text;
}

function timeClass(value: string, forms: ClassForms): number {
  if (value.length < 6) return CLASS.text;
  if ((forms.date ?? readIsoDate)(value) !== null) return CLASS.date;
  const found = (forms.timestamp ?? readIsoInstant)(value);
  if (found !== null) return found.hasZone ? CLASS.zonedTimestamp : CLASS.timestamp;
  // The zone has no place in a format: a text with one is ISO 8601.
  return forms.timestamp !== null && readIsoInstant(value)?.hasZone === true ? CLASS.zonedTimestamp : CLASS.text;
}

const NUMBERS = CLASS.integer | CLASS.longInteger | CLASS.double | CLASS.notFinite;

/** The type that holds every text of these classes as what it is: a text where they do not agree. Null for no class at all. */
export function typeOfClasses(classes: number): string | null {
  if (classes === 0) return null;
  if ((classes & ~NUMBERS) === 0) {
    if ((classes & (CLASS.double | CLASS.notFinite)) === 0) return 'BIGINT';
    return (classes & CLASS.longInteger) === 0 ? 'DOUBLE' : 'VARCHAR';
  }
  if (classes === CLASS.flag) return 'BOOLEAN';
  if (classes === CLASS.date) return 'DATE';
  if ((classes & ~(CLASS.date | CLASS.timestamp)) === 0) return 'TIMESTAMP';
  return classes === CLASS.zonedTimestamp ? 'TIMESTAMP WITH TIME ZONE' : 'VARCHAR';
}

/** What people write for "no value". */
const NULL_WORDS = new Set(['na', 'n/a', '#n/a', 'null', 'none', 'nil', '-', '.', '?', '\\n', 'missing', '<na>']);
const KEPT_WORDS = 4;

/** What the first lines say of one column. */
export class ColumnGuess {
  private classes = 0;
  private readonly words = new Map<string, number>();
  private isOnlyWords = true;
  private textLine: number | null = null;
  private laterClasses = 0;

  /** `line`: from 1. */
  add(classes: number, text: string, line: number): void {
    this.classes |= classes;
    if (classes === CLASS.text) this.textLine ??= line;
    if (classes !== CLASS.text || !this.isOnlyWords || this.words.has(text)) return;
    if (this.words.size < KEPT_WORDS && NULL_WORDS.has(text.trim().toLowerCase())) this.words.set(text, line);
    else this.isOnlyWords = false;
  }

  /** What comes later in the file counts as long as it makes no text of what the first lines have. */
  addLater(classes: number): void {
    this.laterClasses |= classes;
    const both = this.classes | classes;
    if (this.classes !== 0 && typeOfClasses(both) !== 'VARCHAR') this.classes = both;
  }

  /** Whether more texts would say nothing new. */
  get isSettled(): boolean {
    return (this.classes & CLASS.text) !== 0 && this.classes !== CLASS.text && !this.isOnlyWords;
  }

  /** The column as it is described. */
  column(name: string, field: number): ColumnInfo {
    if (this.classes === 0) this.classes = this.laterClasses;
    const type = typeOfClasses(this.classes);
    const base = { name, type: type ?? 'VARCHAR', nullable: true };
    const text = {
      field,
      isDeclared: false,
      ...(type === null ? { isEmpty: true as const } : {}),
      ...(this.textLine === null || this.classes === CLASS.text ? {} : { textLine: this.textLine }),
      ...((this.classes & CLASS.longInteger) === 0 ? {} : { hasLongIntegers: true as const }),
    };
    return { ...base, text, ...this.refusal(type) };
  }

  private refusal(type: string | null): { readonly unsupported?: string } {
    if (type === null) return { unsupported: EMPTY };
    const [word] = this.words;
    if (word === undefined || !this.isOnlyWords || this.classes === CLASS.text) return {};
    const [text, line] = word;
    const all = [...this.words.keys()].map((w) => JSON.stringify(w)).join(', ');
    const what = `line ${line} has ${JSON.stringify(text)} beside values of another type`;
    return { unsupported: `${what}; say input.csv.nulls: [${all}], or its type in input.schema` };
  }
}

/** Why a column without any value in the sample cannot be used. */
export const EMPTY = 'the first lines have no value in it; say its type in input.schema';
