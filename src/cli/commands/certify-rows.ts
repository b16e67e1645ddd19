import type { FeatureSpec, Job } from '../../base/contract/job.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { RunDeps } from '../../run/pipeline/run-deps.ts';
import { slotsOf } from '../../run/pipeline/run-job.ts';
import { type FirstFile, sampleFirst } from '../../run/pipeline/score-first-rows.ts';
import { describeOne } from '../../run/plan/delta-inputs.ts';
import { deriveInputs } from '../../run/plan/derive-inputs.ts';
import { bindInputs } from '../../run/plan/describe-inputs.ts';
import { listInputs } from '../../run/plan/list-inputs.ts';
import type { DraftBinding, DraftFeature } from '../../scoring/draft/draft-binding.ts';
import { suggestBinding } from '../../scoring/draft/suggest-binding.ts';
import type { ScorerPool } from '../../scoring/pool/scorer-pool.ts';

/** Rows of real data at most. */
const MOST_ROWS = 4096;

/**
 * Binds the first file of a job's input; where the job is made for a bare model, the columns by their names and their order, as `init` would.
 *
 * Errors: those of listing, describing and binding; USAGE where the columns do not say how they feed the model.
 */
export async function bindRows(
  job: Job,
  isBare: boolean,
  model: ModelInfo,
  pool: ScorerPool,
  { stores }: Pick<RunDeps, 'stores'>,
): Promise<FirstFile> {
  const [slot] = slotsOf(job, null, new Date().toISOString());
  const [first] = await listInputs(job, slot?.partition ?? null, stores);
  const file = await describeOne(job, first!, (requests) => pool.describe(requests));
  const wishes = { features: new Map(), exclude: new Set<string>(), id: [] };
  const bound = isBare
    ? { ...job, features: featuresOf(suggestBinding(model, file.columns, wishes, [], job.model.uri)) }
    : job;
  const derived = await deriveInputs(bound, [{ ok: true, file }], (request) => pool.ask(request));
  const { binding, files, outputColumns } = bindInputs(bound, model, [first!], derived);
  return { job: bound, binding, files, outputColumns };
}

function hasColumns(feed: DraftFeature['feed']): boolean {
  return 'columns' in feed && feed.columns.length > 1;
}

function featuresOf({ features }: DraftBinding): Readonly<Record<string, FeatureSpec>> {
  // Which column is which does not matter here: that they are as many, and of the model's own values, does.
  const open = features.find(({ certainty, feed }) => certainty === 'question' && !hasColumns(feed));
  if (open !== undefined) {
    throw new PrescoreError('USAGE', {
      what: `the columns of --data do not say what feeds input ${open.tensor}: ${open.text}`,
      fix: 'Write a job file with prescore init MODEL DATA, answer its questions, and certify that.',
    });
  }
  return Object.fromEntries(
    features.map(({ tensor, feed }): [string, FeatureSpec] => {
      if ('value' in feed) return [tensor, { kind: 'value', value: feed.value }];
      if ('maskOf' in feed) return [tensor, { kind: 'mask', of: feed.maskOf }];
      return [tensor, { kind: 'columns', columns: feed.columns, nulls: null }];
    }),
  );
}

/** Scores the first rows in a pool's child, which keeps them for the trial. Errors: those of reading and scoring. */
export async function keepRows(file: FirstFile, pool: ScorerPool): Promise<void> {
  const outputUri = file.job.output.uri;
  const own = { outputUri, scoredAt: new Date().toISOString(), onBadFile: 'fail', isKept: true } as const;
  await sampleFirst(file, MOST_ROWS, pool, own);
}
