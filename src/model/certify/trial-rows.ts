import type { TensorType } from '../../base/contract/signature.ts';
import { elementBytes, type TensorValue, zeros } from '../elements/elements.ts';
import { seeded } from '../elements/seeded.ts';
import { storedValue } from '../elements/stored-value.ts';
import { countOf } from './tensor-rows.ts';

/** An input as a trial feeds it: rows of `tail`, or a tensor for a batch of so many rows that is the same for all. */
export type TrialInput =
  | { readonly name: string; readonly type: TensorType; readonly tail: readonly number[] }
  | { readonly name: string; readonly same: (rows: number) => TensorValue };

/**
 * What values are tried. A model may refuse some: indices that a table does not have, texts that are no numbers, categories that it does not
 * know. `scale`: neighbours are this much larger now and then, as dynamic quantization goes by the largest value of a batch.
 */
export interface TrialStyle {
  readonly whole: number | null;
  readonly integers: number;
  readonly words: readonly string[];
  readonly scale: number;
}

export const TRIAL_STYLES: readonly TrialStyle[] = [
  { whole: null, integers: 3, words: ['', 'a', 'b', 'yes', 'no', 'the quick brown fox', '1', 'Other'], scale: 50 },
  { whole: 3, integers: 3, words: ['0', '1', '2', '3'], scale: 1 },
  { whole: 1, integers: 1, words: ['0', '1'], scale: 1 },
];

type Feeds = ReadonlyMap<string, TensorValue>;

/** Values that kernels treat in a way of their own. */
const EDGES = [
  Number.NaN,
  0,
  -0,
  1,
  -1,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  2 ** -149,
  3.4e38,
  -3.4e38,
  1e9,
  0.5,
];

/** Rows of floats in which every value is one that kernels treat in a way of their own; the rest as `trialFeeds`. */
export function edgeFeeds(inputs: readonly TrialInput[], rows: number, style: TrialStyle, seed: number): Feeds {
  const feeds = new Map(trialFeeds(inputs, rows, style, seed, false));
  const random = seeded(seed + 1);
  for (const input of inputs) {
    if ('same' in input || !(input.type === 'float32' || input.type === 'float64' || input.type === 'float16'))
      continue;
    const value = feeds.get(input.name)!;
    const cells = value.data as unknown[];
    for (let i = 0; i < cells.length; i++)
      if (random() < 0.5) cells[i] = storedValue(input.type, EDGES[Math.floor(random() * EDGES.length)]!);
  }
  return feeds;
}

/** Bytes of one row of feeds. */
export function trialRowBytes(inputs: readonly TrialInput[]): number {
  return inputs.reduce((sum, input) => sum + ('same' in input ? 0 : countOf(input.tail) * elementBytes(input.type)), 0);
}

/** Pseudo-random rows: equal for equal seeds. `isLoud`: every second row is scaled. */
export function trialFeeds(
  inputs: readonly TrialInput[],
  rows: number,
  style: TrialStyle,
  seed: number,
  isLoud: boolean,
): Feeds {
  const random = seeded(seed);
  const feeds = new Map<string, TensorValue>();
  for (const input of inputs) {
    if ('same' in input) {
      feeds.set(input.name, input.same(rows));
      continue;
    }
    const width = countOf(input.tail);
    const data: ArrayLike<unknown> = zeros(input.type, rows * width);
    const cells = data as unknown[];
    for (let i = 0; i < data.length; i++) {
      const scale = isLoud && Math.floor(i / width) % 2 === 0 ? style.scale : 1;
      cells[i] = anyValue(input.type, style, random, scale);
    }
    feeds.set(input.name, { type: input.type, dims: [rows, ...input.tail], data });
  }
  return feeds;
}

/** Copies row `row` of one batch to the same place of another. */
export function copyTrialRow(inputs: readonly TrialInput[], from: Feeds, to: Feeds, row: number): void {
  for (const input of inputs) {
    if ('same' in input) continue;
    const width = countOf(input.tail);
    const source = from.get(input.name)!.data;
    const target = to.get(input.name)!.data as unknown[];
    for (let i = row * width; i < (row + 1) * width; i++) target[i] = source[i];
  }
}

function anyValue(type: TensorType, style: TrialStyle, random: () => number, scale: number): number | bigint | string {
  const below = (n: number): number => Math.floor(random() * n);
  if (type === 'string') return style.words[below(style.words.length)]!;
  if (type === 'bool') return below(2);
  if (type !== 'float32' && type !== 'float64' && type !== 'float16')
    return storedValue(type, below(style.integers + 1));
  return storedValue(type, style.whole === null ? (4 * random() - 2) * scale : below(style.whole + 1));
}
