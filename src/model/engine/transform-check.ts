import { seeded } from '../elements/seeded.ts';
import { floatExp } from './float-exp.ts';
import { hasSameBits } from './kernel-sums.ts';
import type { TreeScorer } from './tree-scorer.ts';
import { isKnownTransform, transformFloats } from './tree-transform.ts';

const ROWS = 512;
/** Of the values, every so many-th is one where the C library does not give the nearest float; they are found by trying. */
const HARD_EVERY = 4;
const MOST_TRIES = 2000;
const WIDEST = 8;

/**
 * Whether this machine's ONNX Runtime computes a model's exponentials as `transformFloats` does: asked for scores of all sizes, many of which are
 * such that another way to compute `expf` gives another float.
 */
export async function hasOwnExponentials(scorer: TreeScorer): Promise<boolean> {
  const { head } = scorer;
  const { transform } = head;
  if (transform === null) return true;
  if (!isKnownTransform(transform)) return false;
  const { targets } = scorer.trees.ensemble;
  const sums = new Float32Array(ROWS * targets);
  const random = seeded(5);
  for (let i = 0; i < sums.length; i++) {
    const value = i % HARD_EVERY === 1 ? hardValue(random) : Math.fround(-random() * WIDEST);
    // Differences to the largest of a row are taken: of one score and its mirror twice the score.
    if (transform.name === 'LOGISTIC') sums[i] = random() < 0.5 ? value : -value;
    else sums[i] = targets === 1 ? value / 2 : i % targets === 0 ? 0 : value;
  }
  const { scores } = await scorer.finish(sums, false);
  const width = scores.data.length / ROWS;
  let unsure = 0;
  for (let row = 0; row < ROWS; row++) {
    const made = transformFloats(transform, head.scores(sums.slice(row * targets, (row + 1) * targets)));
    if (made === null) unsure++;
    else if (!hasSameBits(head.transformed(made), scores.data, row * width)) return false;
  }
  return unsure <= 1;
}

function hardValue(random: () => number): number {
  let value = -1;
  for (let i = 0; i < MOST_TRIES; i++) {
    value = Math.fround(-random() * WIDEST);
    const found = floatExp(value);
    if (!Number.isNaN(found) && found !== Math.fround(Math.exp(value))) return value;
  }
  return value;
}
