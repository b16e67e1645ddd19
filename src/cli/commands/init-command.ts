import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { parseModelRef, REGISTRY_VARIABLE, sayModelRef } from '../../base/contract/model-ref.ts';
import type { ModelRef } from '../../base/contract/registry.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import type { ColumnInfo } from '../../base/contract/table.ts';
import { isPrescoreError, oneLine, PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayMany } from '../../base/telemetry/progress-line.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import { duckdbType } from '../../job/values/column-types.ts';
import { lmdbFolder } from '../../job/values/store-url.ts';
import { settleJob } from '../../run/pipeline/settle-job.ts';
import { describeOne, tablesOf } from '../../run/plan/delta-inputs.ts';
import { listInputs } from '../../run/plan/list-inputs.ts';
import { type DraftBinding, type Remark, SURE } from '../../scoring/draft/draft-binding.ts';
import { reasonsOf } from '../../scoring/draft/draft-reasons.ts';
import { suggestBinding } from '../../scoring/draft/suggest-binding.ts';
import { showPath } from '../output/print-summary.ts';
import { type ModelRow, printRows, shortModelRows } from '../output/say-model.ts';
import { JobScorers } from '../processes/scorers.ts';
import { endOnSignal } from '../processes/stop-signals.ts';
import { createStoreResolver } from '../wiring/open-store.ts';
import { type DraftParts, writeDraft } from './init-draft.ts';
import { type DraftInput, deltaInput, draftInput, literal, seenFrom } from './init-input.ts';
import { checkFlags, type InitFlags, keyOf, readWishes } from './init-wishes.ts';
import { type JobBase, listingJob, parseUnwritten, storesOf } from './unwritten-job.ts';

const LINEAGE = ['scored_at', 'model_name', 'model_version', 'run_id'];

/**
 * `prescore init MODEL DATA…`: looks at both, binds them, and writes a job file. What is certain is filled in; a guess is marked; what
 * only a person can know is a question, and the file refuses to run until it is answered.
 */
export async function initCommand(model: string, data: readonly string[], flags: InitFlags): Promise<number> {
  checkFlags(flags);
  const target = resolve(flags.out);
  if (existsSync(target) && flags.force !== true) {
    throw new PrescoreError('USAGE', {
      what: 'the job file exists already',
      where: flags.out,
      fix: 'Pass --force to replace it, or --out with another name.',
    });
  }
  const from = (text: string): string => seenFrom(target, resolveUri(text, process.cwd()));
  const registry = flags.registry ?? process.env[REGISTRY_VARIABLE] ?? '';
  const ref = registry === '' ? null : refIn(model);
  const name = flags.name ?? jobName(ref?.name ?? model);
  const base = {
    name,
    stores: storesOf(flags, [model, ...data, flags.output ?? '', registry]),
    ...(ref === null || flags.registry === undefined ? {} : { registry: from(flags.registry) }),
    model: ref === null ? { uri: from(model) } : { ref: sayModelRef(ref) },
    input: data.map((text) => from(literal(text))),
    output: flags.output === undefined ? `out/${name}` : from(flags.output),
  };
  const unwritten = parseUnwritten(listingJob(base), target);
  const stores = createStoreResolver(unwritten.stores, { env: process.env });
  const job = await settleJob(unwritten, stores);
  const scorers = new JobScorers(job, stores, true);
  const done = endOnSignal(() => scorers.kill());
  try {
    const found = await listInputs(job, null, stores);
    const files = found.map(({ uri }) => uri);
    const delta = tablesOf(found);
    const input =
      delta.length > 0
        ? deltaInput(base.input, files, delta)
        : draftInput(base.input, job, files, target, flags.output !== undefined);
    const table = found.find(({ uri }) => uri === input.first) ?? found[0]!;
    const { pool, model: info } = await scorers.load();
    const { columns } = await describeOne(job, table, (requests) => pool.describe(requests));
    const parts = draftOf(base, job.model.uri, input, info, columns, flags, target);
    const text = writeDraft(parts);
    const questions = questionsOf(text, target);
    save(target, text);
    tell(target, parts, questions, shortModelRows(await scorers.about(), info));
    return 0;
  } finally {
    done();
    await scorers.close();
    await stores.close();
  }
}

type Base = JobBase & Pick<DraftParts, 'output'>;

function draftOf(
  base: Base,
  modelUri: string,
  { layout: found, uris }: DraftInput,
  info: ModelInfo,
  own: readonly ColumnInfo[],
  flags: InitFlags,
  target: string,
): DraftParts {
  // A folder's name never replaces a column of the file.
  const names = new Set(own.map((c) => c.name));
  const pathColumns = Object.fromEntries(Object.entries(found.pathColumns).filter(([key]) => !names.has(key)));
  const layout = { ...found, pathColumns };
  const extra = Object.entries(pathColumns).map(([name, type]) => ({
    name,
    type: duckdbType(type) ?? type,
    nullable: false,
  }));
  const columns = [...own, ...extra];
  const known = columns.map((c) => c.name);
  const wishes = readWishes(flags, info.signature, known);
  // A name of the lineage columns can only be an id when they are left away.
  const hasLineage = !wishes.id.some((id) => LINEAGE.includes(id.toLowerCase()));
  const binding = suggestBinding(info, columns, wishes, hasLineage ? LINEAGE : [], modelUri);
  refuseWishes(binding, wishes.features);
  const folder = layout.partitions?.folder;
  return {
    ...base,
    model: 'ref' in base.model ? base.model : { ...base.model, sha256: info.sha256 },
    input: uris,
    layout,
    binding,
    output: folder === undefined ? base.output : `${base.output.replace(/\/+$/, '')}/${folder}`,
    predictions: predictionsOf(flags, binding, columns, target),
    hasLineage,
    reasons: reasonsOf(info.signature.explains, binding, hasLineage ? LINEAGE : []),
  };
}

/** What was said and cannot be is no question. Errors: USAGE. */
function refuseWishes({ features }: DraftBinding, wishes: ReadonlyMap<string, readonly string[]>): void {
  for (const { tensor, certainty, text } of features) {
    const asked = wishes.get(tensor);
    if (asked === undefined || certainty !== 'question') continue;
    const got = asked.length > 8 ? `${asked.length} columns` : asked.join(', ');
    throw new PrescoreError('USAGE', { what: `--features does not fit input ${tensor}: ${text}`, got });
  }
}

function predictionsOf(
  flags: InitFlags,
  { id }: DraftBinding,
  columns: readonly ColumnInfo[],
  target: string,
): DraftParts['predictions'] {
  if (flags.predictions === undefined) return null;
  const folder = lmdbFolder(flags.predictions);
  const store = folder === null ? flags.predictions : `lmdb:${seenFrom(target, resolveUri(folder, process.cwd()))}`;
  const said = keyOf(
    flags,
    columns.map((c) => c.name),
  );
  if (said.length > 0) return { store, key: said, remark: SURE };
  if (id.columns.length > 0 && id.certainty === 'sure') return { store, key: id.columns, remark: SURE };
  const remark: Remark =
    id.columns.length > 0
      ? { certainty: 'guess', text: 'the id; a key that stands twice fails the publication' }
      : { certainty: 'question', text: 'no column names a row; which one is the key? It must be in id as well' };
  return { store, key: id.columns.length > 0 ? id.columns : ['COLUMN'], remark };
}

/** The places and texts of the questions. Errors: SPEC_* for anything else that is wrong with the draft. */
function questionsOf(text: string, target: string): { readonly line: number; readonly text: string }[] {
  try {
    parseUnwritten(text, target);
    return [];
  } catch (error) {
    if (isPrescoreError(error) && error.code === 'OUTPUT_OVERLAPS_INPUT') {
      const fix = 'Pass --output with a folder apart from the data, or give the data a folder of its own.';
      throw new PrescoreError(error.code, { ...error.details, fix });
    }
    if (!isPrescoreError(error) || error.code !== 'SPEC_DRAFT') throw error;
    const issues = (error.details.data?.['issues'] ?? []) as readonly { line: number; path: string; what: string }[];
    return issues.map(({ line, path, what }) => ({ line, text: `${path} ${what}` }));
  }
}

function tell(
  target: string,
  { binding, layout, predictions, reasons }: DraftParts,
  questions: ReturnType<typeof questionsOf>,
  model: readonly ModelRow[],
): void {
  const shown = showPath(target);
  const { features, outputs, id } = binding;
  const bound = features.filter(({ certainty }) => certainty !== 'question').length;
  const say = (text: string): void => void process.stdout.write(`${oneLine(text, 1000)}\n`);
  const ids = id.columns.length > 0 ? `, id ${id.columns.join(', ')}` : '';
  const kind = questions.length === 0 ? '' : 'a draft, ';
  say(
    `wrote ${shown}: ${kind}${bound} of ${sayMany(features.length, 'input')} bound, predictions ${outputs.map((o) => o.column).join(', ')}${ids}`,
  );
  printRows(model, process.stdout);
  for (const { tensor, certainty, text } of features) if (certainty === 'guess') say(`guess: ${tensor}: ${text}`);
  for (const { column, text } of outputs) if (text !== '') say(`guess: ${column}: ${text.replace('guess: ', '')}`);
  if (id.certainty === 'guess') say(`guess: id ${id.columns.join(', ')}: ${id.text}`);
  if (predictions?.remark.certainty === 'guess')
    say(`guess: key ${predictions.key.join(', ')}: ${predictions.remark.text}`);
  for (const note of layout.notes) say(`guess: ${note}`);
  for (const [name, why] of binding.leftOut) say(`left out: ${name}: ${why.replace('guess: ', '')}`);
  for (const note of binding.notes) say(`note: ${note}`);
  if (reasons !== null) say(`note: rows can be explained: see outputs.${reasons.column} in ${shown}`);
  if (id.columns.length === 0) say('note: no id column was found; add id: to keep rows identifiable');
  for (const { line, text } of questions) process.stderr.write(`question: ${shown}:${line}: ${oneLine(text, 1000)}\n`);
  if (questions.length === 0) say(`next: prescore run ${shown} --sample 5, then prescore run ${shown}`);
  else
    say(
      `next: answer ${questions.length === 1 ? 'the question' : 'the questions'} in ${shown} and take off the question mark (or init again with --force and --features …), then prescore run ${shown} --sample 5`,
    );
}

function save(target: string, text: string): void {
  try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new PrescoreError('USAGE', { what: `--out cannot be written (${code})`, where: target, cause });
  }
}

/** A model of a registry, where the text names one and no file. */
function refIn(model: string): ModelRef | null {
  const ref = parseModelRef(model);
  return typeof ref === 'string' || existsSync(model) ? null : ref;
}

function jobName(model: string): string {
  const stem = basename(model)
    .replace(/\.(onnx|txt|json|ubj|cbm)$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '');
  return stem.slice(0, 64) || 'job';
}
