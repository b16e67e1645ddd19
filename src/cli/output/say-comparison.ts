import { sayCount } from '../../base/telemetry/progress-line.ts';
import type { Comparison, OutputDifference } from '../../scoring/bench/comparison.ts';
import { printTable } from './print-table.ts';
import type { ModelRow } from './say-model.ts';
import { sayExactness } from './say-policy.ts';

/** How a changed model differs from its parent, in words. */
export function comparisonRows({ outputs, flips, auc, rows, exactness }: Comparison): ModelRow[] {
  const said: ModelRow[] = outputs.map((output, i) => [i === 0 ? 'difference' : '', sayDifference(output, rows)]);
  said.push([
    'flips',
    flips === null
      ? 'not known: no output tells a class'
      : `${sayCount(flips.count)} of ${sayCount(rows)} rows (${percent(flips.share)}), by ${flips.by}`,
  ]);
  if (auc !== null)
    said.push([
      'AUC',
      `${auc.parent.toFixed(5)} before, ${auc.changed.toFixed(5)} after, of ${auc.output} on ${sayCount(auc.rows)} rows`,
    ]);
  const { parent, changed } = exactness;
  const before = parent.policy === changed.policy ? '' : `; before: ${parent.policy ?? 'no policy holds'}`;
  said.push(['exactness', sayExactness(changed) + before]);
  return said;
}

/** Rows a second by the size of a batch. */
export function printSpeed({ speed }: Comparison, out: NodeJS.WritableStream): void {
  const rows = speed.map(({ batchRows, parent, changed }) => [
    sayCount(batchRows),
    sayCount(parent),
    sayCount(changed),
    `${(changed / parent).toFixed(2)}`,
  ]);
  printTable(['rows a batch', 'before, rows/s', 'after, rows/s', 'times'], rows, out, [0, 1, 2, 3]);
}

/** `0.12 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.0001 ? 4 : 2)} %`;
}

function sayDifference({ name, max, mean, p99, differing, notFinite }: OutputDifference, rows: number): string {
  const broken = notFinite === 0 ? '' : `; in ${sayCount(notFinite)} rows one is NaN or infinite and the other is not`;
  return `${name}: max ${figure(max)}, p99 ${figure(p99)}, mean ${figure(mean)}; ${sayCount(differing)} of ${sayCount(rows)} rows differ${broken}`;
}

function figure(value: number | null): string {
  if (value === null) return 'not finite';
  return value === 0 ? '0' : value.toPrecision(3);
}
