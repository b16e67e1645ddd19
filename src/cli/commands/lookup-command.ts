import type { GenerationMeta, KeyKind, PredictionValue, ValueColumn } from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayDuration, sayMany } from '../../base/telemetry/progress-line.ts';
import { type PredictionKey, unlikeKeys } from '../../sets/prediction-set/key-bytes.ts';
import { type Prediction, PredictionReader } from '../../sets/reader/prediction-reader.ts';
import { printTable } from '../output/print-table.ts';
import { sayValue } from '../output/say-value.ts';
import { openPredictionStore } from '../wiring/open-prediction-store.ts';
import { namedSet, type PlaceFlags } from '../wiring/set-place.ts';

export interface LookupFlags extends PlaceFlags {
  readonly set?: string;
  readonly json?: boolean;
}

/** `prescore lookup`: predictions of some keys. Exit code 0 when all are there, else 4. */
export async function lookupCommand(keys: readonly string[], flags: LookupFlags): Promise<number> {
  const place = namedSet(flags, flags.set, '--set NAME');
  const { store } = await openPredictionStore(place.store, process.env);
  const reader = new PredictionReader(store, place.set);
  try {
    const meta = await reader.meta();
    const asked = keys.map((key) => {
      // Single keys alone do not say what a key is made of, so a list is taken as one of several columns.
      if (meta === null) return listOf(key) ?? key;
      return meta.key.kind === 'composite' ? compositeKey(key, meta.key.columns) : key;
    });
    const found: { readonly key: string; readonly answer: Prediction | null; readonly micros: number }[] = [];
    for (const [i, key] of asked.entries()) {
      const started = performance.now();
      const answer = await reader.get(key);
      found.push({ key: keys[i]!, answer, micros: (performance.now() - started) * 1000 });
    }
    if (flags.json === true) for (const one of found) printJson(one.key, one.answer, one.micros);
    else print(found, new Map(meta?.columns.map((column) => [column.name, typeOf(column)])));
    if (meta !== null) sayMissing(found, meta);
    return found.every((f) => f.answer !== null) ? 0 : 4;
  } finally {
    await reader.close();
  }
}

// Why keys are not there, once for all of them: they cannot be, as they are written, or the table has none.
function sayMissing(
  found: readonly { readonly key: string; readonly answer: Prediction | null }[],
  { key: { kind, columns }, rows, set }: GenerationMeta,
): void {
  const missing = found.flatMap(({ key, answer }) => (answer === null ? [key] : []));
  const odd = missing.find((key) => otherForm(key, kind) !== null);
  if (odd !== undefined)
    process.stderr.write(`note: ${otherForm(odd, kind)} (column ${columns[0]}); it was asked for ${odd}\n`);
  else if (missing.length > 0)
    process.stderr.write(
      `note: ${missing[0]} is not in set ${set} (${sayMany(rows, 'row')} by ${columns.join(', ')}): check how it is written; prescore run and publish bring rows that are new\n`,
    );
}

// On the command line every key is a text; one of digits may have been meant as a number.
function otherForm(key: string, kind: KeyKind): string | null {
  if (kind === 'string' && /^-?\d+$/.test(key)) return unlikeKeys(Number(key), kind);
  return unlikeKeys(key, kind);
}

function listOf(text: string): PredictionKey | null {
  try {
    const parts: unknown = JSON.parse(text);
    return Array.isArray(parts) && parts.every((p) => typeof p === 'string' || Number.isSafeInteger(p)) ? parts : null;
  } catch {
    return null;
  }
}

function compositeKey(text: string, columns: readonly string[]): PredictionKey {
  const parts = listOf(text);
  if (parts !== null) return parts;
  throw new PrescoreError('KEY_INVALID', {
    what: `this set has a key of the columns ${columns.join(', ')}`,
    expected: `a JSON list such as '["AA", 12]'`,
    got: text,
  });
}

function printJson(key: string, answer: Prediction | null, micros: number): void {
  const found = answer === null ? {} : answer;
  const line = { key, found: answer !== null, ...found, micros: Math.round(micros) };
  process.stdout.write(`${JSON.stringify(line, exactly)}\n`);
}

// What a JSON number cannot hold without a change is a text.
function exactly(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function print(
  found: readonly { readonly key: string; readonly answer: Prediction | null; readonly micros: number }[],
  types: ReadonlyMap<string, string>,
): void {
  const names = [...new Set(found.flatMap((f) => Object.keys(f.answer?.values ?? {})))];
  const rows = found.map(({ key, answer, micros }) => {
    const time = `${Math.round(micros)} us`;
    if (answer === null) return [key, ...names.map(() => ''), 'not found', '', '', time];
    const model = [answer.model.name ?? '', answer.model.version ?? ''].join(' ').trim();
    return [
      key,
      ...names.map((n) => say(answer.values[n], types.get(n) ?? '')),
      model,
      answer.runId ?? '',
      sayDuration(answer.ageMs / 1000),
      time,
    ];
  });
  printTable(['key', ...names, 'model', 'run', 'age', 'time'], rows, process.stdout);
}

// DuckDB's name of a float of 32 bits, by which its values are said in the fewest digits; other types need none.
function typeOf({ type }: ValueColumn): string {
  return type.replace('float32', 'FLOAT').replace(/^list<(.*)>$/, '$1[]');
}

function say(value: PredictionValue | undefined, type: string): string {
  return value === undefined || value === null ? '' : sayValue(value, type);
}
