import { rm } from 'node:fs/promises';
import type { RejectReason } from '../../base/contract/binding.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { NO_DICTIONARIES } from '../arrow-values/zero-signs.ts';
import { type Duck, quoteName, quoteText } from './duckdb.ts';
import {
  columnExpression,
  faultExpression,
  isShortage,
  type LocalSlice,
  pathExpression,
  readFault,
  readFaultText,
  rowFaults,
  sliceLength,
  sliceRows,
  sourceRow,
} from './local-slice.ts';
import { AS_OF } from './read-expression.ts';
import { copyTo } from './write-part.ts';

/** What a slice is made into. */
export interface Derivation {
  /** SQL that is true for the rows to keep. It and `computed` have been read by `readExpression`. */
  readonly where: string | null;
  readonly whereSources: readonly string[];
  readonly computed: readonly { readonly name: string; readonly type: string; readonly sql: string }[];
  /** Columns that the expressions read, with their types in this file. */
  readonly sources: readonly { readonly name: string; readonly type: string }[];
  /** Columns of the file that are kept. */
  readonly stored: readonly string[];
  /** The logical time of the run, ISO. */
  readonly asOf: string;
}

export interface DerivedSlice {
  readonly slice: LocalSlice;
  readonly rowsFiltered: number;
}

/** Rows of each expression whose error is told in its own words; those of one slice may be millions. */
const TOLD_ROWS = 20;
const ROW_GROUP_ROWS = 20_480;
/** Names of the query that no column of a table is likely to have. */
const [PLACE, ROW, FAULT, WHERE] = ['prescore place', 'prescore row', 'prescore fault', 'prescore where'].map(
  quoteName,
);

/**
 * Writes the rows of a slice that `where` keeps, in their order, into a new Parquet file with the columns that it needs: stored and
 * computed ones, each row's number in its source, and its fault. A row on which an expression fails is kept with that fault; so is one
 * for which `where` cannot be asked: of a text file one with any fault, else one with a bad text that `where` reads. Null is not true.
 *
 * Errors: INPUT_CORRUPT when rows are missing; DuckDB's own. Repeat: safe; the same rows give the same file.
 */
export async function deriveSlice(
  duck: Duck,
  slice: LocalSlice,
  derivation: Derivation,
  target: string,
): Promise<DerivedSlice> {
  const query = new DerivedQuery(slice, derivation);
  let kept = await write(duck, query, target, []);
  const failures = await failedRows(duck, query, slice, target);
  const told: ToldRow[] = [];
  for (const { place, expression } of failures) {
    told.push({ place, expression, message: await whyFailed(duck, query, place, expression) });
  }
  if (told.length > 0) {
    await rm(target);
    kept = await write(duck, query, target, told);
  }
  const rows = sliceLength(slice);
  const counted = derivation.where === null ? { seen: kept, kept } : await count(duck, query);
  if (counted.seen !== rows || counted.kept !== kept) {
    throw new PrescoreError('INPUT_CORRUPT', {
      what: 'file gives another number of rows than its footer says',
      where: `${slice.uri} rows ${slice.rowStart} to ${slice.rowEnd}`,
      expected: `${rows}`,
      got: `${counted.seen}`,
    });
  }
  const names = new Map([...query.stored, ...query.computed].map(({ name, short }) => [name, short]));
  const { uri, pathValues, groupRows } = slice;
  const notes = { rowColumn: 'r', faultColumn: 'f', faults: query.faults(told) };
  const wide = groupRows === undefined ? {} : { groupRows };
  const own = { path: target, uri, rowStart: 0, rowEnd: kept, fileRows: kept, rowBase: 0, names, pathValues, ...wide };
  return { slice: { ...own, groups: [], asBytes: new Set<string>(), notes }, rowsFiltered: rows - kept };
}

/** A row whose error is told. `expression`: its number among the faults of the query. */
interface ToldRow {
  readonly place: number;
  readonly expression: number;
  readonly message: string;
}

/** The parts of the query over one slice. */
class DerivedQuery {
  readonly stored: readonly { readonly name: string; readonly short: string; readonly sql: string }[];
  readonly computed: readonly {
    readonly name: string;
    readonly short: string;
    readonly type: string;
    readonly sql: string;
  }[];
  /** Faults that rows have before; expressions count on from there: `where` first. */
  readonly before: readonly RejectReason[];
  private readonly where: string | null;
  private readonly rows: string;
  /** The first of these faults are of rows for which `where` cannot be asked. */
  private readonly undecided: number;

  constructor(given: LocalSlice, { where, whereSources, computed, sources, stored, asOf }: Derivation) {
    const blind = whereSources.filter((name) => given.asBytes.has(name));
    const slice = { ...given, asBytes: new Set([...blind, ...given.asBytes]) };
    this.where = where;
    this.before = rowFaults(slice);
    this.undecided = slice.notes === undefined ? blind.length : this.before.length;
    this.computed = computed.map((c, i) => ({ ...c, short: `e${i}` }));
    this.stored = stored.flatMap((name, i) => {
      const sql = columnExpression(slice, name);
      return sql === null ? [] : [{ name, short: `c${i}`, sql }];
    });
    const named = sources.map(({ name, type }) => `${sourceSql(slice, name, type)} as ${quoteName(name)}`);
    const kept = this.stored.map(({ sql, short }) => `${sql} as ${quoteName(`prescore ${short}`)}`);
    const fault = this.before.length > 0 ? faultExpression(slice) : '0::INTEGER';
    const time = `${quoteText(new Date(asOf).toISOString().slice(0, -1))}::TIMESTAMP as ${AS_OF}`;
    const head = [`file_row_number as ${PLACE}`, `${sourceRow(slice)} as ${ROW}`, `${fault} as ${FAULT}`, time];
    this.rows = `select ${[...head, ...named, ...kept].join(', ')} from ${sliceRows(slice)}`;
  }

  /** The expressions in the order of their faults: `where`, then the computed columns. */
  get expressions(): readonly { readonly column: string; readonly sql: string }[] {
    const computed = this.computed.map(({ name, sql, type }) => ({ column: name, sql: `(${sql}\n)::${type}` }));
    return this.where === null ? computed : [{ column: 'where', sql: `(${this.where}\n)` }, ...computed];
  }

  faults(told: readonly ToldRow[]): RejectReason[] {
    const own = this.expressions.map(
      ({ column }): RejectReason => ({ rule: 'expression', column, message: 'the expression fails on this row' }),
    );
    const single = told.map(({ expression, message }): RejectReason => ({ ...own[expression]!, message }));
    return [...this.before, ...own, ...single];
  }

  /** The kept rows. `told`: those with a fault of their own. */
  kept(told: readonly ToldRow[]): string {
    const first = this.before.length + 1;
    const failed = this.computed.map(
      ({ short }, i) =>
        `when ${quoteName(`prescore ${short}`)} is null then ${first + i + (this.where === null ? 0 : 1)}`,
    );
    const own = told.map(({ place }, i) => `when ${PLACE} = ${place} then ${first + this.expressions.length + i}`);
    const where = this.where === null ? '' : `when ${WHERE} is null then ${first}`;
    const fault = `(case when ${FAULT} > 0 then ${FAULT} ${own.join(' ')} ${where} ${failed.join(' ')} else 0 end)::INTEGER`;
    const columns = [
      ...this.stored.map(({ short }) => `${quoteName(`prescore ${short}`)} as ${short}`),
      ...this.computed.map(({ short }) => `struct_extract(${quoteName(`prescore ${short}`)}, 'v') as ${short}`),
    ];
    return `select ${[`${ROW} as r`, `${fault === '' ? 0 : fault} as f`, `${PLACE} as p`, ...columns].join(', ')} from (${this.evaluated()}) prescore_row where ${this.condition}`;
  }

  /** All rows, and those that are kept. */
  counts(): string {
    return `select count(*), count(*) filter (where ${this.condition}) from (${this.evaluated([])}) prescore_row`;
  }

  /** One expression on one row, with its error. */
  alone(place: number, expression: number): string {
    return `select ${this.expressions[expression]!.sql} from (${this.rows}) prescore_row where ${PLACE} = ${place}`;
  }

  private get condition(): string {
    if (this.where === null) return 'true';
    const decided = `${WHERE} is null or struct_extract(${WHERE}, 'v')`;
    return this.undecided === 0 ? decided : `${FAULT} between 1 and ${this.undecided} or ${decided}`;
  }

  // In a struct, so that an expression that fails (the struct is null) is told from one that gives null.
  private evaluated(computed = this.computed): string {
    const where = this.where === null ? [] : [`try(struct_pack(v := (${this.where}\n))) as ${WHERE}`];
    const values = computed.map(
      ({ sql, type, short }) => `try(struct_pack(v := (${sql}\n)::${type})) as ${quoteName(`prescore ${short}`)}`,
    );
    const kept = this.stored.map(({ short }) => quoteName(`prescore ${short}`));
    return `select ${[PLACE, ROW, FAULT, ...kept, ...where, ...values].join(', ')} from (${this.rows}) prescore_row`;
  }
}

function sourceSql(slice: LocalSlice, name: string, type: string): string {
  return pathExpression(slice, name, type) ?? columnExpression(slice, name) ?? `null::${type}`;
}

function write(duck: Duck, query: DerivedQuery, target: string, told: readonly ToldRow[]): Promise<number> {
  const options = { compression: 'snappy', rowGroupRows: ROW_GROUP_ROWS } as const;
  return copyTo(duck, query.kept(told), target, options, NO_DICTIONARIES);
}

async function count(duck: Duck, query: DerivedQuery): Promise<{ readonly seen: number; readonly kept: number }> {
  const [row] = await duck.rows(query.counts());
  return { seen: Number(row?.[0]), kept: Number(row?.[1]) };
}

/** The first rows on which each expression fails. */
async function failedRows(
  duck: Duck,
  query: DerivedQuery,
  slice: LocalSlice,
  path: string,
): Promise<{ readonly place: number; readonly expression: number }[]> {
  if (query.expressions.length === 0) return [];
  const first = rowFaults(slice).length + 1;
  const rows = await duck.rows(`select p, f - ${first} from read_parquet(${quoteText(path)}) where f >= ${first}
    qualify row_number() over (partition by f order by p) <= ${TOLD_ROWS} order by p`);
  return rows.map(([place, expression]) => ({ place: Number(place), expression: Number(expression) }));
}

async function whyFailed(duck: Duck, query: DerivedQuery, place: number, expression: number): Promise<string> {
  try {
    await duck.rows(query.alone(place, expression));
    return 'the expression fails on this row';
  } catch (error) {
    // Not a fault of the row: another attempt may have more.
    if (isShortage(error)) throw readFault(error, query.expressions[expression]!.column);
    return readFaultText(error);
  }
}
