import type {
  Binding,
  BoundColumns,
  BoundInput,
  BoundList,
  BoundSequence,
  BoundSource,
} from '../../base/contract/binding.ts';
import type { SourceKind } from '../../data/duckdb/source-kind.ts';
import { type ElementArray, elementView } from '../../model/elements/elements.ts';
import { storedValue } from '../../model/elements/stored-value.ts';
import type { FeatureBatch } from './feature-batch.ts';
import { numberSource } from './number-source.ts';
import { listSource, packList } from './pack-list.ts';
import { fillNulls, packNumbers } from './pack-numbers.ts';
import { SequencePacker, type SequenceRoom } from './pack-sequences.ts';
import { mark, type RejectCodes, type RowMarks } from './reject-codes.ts';
import { lengthViews, type SlabLayout } from './slab-layout.ts';
import type { RefusedText, StringDictionary } from './string-dictionary.ts';

/** A column of the decode query: which source column, in which form. */
export interface DecodedColumn {
  readonly name: string;
  readonly kind: SourceKind;
}

/** The feeds of one slab while they are packed. */
export interface SlabFeeds {
  readonly arrays: readonly (ElementArray | null)[];
  readonly codes: Uint16Array;
  /** Of lists of any length. */
  readonly sequences: SequenceRoom & {
    /** Steps that there is room for, for each length. */ readonly capacity: readonly number[];
  };
}

/** Packs rows [from, from + count) of the batch it was made for to rows [at, at + count) of a slab. */
type RowPacker = (from: number, count: number, at: number) => void;

// Rows packed column by column before the next ones: 256 rows of 30 floats stay in the first-level cache.
const BLOCK_ROWS = 256;

/** Views over a slab's shared buffer. Owns: nothing; the buffer belongs to the slab ring. */
export function slabFeeds(binding: Binding, layout: SlabLayout, buffer: ArrayBufferLike): SlabFeeds {
  const arrays = binding.inputs.map((input, i) => {
    const at = layout.inputs[i];
    return at == null ? null : elementView(input.type, buffer, at.offset, at.elements);
  });
  const lengths = lengthViews(layout, buffer);
  const capacity = lengths.map((_, n) => {
    const at = binding.inputs.findIndex((input) => input.kind === 'sequence' && input.length === n);
    const [input, place] = [binding.inputs[at], layout.inputs[at]];
    return input?.kind === 'sequence' && place != null ? place.elements / input.step : 0;
  });
  const sequences = { lengths, capacity, taken: capacity.map(() => 0), packed: arrays.map(() => 0) };
  return { arrays, codes: new Uint16Array(layout.rows), sequences };
}

/** Empties feeds for the next rows. */
export function clearFeeds({ codes, sequences }: SlabFeeds): void {
  codes.fill(0);
  sequences.taken.fill(0);
  sequences.packed.fill(0);
}

/**
 * Packs decoded batches into feeds: columns into [N], [N, 1] or [N, F] row-major, list columns into [N, K] or one row behind
 * another where they have any length, texts into codes of `dictionary`. Rows that break a rule are marked in `codes` and hold zeros; they stay in their batch, so that
 * positions and batch boundaries never move.
 */
export class FeaturePacker {
  private readonly binding: Binding;
  private readonly codes: RejectCodes;
  private readonly dictionary: StringDictionary;
  private readonly places: readonly (readonly number[])[];
  private readonly columns: readonly DecodedColumn[];
  private readonly sequences: SequencePacker | null;

  constructor(binding: Binding, columns: readonly DecodedColumn[], codes: RejectCodes, dictionary: StringDictionary) {
    this.binding = binding;
    this.columns = columns;
    this.codes = codes;
    this.dictionary = dictionary;
    this.sequences = binding.lengths === undefined ? null : new SequencePacker(binding, columns, codes);
    const place = new Map(columns.map((c, i) => [c.name, i]));
    this.places = binding.inputs.map((input) => columnsOf(input).map((name) => place.get(name) ?? -1));
  }

  /**
   * How many of rows [from, from + count) of a batch have room in the slab from row `at`: all, but for lists of any length. To be
   * asked before they are packed, in the order of the rows; 0 for a full slab.
   */
  room(batch: FeatureBatch, from: number, count: number, feeds: SlabFeeds, at: number): number {
    if (this.sequences === null) return count;
    const { sequences, codes } = feeds;
    return this.sequences.measure(batch, from, count, sequences, sequences.capacity, { codes, first: at });
  }

  /** Packs rows [from, from + count) of a batch to rows [at, at + count) of the slab. */
  pack(batch: FeatureBatch, from: number, count: number, feeds: SlabFeeds, at: number): void {
    const marks: RowMarks = { codes: feeds.codes, first: at };
    const packers = this.binding.inputs.flatMap((input, i) => {
      const out = feeds.arrays[i];
      if (out == null || input.kind === 'constant' || input.kind === 'mask') return [];
      const places = this.places[i]!;
      if (input.kind === 'sequence') return [this.sequencePacker(input, i, feeds, out, marks)];
      if (input.kind === 'list') return [this.listPacker(input, places[0]!, batch, out, marks)];
      return places.map((place, j) => this.columnPacker(input, place, j, places.length, batch, out, marks));
    });
    for (let done = 0; done < count; done += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, count - done);
      marks.first = at + done;
      for (const packer of packers) packer(from + done, rows, at + done);
    }
  }

  private columnPacker(
    input: BoundColumns,
    place: number,
    index: number,
    stride: number,
    batch: FeatureBatch,
    out: ElementArray,
    marks: RowMarks,
  ): RowPacker {
    const { name, kind } = this.columns[place]!;
    const onNull = (row: number): void => mark(marks, row, this.codes.codeOf('null', name, 'value is null'));
    if (kind.carrier === 'str') {
      const onRefused = (row: number, { rule, message }: RefusedText): void =>
        mark(marks, row, this.codes.codeOf(rule, name, message));
      return this.textPacker(input, place, index, stride, batch, out as Uint32Array, onNull, onRefused);
    }
    const source = numberSource(batch.column(place), kind.carrier);
    const onBad = (row: number, rule: Parameters<RejectCodes['codeOf']>[0]): void =>
      mark(marks, row, this.codes.codeOf(rule, name, `does not fit ${input.type}`));
    const fill = nullValue(input);
    return (from, count, at) => {
      const target = { type: input.type, out, base: at * stride + index, stride };
      packNumbers(source, from, count, target, onBad);
      fillNulls(source.validity, from, count, target, fill, onNull);
    };
  }

  private textPacker(
    input: BoundColumns,
    place: number,
    index: number,
    stride: number,
    batch: FeatureBatch,
    codes: Uint32Array,
    onNull: (row: number) => void,
    onRefused: (row: number, why: RefusedText) => void,
  ): RowPacker {
    const view = batch.column(place);
    const words = view.stringWords();
    const validity = view.validity();
    const isNull = (row: number): boolean => validity !== null && ((validity[row >> 3]! >> (row & 7)) & 1) === 0;
    const textAt = (row: number): string => batch.text(place, row) ?? '';
    const fill = typeof input.nulls === 'object' ? String(input.nulls.fill) : null;
    const nullCode = this.dictionary.codeOf(fill ?? '');
    const { refused } = this.dictionary;
    const encode = this.dictionary.encoder(words, isNull, textAt);
    return (from, count, at) => {
      const base = at * stride + index;
      encode(from, count, codes, base, stride);
      for (let i = 0; validity !== null && i < count; i++) {
        if (!isNull(from + i)) continue;
        codes[base + i * stride] = nullCode;
        if (fill === null) onNull(i);
      }
      for (let i = 0; refused.size > 0 && i < count; i++) {
        const why = refused.get(codes[base + i * stride]!);
        if (why !== undefined) onRefused(i, why);
      }
    };
  }

  private sequencePacker(
    input: BoundSequence,
    index: number,
    { sequences }: SlabFeeds,
    out: ElementArray,
    marks: RowMarks,
  ): RowPacker {
    const fill = nullValue(input);
    return (from, count, at) => this.sequences?.pack(index, input, from, count, at, out, sequences, fill, marks);
  }

  private listPacker(
    input: BoundList,
    place: number,
    batch: FeatureBatch,
    out: ElementArray,
    marks: RowMarks,
  ): RowPacker {
    const { name, kind } = this.columns[place]!;
    const source = listSource(batch.column(place), kind.carrier);
    const fill = nullValue(input);
    return (from, count, at) =>
      packList(source, from, count, input, out, at * input.width, fill, (row, rule, message) =>
        mark(marks, row, this.codes.codeOf(rule, name, message)),
      );
  }
}

/** Source columns of an input, in tensor order. */
export function columnsOf(input: BoundInput): readonly string[] {
  if (input.kind === 'columns') return input.columns;
  return input.kind === 'list' || input.kind === 'sequence' ? [input.column] : [];
}

/** What replaces a null: NaN, the fill, or null for "reject the row". */
function nullValue(input: BoundSource): number | bigint | null {
  if (input.nulls === 'reject') return null;
  if (input.nulls === 'nan') return storedValue(input.type, Number.NaN);
  const { fill } = input.nulls;
  return typeof fill === 'string' ? null : storedValue(input.type, fill);
}
