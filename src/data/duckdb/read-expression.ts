import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type Duck, quoteText } from './duckdb.ts';
import { ROW_FUNCTIONS } from './row-functions.ts';

/** The name by which an expression asks for the logical time of its run. */
export const AS_OF = 'as_of';

/** One expression of a job file. */
export interface RowExpression {
  /** Its key in the job file, such as `columns.age`. */
  readonly key: string;
  readonly sql: string;
}

type Node = Readonly<Record<string, unknown>>;

const CLASSES: Readonly<Record<string, string | null>> = {
  FUNCTION: null,
  CONSTANT: null,
  COLUMN_REF: null,
  CASE: null,
  CAST: null,
  COMPARISON: null,
  CONJUNCTION: null,
  OPERATOR: null,
  BETWEEN: null,
  COLLATE: null,
  SUBQUERY: 'a subquery (also = any(…): use list_contains)',
  WINDOW: 'a window function: an expression sees one row',
  STAR: '* or columns(…)',
  LAMBDA: 'a lambda or -> (for JSON use json_extract or ->>)',
  PARAMETER: 'a parameter',
};
/** Operators that DuckDB knows beside its functions. */
const OPERATORS = new Set(
  `OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL OPERATOR_COALESCE OPERATOR_NULLIF OPERATOR_TRY COMPARE_IN COMPARE_NOT_IN
  ARRAY_EXTRACT ARRAY_SLICE STRUCT_EXTRACT ARRAY_CONSTRUCTOR`.split(/\s+/),
);
const STATEMENT = new Set(['type', 'select_list', 'from_table', 'aggregate_handling']);

/**
 * Reads an expression with DuckDB's own parser, which runs nothing, and gives the columns that it names, as written: the first part
 * of each (`s` of `s.a`). Takes what works on one row and gives the same on every machine; anything else is refused.
 *
 * Errors: SPEC_INVALID with the key, the expression and the reason.
 */
export async function readExpression(duck: Duck, expression: RowExpression): Promise<readonly string[]> {
  // As it is written it must be one value, and in parentheses, as it is used, it must mean the same.
  const bare = await parsed(duck, expression, expression.sql);
  const inside = await parsed(duck, expression, `(${expression.sql}\n)`);
  if (shape(bare) !== shape(inside)) throw refused(expression, 'is not one expression');
  const names = new Set<string>();
  visit(inside, expression, names);
  return [...names];
}

/** SPEC_INVALID for an expression. */
export function refused({ key, sql }: RowExpression, reason: string): PrescoreError {
  return new PrescoreError('SPEC_INVALID', {
    what: `${key} ${reason}`,
    where: key,
    got: sql.length > 200 ? `${sql.slice(0, 200)}…` : sql,
    fix: 'What an expression may be: prescore help expressions.',
  });
}

async function parsed(duck: Duck, expression: RowExpression, sql: string): Promise<Node> {
  const query = quoteText(`select ${sql}\n`);
  const options = 'skip_default := true, skip_null := true, skip_empty := true';
  const [row] = await duck.rows(`select json_serialize_sql(${query}, ${options})::VARCHAR`);
  const told = JSON.parse(String(row?.[0])) as Node;
  if (told['error'] === true) {
    throw refused(expression, `cannot be parsed: ${String(told['error_message'] ?? '').split('\n')[0]}`);
  }
  const statements = childrenOf(told['statements']);
  const node = statements.length === 1 ? (statements[0]!['node'] as Node | undefined) : undefined;
  const values = childrenOf(node?.['select_list']);
  const from = node?.['from_table'] as Node | undefined;
  const isValue = node?.['type'] === 'SELECT_NODE' && values.length === 1 && from?.['type'] === 'EMPTY';
  if (node === undefined || !isValue || Object.keys(node).some((name) => !STATEMENT.has(name)) || sql.includes(';')) {
    throw refused(expression, 'is not one expression (a statement, a list of values, or a semicolon)');
  }
  if (values[0]!['alias'] !== undefined) throw refused(expression, 'has a name of its own (as …)');
  return values[0]!;
}

function childrenOf(list: unknown): readonly Node[] {
  return Array.isArray(list) ? (list as Node[]) : [];
}

function shape(node: Node): string {
  return JSON.stringify(node, (name, value: unknown) => (name === 'query_location' ? undefined : value));
}

function visit(node: Node, expression: RowExpression, names: Set<string>): void {
  const kind = node['class'];
  if (typeof kind === 'string') {
    const why = Object.hasOwn(CLASSES, kind) ? CLASSES[kind] : kind.toLowerCase();
    if (why != null) throw refused(expression, `uses ${why}`);
    if (kind === 'OPERATOR' && !OPERATORS.has(String(node['type']))) {
      throw refused(expression, `uses ${String(node['type']).toLowerCase()}`);
    }
    if (kind === 'FUNCTION') checkFunction(node, expression);
    if (kind === 'COLUMN_REF') names.add(String((node['column_names'] as unknown[])[0]));
    if (kind === 'CONSTANT') return;
  }
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === 'object' && child !== null) visit(child as Node, expression, names);
    }
  }
}

function checkFunction(node: Node, expression: RowExpression): void {
  const name = String(node['function_name']);
  const { schema, catalog, distinct, filter, order_bys: order } = node;
  const isOwn = catalog === undefined && (schema === undefined || schema === 'main');
  const isPlain =
    distinct === undefined && filter === undefined && (order as Node | undefined)?.['orders'] === undefined;
  if (isOwn && isPlain && ROW_FUNCTIONS.has(name.toLowerCase())) return;
  throw refused(expression, `calls ${name}, which is not one of the functions that expressions may call`);
}
