import type { AboutTensor, ModelAbout } from '../../base/contract/model-about.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { sayBytes, sayCount, sayMany } from '../../base/telemetry/progress-line.ts';

/** A line of what a model is: a word, and what is said of it. */
export type ModelRow = readonly [what: string, says: string];

const MOST_SHOWN = 12;
const MOST_TEXT = 120;

/** What a model is, for people: as `inspect` tells it, and in short as `init` and `check` do. */
export function modelRows(about: ModelAbout, isShort = false): ModelRow[] {
  const rows: ModelRow[] = [['format', sayFormat(about)]];
  if (about.producer !== '' && about.producer !== about.format) rows.push(['producer', about.producer]);
  if (about.operators.length > 0) rows.push(['operators', sayOperators(about, isShort ? 4 : MOST_SHOWN)]);
  rows.push(...tensorRows('inputs', about.inputs, isShort));
  rows.push(...tensorRows('outputs', about.outputs, isShort));
  if (about.classes !== null && !isShort) rows.push(['classes', list(about.classes.map(String))]);
  if (about.objective !== null && !isShort) rows.push(['objective', about.objective]);
  const { trees, parameters } = about;
  if (trees !== null)
    rows.push([
      'trees',
      `${sayMany(trees.trees, 'tree')}, ${sayMany(trees.nodes, 'node')}, ${sayCount(trees.leaves)} of them leaves`,
    ]);
  if (parameters > 0 && (trees === null || !isShort)) rows.push(['parameters', sayCount(parameters)]);
  for (const [key, value] of isShort ? [] : Object.entries(about.metadata))
    rows.push([rows.some(([what]) => what === 'metadata') ? '' : 'metadata', `${key}: ${cut(value)}`]);
  return rows;
}

/** What `init` and `check` say of a model: what it is, and who evaluates it in a run. */
export function shortModelRows(about: ModelAbout, { bytes, engine }: Pick<ModelInfo, 'bytes' | 'engine'>): ModelRow[] {
  const runs =
    engine === undefined ? 'ONNX Runtime' : `prescore's trees, checked on ${sayMany(engine.checkedRows, 'row')}`;
  const [format, ...rest] = modelRows(about, true);
  return [['model', `${format?.[1] ?? about.format}, ${sayBytes(bytes)}`], ...rest, ['engine', runs]];
}

/** Prints rows with their words in a column. */
export function printRows(rows: readonly ModelRow[], out: NodeJS.WritableStream): void {
  const width = Math.max(0, ...rows.map(([what]) => what.length)) + 2;
  for (const [what, says] of rows) out.write(`${what.padEnd(width)}${printable(says)}\n`);
}

function sayFormat({ format, irVersion, opsets }: ModelAbout): string {
  const versions = Object.entries(opsets).map(([domain, version]) => `${domain} ${version}`);
  return [
    format,
    ...(irVersion === null ? [] : [`IR ${irVersion}`]),
    ...(versions.length === 0 ? [] : [`opset ${versions.join(', ')}`]),
  ].join(', ');
}

function sayOperators({ operators }: ModelAbout, most: number): string {
  const all = operators.reduce((sum, { count }) => sum + count, 0);
  const named = operators.map(({ name, domain, count }) => {
    const full = domain === 'ai.onnx' || domain === 'ai.onnx.ml' ? name : `${domain}:${name}`;
    return count === 1 ? full : `${sayCount(count)} ${full}`;
  });
  const kinds = operators.length === 1 ? '' : ` of ${operators.length} kinds`;
  return `${sayCount(all)}${kinds}: ${list(named, most)}`;
}

function tensorRows(what: string, tensors: readonly AboutTensor[], isShort: boolean): ModelRow[] {
  if (tensors.length === 0) return [];
  const says = tensors.map(({ name, type, shape }) => {
    const dims = shape?.map((dim, i) => dim ?? (i === 0 ? 'N' : '?')).join(', ');
    return `${name} ${type}${dims === undefined ? '' : ` [${dims}]`}`;
  });
  if (isShort || says.length > MOST_SHOWN) return [[what, list(says, isShort ? 4 : MOST_SHOWN)]];
  return says.map((text, i): ModelRow => [i === 0 ? what : '', text]);
}

function list(items: readonly string[], most = MOST_SHOWN): string {
  const shown = items.slice(0, most).map(cut).join(', ');
  return items.length > most ? `${shown}, … (${sayCount(items.length)})` : shown;
}

function cut(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}

// Names and metadata are the exporter's: none may break a line or the terminal.
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f]+/g, ' ');
}
