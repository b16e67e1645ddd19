import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fromErrorJson, PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayBytes, sayCount } from '../../base/telemetry/progress-line.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import type { GraphLevel } from '../../scoring/bench/bench-messages.ts';
import type { Comparison } from '../../scoring/bench/comparison.ts';
import { type AcceptName, type AcceptRule, isMet, parseAccept } from '../load/accept-rule.ts';
import { printJson } from '../output/print-json.ts';
import { showPath } from '../output/print-summary.ts';
import { comparisonRows, percent, printSpeed } from '../output/say-comparison.ts';
import { type ModelRow, printRows } from '../output/say-model.ts';
import { TRIAL_MODEL } from '../processes/trial-scorer.ts';
import { type BindFlags, type BoundRows, boundRows } from './bound-rows.ts';
import { type Change, changeModel, nameOf, refuseUnchangeable } from './change-model.ts';
import { defaultBatchBytes, type ModelPlace, withModelPlace } from './model-place.ts';

export interface OptimizeFlags extends BindFlags {
  readonly graph?: GraphLevel;
  readonly fp16?: boolean;
  readonly int8?: boolean;
  readonly calibrate?: string;
  readonly data?: string;
  readonly labels?: string;
  readonly python: string;
  readonly rows: number;
  readonly accept?: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** Enough for the ranges of activations. */
const CALIBRATION_ROWS = 1000;

/** A changed model beside its parent. */
interface Report {
  readonly change: string;
  readonly says: string;
  readonly bytes: { readonly parent: number; readonly changed: number };
  readonly sha256: string;
  readonly rows: string;
  readonly comparison: Comparison;
  readonly accept: readonly { readonly rule: string; readonly figure: number | null; readonly isMet: boolean }[];
}

/**
 * `prescore model optimize MODEL`: changes a model, says how the changed one differs from it and how fast both are, and keeps the changed one
 * as a new file where it is as `--accept` asks. Exit code 0; 8 where it is not.
 */
export async function optimizeCommand(model: string, flags: OptimizeFlags): Promise<number> {
  const change = changeOf(flags);
  const rules = flags.accept === undefined ? null : parseAccept(flags.accept);
  checkData(flags, rules ?? []);
  return withModelPlace(model, flags, async (place) => {
    const { uri } = place.job.model;
    const { report, body } = await optimize(model, place, change, rules, flags);
    const isKept = rules !== null && report.accept.every((one) => one.isMet);
    const told = (kept: string | null): void => {
      if (flags.json === true) printJson({ event: 'optimized', uri, ...report, kept });
      else tell(uri, report, kept, rules !== null);
    };
    try {
      told(isKept ? await keep(place.stores, targetOf(uri, change, flags.out), body) : null);
    } catch (error) {
      // What was found is worth as much where it cannot be kept.
      told(null);
      throw error;
    }
    const failed = report.accept.filter((one) => !one.isMet);
    if (failed.length === 0) return 0;
    throw new PrescoreError('MODEL_NOT_ACCEPTED', {
      what: `nothing was kept: ${failed.map(({ rule }) => rule).join(', ')} does not hold`,
      where: uri,
      got: failed.map(({ rule, figure }) => sayFigure(rule, figure)).join(', '),
    });
  });
}

async function optimize(
  model: string,
  { job, bench, scratchDir, stop, fetch }: ModelPlace,
  change: Change,
  rules: readonly AcceptRule[] | null,
  flags: OptimizeFlags,
): Promise<{ readonly report: Report; readonly body: Uint8Array }> {
  const { uri } = job.model;
  const { path, weights, bytes, memoryBytes } = await fetch();
  const parent = { path, weights, where: uri, sha256: null };
  // A run would refuse a model that its memory is too small for.
  defaultBatchBytes(memoryBytes);
  const { about, refusal } = await bench.ask({ kind: 'inspect', model: parent, warm: TRIAL_MODEL, batchBytes: null });
  if (refusal !== null) throw fromErrorJson(refusal);
  refuseUnchangeable(about, change, uri);
  const data = flags.data ?? flags.calibrate;
  const column = flags.labels ?? null;
  const labels = { column, isNeeded: true };
  const calibration =
    change.kind !== 'int8'
      ? null
      : await boundRows(model, flags.calibrate!, CALIBRATION_ROWS, { column, isNeeded: false }, flags, scratchDir);
  const rows = data === undefined ? null : await boundRows(model, data, flags.rows, labels, flags, scratchDir);
  const changed = await changeModel(parent, change, calibration?.feeds ?? null, scratchDir, { bench, stop });
  const comparison = await bench.ask({
    kind: 'compare',
    parent,
    changed: { path: changed.path, sha256: null, where: `${nameOf(change)} of ${uri}` },
    rows: { feeds: rows?.feeds ?? null, made: flags.rows, labels: rows?.labels ?? null },
  });
  const accept = (rules ?? []).map((rule) => {
    const figure = figureOf(rule.name, comparison);
    return { rule: rule.text, figure, isMet: isMet(rule, figure) };
  });
  const body = new Uint8Array(await readFile(changed.path));
  const report = {
    change: nameOf(change),
    says: changed.says,
    bytes: { parent: bytes, changed: changed.bytes },
    sha256: createHash('sha256').update(body).digest('hex'),
    rows: sayRows(rows, comparison, flags.data === undefined && flags.calibrate !== undefined),
    comparison,
    accept,
  };
  return { report, body };
}

function changeOf({ graph, fp16, int8, python }: OptimizeFlags): Change {
  const asked: Change[] = [
    ...(graph === undefined ? [] : [{ kind: 'graph' as const, level: graph }]),
    ...(fp16 === true ? [{ kind: 'fp16' as const, python }] : []),
    ...(int8 === true ? [{ kind: 'int8' as const, python }] : []),
  ];
  const [only, another] = asked;
  if (only !== undefined && another === undefined) return only;
  const what =
    only === undefined ? 'it is not said how the model is to be changed' : 'a model is changed in one way at a time';
  throw new PrescoreError('USAGE', { what, expected: 'one of --graph LEVEL, --fp16, --int8' });
}

function checkData({ int8, calibrate, data, labels }: OptimizeFlags, rules: readonly AcceptRule[]): void {
  const refuse = (what: string, fix: string): never => {
    throw new PrescoreError('USAGE', { what, fix });
  };
  if (int8 === true && calibrate === undefined)
    refuse(
      '--int8 needs rows to find the ranges of its values',
      'Pass --calibrate with a table of rows as they will come.',
    );
  if (int8 !== true && calibrate !== undefined)
    refuse('--calibrate belongs to --int8', 'Pass the table as --data: it is what both models are compared on.');
  if (labels !== undefined && data === undefined && calibrate === undefined)
    refuse('--labels is a column of the data, and none is given', 'Pass --data with the table that has it.');
  if (labels === undefined && rules.some(({ name }) => name === 'auc_drop'))
    refuse('--accept asks for auc_drop, and no labels are given', 'Pass --labels with the column of the true classes.');
}

/** The figure that a condition is about; null where it is not known, or not finite. */
function figureOf(name: AcceptName, { outputs, flips, auc, speed }: Comparison): number | null {
  if (name === 'flips') return flips?.share ?? null;
  if (name === 'auc_drop') return auc === null ? null : auc.parent - auc.changed;
  if (name === 'speedup') {
    const last = speed.at(-1);
    return last === undefined ? null : last.changed / last.parent;
  }
  // Of several outputs the one that differs most counts.
  const figures = outputs.map((output) => output[name]);
  return figures.length === 0 || figures.includes(null) ? null : Math.max(...figures.map(Number));
}

function targetOf(uri: string, change: Change, out: string | undefined): string {
  if (out !== undefined) return resolveUri(out, process.cwd());
  return `${uri.replace(/\.onnx$/i, '')}.${nameOf(change)}.onnx`;
}

/** Errors: USAGE where another file is there; those of the store. */
async function keep(stores: ModelPlace['stores'], target: string, body: Uint8Array): Promise<string> {
  const { store, key, uri } = stores.at(target);
  const { created } = await store.putIfAbsent(key, body);
  if (created) return uri;
  const there = await store.get(key, { maxBytes: body.length + 1 }).catch(() => null);
  if (there !== null && Buffer.compare(there.bytes, body) === 0) return uri;
  const fix = 'Pass --out with another name, or remove the file that is there.';
  throw new PrescoreError('USAGE', { what: 'another file is there already; it was left as it is', where: uri, fix });
}

function sayRows(rows: BoundRows | null, { rows: compared, isMadeUp }: Comparison, isCalibration: boolean): string {
  if (rows === null || isMadeUp)
    return `${sayCount(compared)} made-up rows, the same every time; --data compares on real ones`;
  const left = rows.rejected === 0 ? '' : `, ${sayCount(rows.rejected)} more were rejected`;
  const same = isCalibration ? '; the ranges were found on rows of the same table, so other rows may differ more' : '';
  const guesses = rows.guesses.map((guess) => `; guess: ${guess}`).join('');
  return `the first ${sayCount(compared)} of ${showPath(rows.uri)}${left}${same}${guesses}`;
}

function tell(uri: string, report: Report, kept: string | null, isAsked: boolean): void {
  const { bytes, comparison, accept, sha256 } = report;
  const size = `${sayBytes(bytes.parent)} before, ${sayBytes(bytes.changed)} after`;
  const rows: ModelRow[] = [
    ['model', showPath(uri)],
    ['change', report.says],
    ['rows', report.rows],
    ...comparisonRows(comparison),
    ['size', size],
  ];
  printRows(rows, process.stdout);
  process.stdout.write('\n');
  printSpeed(comparison, process.stdout);
  process.stdout.write('\n');
  const judged = accept.map(
    ({ rule, figure, isMet: holds }): ModelRow => [holds ? 'accepted' : 'refused', sayFigure(rule, figure)],
  );
  const end: ModelRow =
    kept === null
      ? ['kept', isAsked ? 'nothing' : 'nothing: --accept says what would be']
      : ['kept', `${showPath(kept)}, sha256 ${sha256}`];
  printRows([...judged, end], process.stdout);
}

function sayFigure(rule: string, figure: number | null): string {
  const isShare = /^(flips|auc_drop)/.test(rule) && rule.endsWith('%');
  return `${rule}: ${figure === null ? 'not known, or not finite' : isShare ? percent(figure) : figure.toPrecision(4)}`;
}
