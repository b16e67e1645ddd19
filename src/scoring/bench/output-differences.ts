import { numberOf } from '../../model/certify/try-rows.ts';
import type { TensorValue } from '../../model/elements/elements.ts';
import type { Flips, OutputDifference } from './comparison.ts';

const FLOATS: ReadonlySet<string> = new Set(['float16', 'float32', 'float64']);

/** Adds up, batch by batch, how one output of two models differs. */
export class OutputDifferences {
  readonly name: string;
  /** Whether it has differences that are numbers. */
  readonly isNumeric: boolean;
  private readonly largest: number[] = [];
  private differing = 0;
  private notFinite = 0;
  private flips = 0;
  private rows = 0;
  /** How a row's class is told; null where it is not, or not yet. */
  private by: 'value' | 'largest' | 'half' | null = null;
  private isProbability = true;
  private isPerRow = true;

  constructor(name: string, type: string) {
    this.name = name;
    this.isNumeric = FLOATS.has(type);
  }

  /** The first `rows` rows of a batch; the others fill it up. */
  add(parent: TensorValue, changed: TensorValue, rows: number): void {
    const batch = parent.dims[0] ?? 0;
    this.isPerRow &&= batch >= rows && parent.data.length === changed.data.length && parent.data.length % batch === 0;
    if (!this.isPerRow) {
      // Not a value a row: all of it is compared as one.
      this.addRow(parent, changed, 0, Math.max(parent.data.length, changed.data.length));
      return;
    }
    const width = parent.data.length / batch;
    this.by = this.isNumeric ? (width > 1 ? 'largest' : 'half') : 'value';
    for (let row = 0; row < rows; row++) this.addRow(parent, changed, row * width, (row + 1) * width);
  }

  result(): OutputDifference {
    const { name, differing, notFinite } = this;
    const sorted = Float64Array.from(this.largest).sort();
    const at = (share: number): number | null => finite(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
    const mean = sorted.reduce((sum, one) => sum + one, 0) / Math.max(1, sorted.length);
    return { name, max: at(1), mean: finite(mean), p99: at(0.99), differing, notFinite };
  }

  /** Rows that changed their class; null where this output tells none. */
  classes(): (Flips & { readonly isLabel: boolean }) | null {
    const { by, rows, flips, name } = this;
    if (by === null || !this.isPerRow || rows === 0 || (by === 'half' && !this.isProbability)) return null;
    const says = { value: name, largest: `the largest of ${name}`, half: `${name} above 0.5` }[by];
    return { count: flips, share: flips / rows, by: says, isLabel: by === 'value' };
  }

  private addRow(parent: TensorValue, changed: TensorValue, from: number, to: number): void {
    this.rows++;
    let largest = 0;
    let isSame = true;
    let [bestParent, bestChanged] = [from, from];
    for (let i = from; i < to; i++) {
      if (!Object.is(parent.data[i], changed.data[i])) isSame = false;
      if (!this.isNumeric) continue;
      const [a, b] = [numberOf(parent, i), numberOf(changed, i)];
      if (!(a >= 0 && a <= 1)) this.isProbability = false;
      largest = Math.max(largest, difference(a, b));
      if (a > numberOf(parent, bestParent)) bestParent = i;
      if (b > numberOf(changed, bestChanged)) bestChanged = i;
    }
    if (!isSame) this.differing++;
    if (largest === Number.POSITIVE_INFINITY) this.notFinite++;
    this.largest.push(largest);
    const isFlipped =
      this.by === 'half'
        ? numberOf(parent, from) > 0.5 !== numberOf(changed, from) > 0.5
        : this.by === 'largest'
          ? bestParent !== bestChanged
          : !isSame;
    if (isFlipped) this.flips++;
  }
}

// NaN is as good as another; beside a number it is as far away as can be.
function difference(a: number, b: number): number {
  if (Object.is(a, b) || a === b) return 0;
  const delta = Math.abs(a - b);
  return Number.isNaN(delta) ? Number.POSITIVE_INFINITY : delta;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
