import type { RejectRule } from '../../base/contract/binding.ts';
import { TEXT_LIMIT } from '../../data/duckdb/source-kind.ts';

/** Why a row with this text cannot be scored. */
export interface RefusedText {
  readonly rule: RejectRule;
  readonly message: string;
}

// The runtime's JavaScript half would cut the text there, unlike its Python one.
const HOLDS_NUL: RefusedText = { rule: 'bad_utf8', message: 'a text holds a NUL character' };
const TOO_LONG: RefusedText = { rule: 'too_long', message: `text has more than ${TEXT_LIMIT.bytes} bytes` };

/**
 * Codes for the texts of one chunk. A text of at most 12 bytes is recognised by the 16 bytes that DuckDB keeps in the
 * vector itself; a longer one by its pointer, which is only trusted within one batch. So a JS string is made once per
 * distinct text (short ones) or once per distinct text and batch (long ones), not once per row.
 */
export class StringDictionary {
  /** Texts by code. */
  readonly texts: string[] = [];
  /** Codes of texts that cannot be fed. */
  readonly refused = new Map<number, RefusedText>();
  private readonly codes = new Map<string, number>();
  private readonly short = new WordTable();

  /** The code of a text; new texts are appended to `texts`. */
  codeOf(text: string): number {
    const known = this.codes.get(text);
    if (known !== undefined) return known;
    const code = this.texts.push(text) - 1;
    this.codes.set(text, code);
    if (text.includes('\0')) this.refused.set(code, text === TEXT_LIMIT.mark ? TOO_LONG : HOLDS_NUL);
    return code;
  }

  /**
   * An encoder for one batch, whose string_t words these are: writes the codes of `count` texts from row `from` to
   * `out[base + i * stride]`. Rows of which `isNull` is true are left alone. `textAt` gives the text of a row.
   */
  encoder(
    words: Uint32Array,
    isNull: (row: number) => boolean,
    textAt: (row: number) => string,
  ): (from: number, count: number, out: Uint32Array, base: number, stride: number) => void {
    const { short } = this;
    const long = new WordTable();
    return (from, count, out, base, stride) => {
      for (let i = 0; i < count; i++) {
        const row = from + i;
        if (isNull(row)) continue;
        const w = row * 4;
        const table = words[w]! <= 12 ? short : long;
        const slot = table.find(words[w]!, words[w + 1]!, words[w + 2]!, words[w + 3]!);
        let code = table.valueAt(slot);
        if (code < 0) {
          code = this.codeOf(textAt(row));
          table.insert(slot, words[w]!, words[w + 1]!, words[w + 2]!, words[w + 3]!, code);
        }
        out[base + i * stride] = code;
      }
    };
  }
}

/** Open addressing from four 32-bit words to a number; grows at half load. */
class WordTable {
  private capacity = 64;
  private size = 0;
  private keys = new Uint32Array(this.capacity * 4);
  private values = new Int32Array(this.capacity).fill(-1);

  find(a: number, b: number, c: number, d: number): number {
    let slot = hash(a, b, c, d) & (this.capacity - 1);
    while (this.values[slot]! >= 0) {
      const k = slot * 4;
      if (this.keys[k] === a && this.keys[k + 1] === b && this.keys[k + 2] === c && this.keys[k + 3] === d) break;
      slot = (slot + 1) & (this.capacity - 1);
    }
    return slot;
  }

  valueAt(slot: number): number {
    return this.values[slot]!;
  }

  insert(slot: number, a: number, b: number, c: number, d: number, value: number): void {
    this.put(slot, a, b, c, d, value);
    this.size++;
    if (this.size * 2 > this.capacity) this.grow();
  }

  private put(slot: number, a: number, b: number, c: number, d: number, value: number): void {
    const k = slot * 4;
    this.keys[k] = a;
    this.keys[k + 1] = b;
    this.keys[k + 2] = c;
    this.keys[k + 3] = d;
    this.values[slot] = value;
  }

  private grow(): void {
    const { keys, values, capacity } = this;
    this.capacity = capacity * 2;
    this.keys = new Uint32Array(this.capacity * 4);
    this.values = new Int32Array(this.capacity).fill(-1);
    for (let slot = 0; slot < capacity; slot++) {
      if (values[slot]! < 0) continue;
      const k = slot * 4;
      const [a, b, c, d] = [keys[k]!, keys[k + 1]!, keys[k + 2]!, keys[k + 3]!];
      this.put(this.find(a, b, c, d), a, b, c, d, values[slot]!);
    }
  }
}

function hash(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ b, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15) ^ c, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 13) ^ d, 0x165667b1);
  return h ^ (h >>> 16);
}
