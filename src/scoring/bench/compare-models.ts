import type { ModelFile } from '../../base/contract/model-files.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { ModelSession } from '../../model/elements/model-session.ts';
import { runtimeText } from '../../model/onnx/runtime-text.ts';
import { auc, scoresOf } from './auc.ts';
import type { CompareRows } from './bench-messages.ts';
import { bytesOfRow, keptRows, madeRows, type RowsPiece } from './compare-rows.ts';
import type { Comparison } from './comparison.ts';
import { type MadeRows, madeInputs, rowsThatRun } from './made-inputs.ts';
import { measureSpeed } from './measure-speed.ts';
import { openBenchModel } from './open-bench-model.ts';
import { OutputDifferences } from './output-differences.ts';
import { tryExact } from './try-exact.ts';

/** Slow models are compared on as many rows as this takes. */
const LONGEST_MS = 120_000;

/**
 * Scores the same rows with two models, the same ones in each batch, and says how the second differs from the first. Both are loaded as a
 * run loads them.
 *
 * Errors: those of loading; MODEL_FAILED where a model refuses the rows, or gives other outputs than its parent.
 */
export async function compareModels(parent: ModelFile, changed: ModelFile, rows: CompareRows): Promise<Comparison> {
  const first = await openBenchModel(parent);
  const second = await openBenchModel(changed);
  try {
    const found = await compare(first.session, second.session, rows, changed.where);
    // The largest batch that speed was measured with fits in memory.
    const batchRows = found.speed.at(-1)?.batchRows ?? null;
    const exactness = {
      parent: await tryExact(first.session, first.info, batchRows),
      changed: await tryExact(second.session, second.info, batchRows),
    };
    return { ...found, exactness };
  } finally {
    await first.session.close();
    await second.session.close();
  }
}

async function compare(
  parent: ModelSession,
  changed: ModelSession,
  rows: CompareRows,
  where: string,
): Promise<Omit<Comparison, 'exactness'>> {
  const { signature } = parent;
  const outputs = signature.outputs.filter((o) => o.type !== null && o.isOnRequest !== true);
  const fetches = outputs.map(({ name }) => name);
  for (const { name, type } of outputs) {
    const found = changed.signature.outputs.find((o) => o.name === name);
    if (found?.type === type) continue;
    throw new PrescoreError('MODEL_FAILED', {
      what: `the changed model gives another output ${name}`,
      where,
      expected: type ?? 'a tensor',
      got: found?.type ?? 'nothing',
    });
  }
  const runOf = (session: ModelSession) => (feeds: RowsPiece['feeds']) => session.run(feeds, fetches);
  const { fixedBatch, pieces } =
    rows.feeds === null ? madeRows(await rowsTaken(signature, runOf(parent), where), rows.made) : keptRows(rows.feeds);
  const differences = outputs.map(({ name, type }) => new OutputDifferences(name, type!));
  const scores = new RowScores(rows.labels);
  const until = performance.now() + LONGEST_MS;
  let seen = 0;
  let firstPiece: RowsPiece | null = null;
  for (const piece of pieces) {
    firstPiece ??= piece;
    const before = await runOf(parent)(piece.feeds);
    const after = await runOf(changed)(piece.feeds);
    const count = piece.rows.length;
    for (const difference of differences) {
      const [a, b] = [before.get(difference.name)!, after.get(difference.name)!];
      difference.add(a, b, count);
      if (difference.isNumeric) scores.add(difference.name, piece.rows, scoresOf(a, count), scoresOf(b, count));
    }
    seen += count;
    if (performance.now() > until) break;
  }
  if (firstPiece === null) throw new PrescoreError('INPUT_NOT_FOUND', { what: 'there are no rows to compare', where });
  const classes = differences.flatMap((difference) => difference.classes() ?? []);
  const flips = classes.find(({ isLabel }) => isLabel) ?? classes[0];
  return {
    rows: seen,
    isMadeUp: rows.feeds === null,
    outputs: differences.filter(({ isNumeric }) => isNumeric).map((difference) => difference.result()),
    flips: flips === undefined ? null : { count: flips.count, share: flips.share, by: flips.by },
    auc: scores.result(),
    speed: await measureSpeed(
      firstPiece,
      fixedBatch,
      bytesOfRow(firstPiece.feeds, fixedBatch ?? firstPiece.rows.length),
      runOf(parent),
      runOf(changed),
    ),
  };
}

async function rowsTaken(
  signature: ModelSession['signature'],
  run: (feeds: RowsPiece['feeds']) => Promise<unknown>,
  where: string,
): Promise<MadeRows> {
  const fix = 'Pass --data with a table that the model is fed with.';
  try {
    return await rowsThatRun(madeInputs(signature, where), run);
  } catch (cause) {
    if (isPrescoreError(cause)) throw new PrescoreError(cause.code, { ...cause.details, fix, cause });
    const what = `the model refuses made-up rows: ${runtimeText(cause)}`;
    throw new PrescoreError('MODEL_FAILED', { what, where, fix, cause });
  }
}

/** Scores of rows whose class is known, of the first output that gives some. */
class RowScores {
  private readonly labels: CompareRows['labels'];
  private output: string | null = null;
  private readonly known: number[] = [];
  private readonly parent: number[] = [];
  private readonly changed: number[] = [];

  constructor(labels: CompareRows['labels']) {
    this.labels = labels;
  }

  add(output: string, rows: readonly number[], parent: Float64Array | null, changed: Float64Array | null): void {
    const { labels } = this;
    if (labels === null || parent === null || changed === null || (this.output ?? output) !== output) return;
    this.output = output;
    rows.forEach((row, at) => {
      const label = labels[row] ?? null;
      if (label === null) return;
      this.known.push(label);
      this.parent.push(parent[at]!);
      this.changed.push(changed[at]!);
    });
  }

  result(): Comparison['auc'] {
    if (this.output === null) return null;
    const [parent, changed] = [auc(this.parent, this.known), auc(this.changed, this.known)];
    if (parent === null || changed === null) return null;
    return { output: this.output, parent, changed, rows: this.known.length };
  }
}
