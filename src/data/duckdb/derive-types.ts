import { type ColumnInfo, WHERE_COLUMN } from '../../base/contract/table.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type Duck, quoteName } from './duckdb.ts';
import { AS_OF, type RowExpression, readExpression, refused } from './read-expression.ts';

/** The expressions of a job: `where`, and `columns` by name. */
export interface JobExpressions {
  readonly where: string | null;
  readonly columns: Readonly<Record<string, string>>;
}

/** What a computed column can be: types that come back from Parquet as they were written. */
const SCALAR =
  /^(BOOLEAN|U?(TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|DATE|TIME|TIMESTAMP|TIMESTAMP WITH TIME ZONE|VARCHAR)$/;

/**
 * The columns that a job computes of a table with these columns, with their types; `where` is one of them. Looks at no data.
 *
 * Errors: SPEC_INVALID for an expression that is refused whatever the table; INPUT_SCHEMA, INPUT_UNSUPPORTED for one that does not fit it.
 */
export async function deriveTypes(
  duck: Duck,
  { where, columns }: JobExpressions,
  table: readonly ColumnInfo[],
): Promise<ColumnInfo[]> {
  const twin = table.find(({ name }) => Object.keys(columns).some((own) => own.toLowerCase() === name.toLowerCase()));
  if (twin !== undefined) {
    const what = `columns.${twin.name}: the input has a column of this name (case aside)`;
    throw new PrescoreError('INPUT_SCHEMA', { what, fix: 'Give the computed column another name.' });
  }
  const computed = new Set(Object.keys(columns).map((name) => name.toLowerCase()));
  const derive = async (name: string, key: string, sql: string): Promise<ColumnInfo> => {
    const expression = { key, sql };
    const names = await readExpression(duck, expression);
    const sources = names.flatMap((source) => sourceOf(source, table, computed, expression) ?? []);
    const type = await typeOf(duck, expression, sources, key !== 'where');
    return { name, type, nullable: true, computedFrom: sources.map((c) => c.name) };
  };
  const derived: ColumnInfo[] = [];
  if (where !== null) {
    const column = await derive(WHERE_COLUMN, 'where', where);
    if (column.type !== 'BOOLEAN') {
      throw misfit({ key: 'where', sql: where }, `gives ${column.type}, not true or false`);
    }
    derived.push(column);
  }
  for (const [name, sql] of Object.entries(columns)) derived.push(await derive(name, `columns.${name}`, sql));
  return derived;
}

/** The column that a name means, by its exact name or else case aside; null for the time of the run. */
function sourceOf(
  name: string,
  table: readonly ColumnInfo[],
  computed: ReadonlySet<string>,
  expression: RowExpression,
): ColumnInfo | null {
  const folded = name.toLowerCase();
  const alike = table.filter((c) => c.name.toLowerCase() === folded);
  if (folded === AS_OF) {
    if (alike.length === 0) return null;
    throw misfit(expression, `uses ${AS_OF}, which is the time of the run, and the input has a column of this name`);
  }
  const found = alike.find((c) => c.name === name) ?? (alike.length === 1 ? alike[0] : undefined);
  if (found === undefined) {
    if (computed.has(folded))
      throw refused(expression, `uses ${name}, which is computed itself: only source columns can be used`);
    const why =
      alike.length === 0 ? 'which the input does not have' : 'and the input has it in several spellings of case';
    throw misfit(expression, `uses column ${JSON.stringify(name)}, ${why}`);
  }
  if (found.unsupported !== undefined) {
    const what = `${expression.key} uses column ${JSON.stringify(found.name)}, which cannot be read: ${found.unsupported}`;
    throw new PrescoreError('INPUT_UNSUPPORTED', { what });
  }
  return found;
}

async function typeOf(
  duck: Duck,
  expression: RowExpression,
  sources: readonly ColumnInfo[],
  isKept: boolean,
): Promise<string> {
  const twins = sources.find((a) => sources.some((b) => a !== b && a.name.toLowerCase() === b.name.toLowerCase()));
  if (twins !== undefined) throw misfit(expression, `uses two columns named ${twins.name} (case aside)`);
  const select = sources.map((c) => `null::${c.type} as ${quoteName(c.name)}`);
  const rows = `select ${[...select, `null::TIMESTAMP as ${AS_OF}`].join(', ')}`;
  let type: string;
  try {
    // In a struct and in try, as it will be evaluated.
    const query = `select try(struct_pack(v := (${expression.sql}\n))) as v from (${rows}) prescore_row`;
    const [described] = await duck.describe(`select struct_extract(v, 'v') as v from (${query})`);
    type = described!.type;
  } catch (error) {
    const text = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    throw misfit(expression, `does not fit the input: ${text}`);
  }
  const element = /^(.+)\[\]$/.exec(type)?.[1] ?? type;
  if (!isKept || SCALAR.test(element)) return type;
  throw misfit(expression, `gives ${type}, which cannot be a column: cast it, such as (…)::DOUBLE`);
}

function misfit({ key, sql }: RowExpression, reason: string): PrescoreError {
  return new PrescoreError('INPUT_SCHEMA', { what: `${key} ${reason}`, got: sql });
}
