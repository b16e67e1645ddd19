import type { Binding, BoundSequence, RejectRule } from '../../base/contract/binding.ts';
import type { SourceKind } from '../../data/duckdb/source-kind.ts';
import type { ElementArray } from '../../model/elements/elements.ts';
import type { FeatureBatch } from './feature-batch.ts';
import { type ListSource, listSource } from './pack-list.ts';
import { fillNulls, packNumbers } from './pack-numbers.ts';
import { mark, type RejectCodes, type RowMarks } from './reject-codes.ts';

/** Where the lengths of a slab's rows are written, and how much of its room is taken. */
export interface SequenceRoom {
  /** Steps of each row, for each of `Binding.lengths`; 0: the row is not scored. */
  readonly lengths: readonly Int32Array[];
  /** Steps that rows have taken, for each length. */
  readonly taken: number[];
  /** Elements that are packed, for each input. */
  readonly packed: number[];
}

type Columns = readonly { readonly name: string; readonly kind: SourceKind }[];
type OnBadRow = (rule: RejectRule, column: string, message: string) => void;

interface Source {
  readonly input: BoundSequence;
  readonly place: number;
  readonly name: string;
}

/**
 * Lists of any length: how long the rows are, and their elements one row behind another without a gap. A row whose lists cannot
 * be used, or do not agree in length, is marked and has the length 0.
 */
export class SequencePacker {
  private readonly sources: readonly Source[];
  private readonly binding: Binding;
  private readonly columns: Columns;
  private readonly codes: RejectCodes;
  private batch: FeatureBatch | null = null;
  private lists: readonly ListSource[] = [];

  constructor(binding: Binding, columns: Columns, codes: RejectCodes) {
    this.binding = binding;
    this.columns = columns;
    this.codes = codes;
    this.sources = binding.inputs.flatMap((input) => {
      if (input.kind !== 'sequence') return [];
      return [{ input, place: columns.findIndex((c) => c.name === input.column), name: input.column }];
    });
  }

  /**
   * Measures rows from `from` and gives how many of `count` have room; `capacity` is what there is for each length. Called
   * before the rows of a batch are packed.
   */
  measure(
    batch: FeatureBatch,
    from: number,
    count: number,
    { lengths, taken }: SequenceRoom,
    capacity: readonly number[],
    marks: RowMarks,
  ): number {
    // A batch of live rows is one object for all requests.
    if (this.batch !== batch || from === 0) {
      this.batch = batch;
      this.lists = this.sources.map(({ place }) => listSource(batch.column(place), this.columns[place]!.kind.carrier));
    }
    const row = new Array<number>(lengths.length).fill(0);
    for (let i = 0; i < count; i++) {
      const isUsable = this.lengthsOf(from + i, row, (rule, name, message) =>
        mark(marks, i, this.codes.codeOf(rule, name, message)),
      );
      if (!isUsable) row.fill(0);
      else if (row.some((steps, n) => taken[n]! + steps > capacity[n]!)) return i;
      row.forEach((steps, n) => {
        lengths[n]![marks.first + i] = steps;
        taken[n]! += steps;
      });
    }
    return count;
  }

  /** Appends the elements of rows [at, at + count) of the slab, which are rows from `from` of the batch that was measured. */
  pack(
    index: number,
    input: BoundSequence,
    from: number,
    count: number,
    at: number,
    out: ElementArray,
    room: SequenceRoom,
    fill: number | bigint | null,
    marks: RowMarks,
  ): void {
    const list = this.lists[this.sources.findIndex((s) => s.input === input)]!;
    const lengths = room.lengths[input.length]!;
    for (let i = 0; i < count; ) {
      const first = i;
      const start = list.entries[(from + i) * 4]!;
      let end = start;
      // Rows that follow each other in the child are packed by one copy.
      while (i < count && (lengths[at + i] === 0 || list.entries[(from + i) * 4] === end))
        end += lengths[at + i++]! * input.step;
      const elements = end - start;
      if (elements === 0) continue;
      const target = { type: input.type, out, base: room.packed[index]!, stride: 1 };
      const rowOf = (element: number): number => {
        let [row, left] = [first, element];
        while (left >= lengths[at + row]! * input.step) left -= lengths[at + row++]! * input.step;
        return row;
      };
      packNumbers(list.elements, start, elements, target, (element, rule) =>
        mark(marks, rowOf(element), this.codes.codeOf(rule, input.column, `an element does not fit ${input.type}`)),
      );
      fillNulls(list.elements.validity, start, elements, target, fill, (element) =>
        mark(marks, rowOf(element), this.codes.codeOf('null', input.column, 'an element is null')),
      );
      room.packed[index]! += elements;
    }
  }

  /** The lengths of one row into `steps`; whether its lists can be used. */
  private lengthsOf(row: number, steps: number[], onBad: OnBadRow): boolean {
    steps.fill(0);
    for (const [k, { input, name }] of this.sources.entries()) {
      const { entries, validity } = this.lists[k]!;
      const elements = entries[row * 4 + 2]!;
      const known = steps[input.length]!;
      const found = elements / input.step;
      const bad = (message: string): false => {
        onBad('list_length', name, message);
        return false;
      };
      if (validity !== null && ((validity[row >> 3]! >> (row & 7)) & 1) === 0) {
        onBad('null_list', name, 'list is null');
        return false;
      }
      if (elements === 0) return bad('list is empty');
      if (elements % input.step !== 0) return bad(`list has ${elements} elements, no multiple of ${input.step}`);
      const { maxLength } = this.binding.lengths![input.length]!;
      if (found > maxLength) return bad(`list has ${found} steps, more than ${maxLength} (maxLength)`);
      if (known !== 0 && known !== found) {
        const other = this.sources.find((s) => s.input.length === input.length)!.name;
        return bad(`list has ${found} steps, but that of ${other} has ${known}`);
      }
      steps[input.length] = found;
    }
    return true;
  }
}
