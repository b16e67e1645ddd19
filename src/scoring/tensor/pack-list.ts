import type { BoundList, RejectRule } from '../../base/contract/binding.ts';
import type { SourceKind } from '../../data/duckdb/source-kind.ts';
import type { ElementArray } from '../../model/elements/elements.ts';
import type { FeatureVector } from './feature-batch.ts';
import { numberSource } from './number-source.ts';
import { fillNulls, type NumberSource, packNumbers } from './pack-numbers.ts';

type OnBadRow = (row: number, rule: RejectRule, message: string) => void;

/** A vector of lists as the packer takes it. */
export interface ListSource {
  /** Four words a row: offset low and high, length low and high, counted in elements. */
  readonly entries: Uint32Array;
  readonly elements: NumberSource;
  /** Of the lists themselves; null when every row is there. */
  readonly validity: Uint8Array | null;
}

/** Once a batch: each view over megabytes of elements counts as memory with the garbage collector. */
export function listSource(view: FeatureVector, carrier: SourceKind['carrier']): ListSource {
  const { entries, child } = view.list();
  return { entries, elements: numberSource(child, carrier), validity: view.validity() };
}

/**
 * Packs `count` lists from row `from` into [N, K] at `out[base]`. A null list is `null_list`, another length is
 * `list_length`; elements follow the cast and null rules of scalars. `fill` null means: a null element rejects its row.
 */
export function packList(
  { entries, elements, validity }: ListSource,
  from: number,
  count: number,
  input: BoundList,
  out: ElementArray,
  base: number,
  fill: number | bigint | null,
  onBad: OnBadRow,
): void {
  const { width } = input;
  let i = 0;
  while (i < count) {
    const row = from + i;
    const isNull = validity !== null && ((validity[row >> 3]! >> (row & 7)) & 1) === 0;
    if (isNull || entries[row * 4 + 2] !== width) {
      zeroRow(out, base + i * width, width);
      if (isNull) onBad(i, 'null_list', 'list is null');
      else onBad(i, 'list_length', `list has ${entries[row * 4 + 2]} elements instead of ${width}`);
      i++;
      continue;
    }
    // Rows that follow each other in the child are packed by one copy: the usual case is the whole batch.
    const start = entries[row * 4]!;
    let run = 1;
    while (i + run < count && isNext(entries, validity, row + run, start + run * width, width)) run++;
    const first = i;
    const target = { type: input.type, out, base: base + i * width, stride: 1 };
    packNumbers(elements, start, run * width, target, (element, rule) =>
      onBad(first + Math.floor(element / width), rule, `an element does not fit ${input.type}`),
    );
    fillNulls(elements.validity, start, run * width, target, fill, (element) =>
      onBad(first + Math.floor(element / width), 'null', 'an element is null'),
    );
    i += run;
  }
}

function isNext(entries: Uint32Array, validity: Uint8Array | null, row: number, start: number, width: number): boolean {
  const isValid = validity === null || ((validity[row >> 3]! >> (row & 7)) & 1) === 1;
  return isValid && entries[row * 4] === start && entries[row * 4 + 2] === width;
}

function zeroRow(out: ElementArray, at: number, width: number): void {
  if (out instanceof BigInt64Array || out instanceof BigUint64Array) out.fill(0n, at, at + width);
  else out.fill(0, at, at + width);
}
