import type { Job } from '../../base/contract/job.ts';
import type { ColumnInfo, FileDescription } from '../../base/contract/table.ts';
import { type ErrorJson, fromErrorJson, PrescoreError, toErrorJson } from '../../base/errors/prescore-error.ts';
import type { Described } from './describe-inputs.ts';
import { pathColumnsOf } from './path-values.ts';
import { settleTextColumns } from './settle-text-columns.ts';

/** What a scorer is asked: the job's expressions, and the columns of each table that they are to fit. */
export interface DeriveQuestion {
  readonly kind: 'derive';
  readonly where: string | null;
  readonly columns: Readonly<Record<string, string>>;
  readonly tables: readonly (readonly ColumnInfo[])[];
}

type Answer =
  | { readonly ok: true; readonly computed: readonly ColumnInfo[] }
  | { readonly ok: false; readonly error: ErrorJson };

/**
 * Settles the types of text files over the table, and adds to the columns of each file those that the job computes of them; files of
 * the same columns are asked about once, and share what comes of it.
 *
 * Errors: SPEC_INVALID for an expression that is refused. One that does not fit a file is that file's result.
 */
export async function deriveInputs(
  job: Job,
  results: readonly Described[],
  ask: (question: DeriveQuestion) => Promise<readonly Answer[]>,
): Promise<readonly Described[]> {
  const settled = settleTextColumns(
    results.flatMap((result) => (result.ok ? [result.file] : [])),
    job.input.schema,
  );
  const { where, columns = {} } = job;
  let next = 0;
  if (where === undefined && job.columns === undefined) {
    return results.map((result) => (result.ok ? { ok: true, file: settled[next++]! } : result));
  }
  const known = knownTypes(settled);
  const paths = pathColumnsOf(job);
  // By identity first: most files share the array of their columns.
  const places = new Map<Columns, number>();
  const byText = new Map<string, number>();
  const tables: Columns[] = [];
  for (const { columns: own } of settled) {
    if (places.has(own)) continue;
    const table = [...own.map((c) => fitted(c, known)), ...paths];
    const text = JSON.stringify(table);
    const place = byText.get(text) ?? tables.push(table) - 1;
    byText.set(text, place);
    places.set(own, place);
  }
  const answers = await ask({ kind: 'derive', where: where ?? null, columns, tables });
  const extended = new Map<Columns, Columns>();
  return results.map((result) => {
    if (!result.ok) return result;
    const file = settled[next++]!;
    const answer = answers[places.get(file.columns)!]!;
    if (!answer.ok) return misfit(file, answer.error);
    const all = extended.get(file.columns) ?? [...file.columns, ...answer.computed];
    extended.set(file.columns, all);
    return { ok: true, file: { ...file, columns: all } };
  });
}

type Columns = readonly ColumnInfo[];

function misfit(file: FileDescription, error: ErrorJson): Described {
  const { code, details } = fromErrorJson(error);
  if (code === 'SPEC_INVALID') throw new PrescoreError(code, details);
  return { ok: false, error: toErrorJson(new PrescoreError(code, { ...details, where: file.uri })) };
}

/** What decides how an expression fits: a column of nothing but nulls has the type of the other files. */
function fitted({ name, type, onlyNulls, unsupported }: ColumnInfo, known: ReadonlyMap<string, string>): ColumnInfo {
  const own = onlyNulls === 'values' ? (known.get(name) ?? type) : type;
  return { name, type: own, nullable: true, ...(unsupported === undefined ? {} : { unsupported }) };
}

function knownTypes(files: readonly FileDescription[]): Map<string, string> {
  const types = new Map<string, string>();
  for (const { columns } of files) {
    for (const { name, type, onlyNulls } of columns) {
      if (onlyNulls !== 'values' && !types.has(name)) types.set(name, type);
    }
  }
  return types;
}
