import { describe, expect, it } from 'vitest';
import type { ColumnInfo } from '../../../../src/base/contract/table.ts';
import { deriveTypes } from '../../../../src/data/duckdb/derive-types.ts';
import { Duck } from '../../../../src/data/duckdb/duckdb.ts';
import { ROW_FUNCTIONS } from '../../../../src/data/duckdb/row-functions.ts';
import { failureOf } from '../../../harness/failure-of.ts';
import { tempFolder } from '../../../harness/temp-job.ts';

const TYPES = {
  a: 'INTEGER',
  b: 'BIGINT',
  x: 'DOUBLE',
  t: 'VARCHAR',
  d: 'DATE',
  z: 'TIMESTAMP WITH TIME ZONE',
  l: 'DOUBLE[]',
  s: 'STRUCT(p INTEGER)',
  Odd: 'INTEGER',
};
const TABLE = Object.entries(TYPES).map(([name, type]): ColumnInfo => ({ name, type, nullable: true }));

describe('expressions of a job', () => {
  it.each([
    ["date_diff('day', d, as_of)", 'BIGINT', ['d']],
    ['a + 1', 'INTEGER', ['a']],
    ['A * x', 'DOUBLE', ['a', 'x']],
    ['"Odd" % 2 = 0', 'BOOLEAN', ['Odd']],
    ["case when a > 1 then 'x' else t end", 'VARCHAR', ['a', 't']],
    ["coalesce(nullif(t, ''), 'none') -- a comment", 'VARCHAR', ['t']],
    ['s.p + s.p', 'INTEGER', ['s']],
    ['l[1] + list_sum(l)', 'DOUBLE', ['l']],
    ['try_cast(t as double)', 'DOUBLE', ['t']],
    ['a in (1, 2) and x between 0 and 1 and t is not null', 'BOOLEAN', ['a', 'x', 't']],
    ["z at time zone 'Europe/Berlin'", 'TIMESTAMP', ['z']],
    ['d + interval 3 day', 'TIMESTAMP', ['d']],
    ['extract(year from d)', 'BIGINT', ['d']],
    ["lower(t) like 'a%'", 'BOOLEAN', ['t']],
    ['a::decimal(10,2)', 'DECIMAL(10,2)', ['a']],
    ['[x, a]', 'DOUBLE[]', ['x', 'a']],
  ])('takes %s, which gives %s', async (sql, type, sources) => {
    const [column] = await derive({ c: sql });
    expect(column).toEqual({ name: 'c', type, nullable: true, computedFrom: sources });
  });

  it.each([
    '(select 1)',
    'a in (select 1)',
    'exists (select 1)',
    'a = any(l)',
    'count(*)',
    'sum(a)',
    'row_number() over ()',
    'sum(a) over ()',
    'lag(a) over ()',
    '*',
    "columns('a')",
    '$1',
    '?',
    'a, b',
    'a from t',
    'a; select 1',
    'a;',
    'a as b',
    'a b',
    'distinct a',
    'all a',
    'a order by 1',
    'a limit 1',
    'a where b > 1',
    'a union select 2',
    'a) , (b',
    'a +',
    '',
    '/* open',
    "getenv('HOME')",
    'random()',
    'now()',
    'current_date',
    'current_timestamp',
    'today()',
    'uuid()',
    'gen_random_uuid()',
    "nextval('s')",
    'txid_current()',
    'version()',
    "current_setting('threads')",
    "getvariable('v')",
    "error('x')",
    'age(d)',
    'ago(interval 1 day)',
    'current_user',
    'user',
    "read_text('/etc/passwd')",
    "'/etc/passwd'.read_text()",
    'unnest(l)',
    'generate_series(1, 3)',
    'range(3)',
    'list_transform(l, v -> v + 1)',
    '[v for v in l]',
    'grouping(a)',
    'system.main.abs(a)',
    'other.abs(a)',
    '#1',
    'default',
    'rowid',
    'file_row_number',
    'missing + 1',
    'c + 1',
    "write_log('x')",
    'setseed(1)',
    'sleep_ms(1)',
    'query(t)',
    'typeof(a)',
    'json_execute_serialized_sql(t)',
    'nosuch(a)',
  ])('refuses %s', async (sql) => {
    const error = await failureOf(derive({ c: sql }));
    expect(['SPEC_INVALID', 'INPUT_SCHEMA']).toContain(error.code);
    expect(error.message).toContain('columns.c');
  });

  it.each([
    ['hash(a)', /calls hash/],
    ['a::hugeint', /HUGEINT, which cannot be a column/],
    ['s', /STRUCT/],
    ['[l]', /cannot be a column/],
    ['t + d', /does not fit the input/],
    ['missing', /uses column "missing", which the input does not have/],
    ['c', /only source columns/],
  ])('says of %s why', async (sql, says) => {
    expect((await failureOf(derive({ c: sql }))).message).toMatch(says);
  });

  it('takes a filter that is true or false, and no other', async () => {
    expect(await derive({}, 'a > 1')).toMatchObject([{ type: 'BOOLEAN', computedFrom: ['a'] }]);
    expect((await failureOf(derive({}, 'a'))).message).toMatch(/where gives INTEGER, not true or false/);
  });

  it('refuses names that are ambiguous or taken', async () => {
    const twins = [...TABLE, { name: 'A', type: 'INTEGER', nullable: true }];
    expect((await failureOf(derive({ c: 'a + "A"' }, null, twins))).message).toMatch(/two columns named/);
    expect((await derive({ c: 'a + 1' }, null, twins))[0]!.computedFrom).toEqual(['a']);
    const wider = [...TABLE, { name: 'AS_OF', type: 'DATE', nullable: true }];
    expect((await failureOf(derive({ c: 'as_of' }, null, wider))).message).toMatch(/has a column of this name/);
    expect((await failureOf(derive({ ODD: 'a' }))).message).toMatch(
      /columns\.Odd: the input has a column of this name/,
    );
    const odd = [{ name: 'v', type: 'X', nullable: true, unsupported: 'it is odd' }];
    expect((await failureOf(derive({ c: 'v' }, null, odd))).code).toBe('INPUT_UNSUPPORTED');
  });

  it('may call only what DuckDB itself calls the same for the same arguments', async () => {
    const duck = await open();
    const rows = await duck.rows(`select function_name, function_type, stability from duckdb_functions()
      where function_type in ('scalar', 'macro', 'aggregate')`);
    const known = new Map<string, Set<string>>();
    for (const [name, type, stability] of rows) {
      const kinds = known.get(String(name)) ?? new Set();
      known.set(String(name), kinds.add(type === 'scalar' ? String(stability) : String(type)));
    }
    duck.close();
    const odd = [...ROW_FUNCTIONS].filter((name) => {
      const kinds = [...(known.get(name) ?? ['unknown'])];
      return name !== 'row' && kinds.some((kind) => kind !== 'CONSISTENT' && kind !== 'macro');
    });
    expect(odd).toEqual([]);
  });

  it('does not depend on the zone of the machine', async () => {
    const duck = await open();
    expect(
      await duck.rows("select '2020-01-01 23:30:00+00'::timestamptz::date::varchar, current_setting('TimeZone')"),
    ).toEqual([['2020-01-01', 'UTC']]);
    duck.close();
  });
});

async function open(): Promise<Duck> {
  return Duck.open({ memoryBytes: 128 * 2 ** 20, scratchDir: tempFolder(), scratchBytes: 2 ** 30 });
}

async function derive(
  columns: Readonly<Record<string, string>>,
  where: string | null = null,
  table: readonly ColumnInfo[] = TABLE,
): Promise<ColumnInfo[]> {
  const duck = await open();
  try {
    return await deriveTypes(duck, { where, columns }, table);
  } finally {
    duck.close();
  }
}
