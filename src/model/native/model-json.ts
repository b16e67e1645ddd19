import type { RefuseModel } from './refuse-model.ts';
import { shorten } from './text-lines.ts';

// Numbers that JSON has no words for, as XGBoost and Python write them. Strings are matched to be left alone.
const ODD_WORDS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/g;

/** JSON, also with NaN (null here) and Infinity. Errors: MODEL_INVALID with the place. */
export function parseModelJson(text: string, refuse: RefuseModel): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) return refuse('the file is no JSON', placeOf(error, text));
  }
  const plain = text.replace(ODD_WORDS, (word) =>
    word.startsWith('"') ? word : word === 'NaN' ? 'null' : word.startsWith('-') ? '-1e999' : '1e999',
  );
  try {
    return JSON.parse(plain);
  } catch (error) {
    return refuse('the file is no JSON', placeOf(error, plain));
  }
}

function placeOf(error: unknown, text: string): string {
  const at = /position (\d+)/.exec(String(error))?.[1];
  return at === undefined ? `character ${text.length}` : `character ${at}`;
}

/** A value of a parsed file with the keys that lead to it. Every question answers, or refuses by the path. */
export class Part {
  private readonly value: unknown;
  private readonly refuse: RefuseModel;
  readonly path: string;

  constructor(value: unknown, path: string, refuse: RefuseModel) {
    this.value = value;
    this.path = path;
    this.refuse = refuse;
  }

  has(key: string): boolean {
    return isRecord(this.value) && Object.hasOwn(this.value, key) && this.value[key] !== null;
  }

  at(key: string): Part {
    if (!isRecord(this.value) || !Object.hasOwn(this.value, key)) this.fail(`there is no ${shorten(key)}`);
    return new Part(this.value[key], this.path === '' ? shorten(key) : `${this.path}.${shorten(key)}`, this.refuse);
  }

  get keys(): string[] {
    return isRecord(this.value) ? Object.keys(this.value) : this.fail('it is no object');
  }

  get isNumber(): boolean {
    return typeof this.value === 'number';
  }

  get isText(): boolean {
    return typeof this.value === 'string';
  }

  get isBoolean(): boolean {
    return typeof this.value === 'boolean';
  }

  get truth(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.fail('it is neither true nor false');
  }

  get list(): Part[] {
    if (!Array.isArray(this.value)) return this.fail('it is no list');
    return this.value.map((one: unknown, i) => new Part(one, `${this.path}[${i}]`, this.refuse));
  }

  get text(): string {
    return typeof this.value === 'string' ? this.value : this.fail('it is no text');
  }

  get number(): number {
    return typeof this.value === 'number' ? this.value : this.fail('it is no number');
  }

  /** A whole number from `least` to `most`, also as a text, as XGBoost writes its parameters. */
  whole(least: number, most: number): number {
    const { value } = this;
    const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most) return number;
    return this.refuse(`${this.path} is no whole number that can be`, this.path, {
      expected: `${least} to ${most}`,
      got: shorten(String(value)),
    });
  }

  /** Numbers, `count` of them where it is given; NaN for null. */
  numbers(count?: number): ArrayLike<number> {
    const { value } = this;
    const found = value instanceof Float32Array || value instanceof Float64Array ? value : this.plainNumbers();
    if (count !== undefined && found.length !== count)
      this.refuse(`${this.path} has another number of values than it should`, this.path, {
        expected: String(count),
        got: String(found.length),
      });
    return found;
  }

  /** The same, each a whole number from `least` to `most`. */
  wholes(least: number, most: number, count?: number): ArrayLike<number> {
    const found = this.numbers(count);
    for (let i = 0; i < found.length; i++)
      if (!(Number.isInteger(found[i]) && found[i]! >= least && found[i]! <= most))
        this.refuse(`${this.path} has a value that cannot be`, this.path, {
          expected: `${least} to ${most}`,
          got: String(found[i]),
        });
    return found;
  }

  /** Refuses what is not supported or cannot be. */
  fail(what: string, fix?: string): never {
    return this.refuse(what, this.path, fix === undefined ? {} : { fix });
  }

  private plainNumbers(): number[] {
    if (!Array.isArray(this.value)) return this.fail('it is no list');
    return this.value.map((one: unknown) => {
      if (typeof one === 'number') return one;
      // Older files of XGBoost write flags as such.
      if (typeof one === 'boolean') return one ? 1 : 0;
      return one === null ? Number.NaN : this.fail('it has a value that is no number');
    });
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}
