import { mkdtemp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Job } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Signature } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import type { LoadedScorers } from '../../run/pipeline/run-deps.ts';
import { slotsOf } from '../../run/pipeline/run-job.ts';
import { type FirstRows, scoreFirstRows } from '../../run/pipeline/score-first-rows.ts';
import { settleJob } from '../../run/pipeline/settle-job.ts';
import { describeOne } from '../../run/plan/delta-inputs.ts';
import { listInputs } from '../../run/plan/list-inputs.ts';
import type { DraftBinding } from '../../scoring/draft/draft-binding.ts';
import { suggestBinding } from '../../scoring/draft/suggest-binding.ts';
import { literal, seenFrom } from '../commands/init-input.ts';
import { type InitFlags, readWishes } from '../commands/init-wishes.ts';
import { listingJob, type PlaceFlags, parseUnwritten, storesOf } from '../commands/unwritten-job.ts';
import { JobScorers } from '../processes/scorers.ts';
import { endOnSignal } from '../processes/stop-signals.ts';
import { createStoreResolver } from '../wiring/open-store.ts';
import { readVersions } from '../wiring/versions.ts';

/** Which columns feed the model, as `init` takes it. */
export type BindFlags = PlaceFlags & Pick<InitFlags, 'features' | 'exclude'>;

/** A column that says which of two classes a row is of; it is no feature. `isNeeded`: the table must have it, and its values are wanted. */
export interface LabelColumn {
  readonly column: string | null;
  readonly isNeeded: boolean;
}

/** Rows of a table as a model is fed with them. */
export interface BoundRows {
  /** A folder with the feeds of the rows that the model takes. */
  readonly feeds: string;
  readonly rows: number;
  /** The file that they are of. */
  readonly uri: string;
  readonly rejected: number;
  /** The class of each row; null without a column of labels. */
  readonly labels: readonly (0 | 1 | null)[] | null;
  /** What was guessed in binding columns, for people. */
  readonly guesses: readonly string[];
}

/**
 * Binds a table to a model as `init` would, scores its first rows as a run would, and keeps what the model was fed with in a new folder below
 * `scratchDir`.
 *
 * Errors: USAGE where a column is not sure, or the labels are not of two classes; those of reading and scoring.
 */
export async function boundRows(
  model: string,
  data: string,
  rows: number,
  labels: LabelColumn,
  flags: BindFlags,
  scratchDir: string,
): Promise<BoundRows> {
  const target = resolve('job.yaml');
  const from = (text: string): string => seenFrom(target, resolveUri(text, process.cwd()));
  const base = {
    name: 'model',
    stores: storesOf(flags, [model, data]),
    model: { uri: from(model) },
    input: [from(literal(data))],
  };
  const unwritten = parseUnwritten(listingJob(base), target);
  const stores = createStoreResolver(unwritten.stores, { env: process.env });
  const job = await settleJob(unwritten, stores);
  const scorers = new JobScorers(job, stores, true);
  const done = endOnSignal(() => scorers.kill());
  try {
    const loaded = await scorers.load();
    const binding = await bind(job, stores, loaded, labels, flags, data);
    const label = labels.isNeeded ? labels.column : null;
    const bound = await settleJob(parseUnwritten(jobText(listingJob(base), binding, label), target), stores);
    const feeds = await mkdtemp(join(scratchDir, 'feeds-'));
    const slot = slotsOf(bound, null, null)[0]!;
    const deps = { stores, versions: readVersions(), now: () => new Date() };
    const first = await scoreFirstRows(bound, slot, rows, loaded, deps, feeds);
    if (first.rows.length === 0) throw noRows(first);
    return {
      feeds,
      rows: first.rows.length,
      uri: first.uri,
      rejected: first.rejected.length,
      labels: label === null ? null : labelsOf(first, label),
      guesses: binding.features.filter(({ certainty }) => certainty === 'guess').map((f) => `${f.tensor}: ${f.text}`),
    };
  } finally {
    done();
    await scorers.close();
    await stores.close();
  }
}

async function bind(
  job: Job,
  stores: StoreResolver,
  { pool, model }: LoadedScorers,
  { column, isNeeded }: LabelColumn,
  flags: BindFlags,
  data: string,
): Promise<DraftBinding> {
  const [first] = await listInputs(job, null, stores);
  if (first === undefined) throw new PrescoreError('INPUT_NOT_FOUND', { what: 'input matched no file', where: data });
  const { columns } = await describeOne(job, first, (requests) => pool.describe(requests));
  const names = columns.map(({ name }) => name);
  const isThere = column !== null && names.includes(column);
  if (column !== null && isNeeded && !isThere) {
    const expected = names.length > 20 ? `one of ${names.length} columns` : names.join(', ');
    throw new PrescoreError('USAGE', { what: '--labels: there is no such column', where: data, expected, got: column });
  }
  const exclude = [...(flags.exclude ?? []), ...(isThere ? [JSON.stringify([column])] : [])];
  const wishes = readWishes({ out: '', ...flags, exclude }, model.signature, names);
  const binding = suggestBinding(model, columns, wishes, [], job.model.uri);
  refuseQuestions(binding, model.signature);
  return binding;
}

// What init would ask, nobody is there to answer: values in another order would make every figure wrong.
function refuseQuestions({ features }: DraftBinding, { inputs }: Signature): void {
  const open = features.find(({ certainty }) => certainty === 'question');
  if (open === undefined) return;
  const flag = inputs.length === 1 ? '--features a,b,c' : `--features ${open.tensor}=a,b,c`;
  const fix = `Pass ${flag} with the columns in the order of the training, or --features '*' where the table has that order.`;
  throw new PrescoreError('USAGE', { what: `it is not sure which columns feed ${open.tensor}: ${open.text}`, fix });
}

function jobText(listing: string, { features, outputs }: DraftBinding, label: string | null): string {
  return JSON.stringify({
    ...(JSON.parse(listing) as object),
    features: Object.fromEntries(features.map(({ tensor, feed }) => [tensor, feed])),
    outputs: Object.fromEntries(
      outputs.map(({ column, tensor, index }) => [
        `${PREFIX}${column}`,
        index === undefined ? tensor : { tensor, index },
      ]),
    ),
    ...(label === null ? {} : { passthrough: [label] }),
    output: { uri: 's3://not-yet/out', lineage: false },
    // The feeds are wanted, not the answers: no trial says how batches must go.
    execution: { exact: 'off' },
  });
}

/** Apart from whatever the column of labels is called. */
const PREFIX = 'model_output_';

function labelsOf({ columns, rows, uri }: FirstRows, label: string): (0 | 1 | null)[] {
  const place = columns.indexOf(label);
  const values = rows.map((row) => plain(row[place]));
  const kinds = [...new Set(values.filter((value) => value !== null))].sort((a, b) => (a < b ? -1 : 1));
  if (kinds.length !== 2) {
    const got = `${kinds.slice(0, 5).map(String).join(', ')}${kinds.length > 5 ? ', …' : ''} (${kinds.length})`;
    const what = `--labels: column ${label} is not of two classes`;
    throw new PrescoreError('USAGE', { what, where: uri, expected: 'two different values, such as 0 and 1', got });
  }
  return values.map((value) => (value === null ? null : value === kinds[1] ? 1 : 0));
}

// Whole numbers come as texts where they may be too large for a number.
function plain(value: unknown): number | string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  const text = String(value);
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

function noRows({ uri, rejected }: FirstRows): PrescoreError {
  const [first] = rejected;
  if (first === undefined) return new PrescoreError('INPUT_NOT_FOUND', { what: 'the table has no rows', where: uri });
  const what = `every row is rejected, the first one for ${first.rule}${first.column === '' ? '' : ` in ${first.column}`}: ${first.message}`;
  return new PrescoreError('MODEL_FAILED', { what, where: uri });
}
