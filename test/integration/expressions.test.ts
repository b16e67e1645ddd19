import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeArrow } from '../harness/arrow-tables.ts';
import { prescore } from '../harness/cli.ts';
import { queryParquet } from '../harness/query-parquet.ts';
import { tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

const features = { x: { columns: ['c0', 'c1', 'twice'] } };
const columns = { twice: 'c2 * 2' };
/** Rows 0 to `count` - 1 whose id is no multiple of 3, as id and y. */
const kept = (count: number): (readonly [number, number])[] =>
  Array.from({ length: count }, (_, id) => [id, id + (id % 7) + (id % 3) * 2] as const).filter(([id]) => id % 3 !== 0);

describe('where and columns', () => {
  it.each(['parquet', 'arrow', 'arrows', 'csv', 'jsonl'])(
    'filter and compute the rows of a %s file, in order',
    async (form) => {
      const folder = tempFolder();
      const input = join(folder, `in/a.${form}`);
      await writeInput(input, form, 5000);
      const job = await tinyJob(folder, input, { where: 'id % 3 <> 0', columns, features });
      const result = await prescore(['run', job, '--json']);
      expect(result.stderr).toBe('');
      expect(done(result.events)).toMatchObject({ rows: 3333, rejected: 0, filtered: 1667 });
      expect(await output(folder)).toEqual(kept(5000));
      const manifest = JSON.parse(readFileSync(join(folder, 'out/_manifest.json'), 'utf8')) as object;
      expect(manifest).toMatchObject({ rows: 3333, rejected: 0, filtered: 1667 });
      expect(chunkRecords(folder)).toMatchObject([
        { rowsIn: 5000, rowsScored: 3333, rowsRejected: 0, rowsFiltered: 1667 },
      ]);
    },
  );

  it('keep a run of many chunks and files, one of which has no row left', async () => {
    const folder = tempFolder();
    await writeTables({
      [join(folder, 'in/a.parquet')]: 10,
      [join(folder, 'in/b.parquet')]: 300_000,
      [join(folder, 'in/c.parquet')]: 5,
    });
    const changes = { where: 'id >= 10', columns, features, execution: { scorers: 1, chunkRows: 100_000 } };
    const result = await prescore(['run', await tinyJob(folder, join(folder, 'in/*'), changes), '--json']);
    expect(done(result.events)).toMatchObject({ rows: 299_990, filtered: 25 });
    expect((await output(folder)).map(([id]) => id)).toEqual(Array.from({ length: 299_990 }, (_, i) => i + 10));
  });

  it('commit an empty table where no row is left, and say so in the summary', async () => {
    const folder = tempFolder();
    const input = join(folder, 'in/a.parquet');
    await writeTables({ [input]: 100 });
    const result = await prescore(['run', await tinyJob(folder, input, { where: 'false' })]);
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/filtered/);
    expect(await output(folder)).toEqual([]);
  });

  it('reject a row on which an expression fails, with its number, column and reason; a null is no failure', async () => {
    const folder = tempFolder();
    const input = join(folder, 'in/a.parquet');
    mkdirSync(dirname(input));
    const texts = "case i when 3 then 'abc' when 5 then null when 7 then '9e99' else i::varchar end";
    await queryParquet(
      await some(folder),
      `copy (select i as id, 1.5::float as c0, ${texts} as t from range(10) r(i)) to '${input}' (row_group_size 2048)`,
    );
    const changes = {
      where: "id <> 4 and if(id = 8, t || 'x', '1')::int = 1",
      columns: { n: 't::int' },
      features: { x: { columns: ['c0', 'c0', 'n'], nulls: { fill: 0 } } },
      rejects: { limit: 10 },
    };
    const result = await prescore(['run', await tinyJob(folder, input, changes), '--json']);
    expect(result.code).toBe(3);
    expect(done(result.events)).toMatchObject({ rows: 6, rejected: 3, filtered: 1, rejectsByRule: { expression: 3 } });
    const y = await output(folder);
    expect(y.map(([id]) => id)).toEqual([0, 1, 2, 5, 6, 9]);
    expect(y.map(([, value]) => value)).toEqual([3, 4, 5, 3, 9, 12]);
    const rejects = await queryParquet(
      join(folder, 'out/_prescore/runs/*/rejects/*.pq'),
      'select source_row::int, "column", rule, message, id::int from t order by 1',
    );
    expect(rejects).toEqual([
      [3, 'n', 'expression', expect.stringMatching(/abc/), 3],
      [7, 'n', 'expression', expect.stringMatching(/9e99/), 7],
      [8, 'where', 'expression', expect.stringMatching(/8x/), 8],
    ]);
  });

  it('number the rejects of a text file by its lines, and reject a line that is malformed whatever where says', async () => {
    const folder = tempFolder();
    const input = join(folder, 'in/a.csv');
    mkdirSync(dirname(input));
    writeFileSync(input, 'id,c0,t\n0,1,5\n1,2,x\n2,3,6\n3,4\n4,5,7\n');
    const changes = {
      where: 'id < 2',
      columns: { n: 't::int' },
      features: { x: { columns: ['c0', 'c0', 'n'], nulls: { fill: 0 } } },
      rejects: { limit: 10 },
      input: { uri: input, schema: { t: 'string' } },
    };
    const result = await prescore(['run', await tinyJob(folder, input, changes), '--json']);
    expect(done(result.events)).toMatchObject({ rows: 1, rejected: 2, filtered: 2 });
    expect(
      await queryParquet(
        join(folder, 'out/_prescore/runs/*/rejects/*.pq'),
        'select source_row::int, rule from t order by 1',
      ),
    ).toEqual([
      [3, 'expression'],
      [5, 'malformed'],
    ]);
  });

  it('know the time of the run and columns of the path, and keep computed columns', async () => {
    const folder = tempFolder();
    await writeTables({ [join(folder, 'in/m=3/a.parquet')]: 4, [join(folder, 'in/m=4/a.parquet')]: 4 });
    const changes = {
      input: { uri: join(folder, 'in/*/*.parquet'), pathColumns: { m: 'int32' } },
      where: 'm = 4 and id > 0',
      columns: { age: "date_diff('day', make_date(2020, m, 1), as_of)", key: "'k' || id", twice: 'c2 * m' },
      features,
      id: ['key'],
      passthrough: ['age', 'm'],
    };
    const result = await prescore(
      ['run', await tinyJob(folder, '', changes), '--as-of', '2020-05-01T23:00:00Z', '--json'],
      { env: { TZ: 'Asia/Tokyo' } },
    );
    expect(result.stderr).toBe('');
    expect(
      await queryParquet(join(folder, 'out/part*.parquet'), 'select key, age::int, m, y::int, typeof(age) from t'),
    ).toEqual([
      ['k1', 30, 4, 1 + 1 + 4, 'BIGINT'],
      ['k2', 30, 4, 2 + 2 + 8, 'BIGINT'],
      ['k3', 30, 4, 3 + 3 + 0, 'BIGINT'],
    ]);
  });

  it('are told by plan, checked by check, and sampled', async () => {
    const folder = tempFolder();
    const input = join(folder, 'in/a.parquet');
    await writeTables({ [input]: 10_000 });
    const job = await tinyJob(folder, input, { where: 'id >= 9000', columns, features });
    expect((await prescore(['check', job])).code).toBe(0);
    expect((await prescore(['plan', job])).stdout).toMatch(/where {4}id >= 9000\n {2}computed twice FLOAT = c2 \* 2/);
    const { events } = await prescore(['run', job, '--sample', '2', '--json']);
    expect(events.at(-1)?.['rows']).toEqual([
      ['9000', 9000 + (9000 % 7) + 0],
      ['9001', 9001 + (9001 % 7) + 2],
    ]);
  });

  it.each([
    [{ where: 'random() > 0.5' }, 'SPEC_INVALID', /where calls random/],
    [{ where: 'nothere' }, 'INPUT_SCHEMA', /column "nothere", which the input does not have/],
    [{ columns: { C0: '1' } }, 'INPUT_SCHEMA', /has a column of this name/],
    [{ columns: { Y: 'c0' } }, 'SPEC_INVALID', /taken/],
    [{ columns: { c: 'c0 +' } }, 'SPEC_INVALID', /cannot be parsed/],
  ])('of %j are refused by check with %s', async (changes, code, says) => {
    const folder = tempFolder();
    const input = join(folder, 'in/a.parquet');
    await writeTables({ [input]: 3 });
    const result = await prescore(['check', await tinyJob(folder, input, changes)]);
    expect(result.stderr).toMatch(new RegExp(`^${code}: `));
    expect(result.stderr).toMatch(says);
  });

  it('are part of what a run is: another filter is another definition', async () => {
    const folder = tempFolder();
    const input = join(folder, 'in/a.parquet');
    await writeTables({ [input]: 9 });
    const args = ['--as-of', '2020-01-01'];
    expect((await prescore(['run', await tinyJob(folder, input, { where: 'id < 4' }), ...args])).code).toBe(0);
    const other = await prescore(['run', await tinyJob(folder, input, { where: 'id < 5' }), ...args]);
    expect(other.stderr).toMatch(/RUN_OTHER_DEFINITION/);
    expect(
      (await prescore(['run', await tinyJob(folder, input, { where: 'id < 5' }), ...args, '--if-changed'])).code,
    ).toBe(0);
    expect((await output(folder)).length).toBe(5);
  });
});

async function writeInput(path: string, form: string, rows: number): Promise<void> {
  if (form === 'parquet') return writeTables({ [path]: rows });
  mkdirSync(dirname(path), { recursive: true });
  if (form.startsWith('arrow'))
    return writeArrow(path, [1000, rows - 1000], { form: form === 'arrow' ? 'file' : 'stream' });
  const records = Array.from({ length: rows }, (_, id) => ({ id, c0: id, c1: id % 7, c2: id % 3 }));
  const lines = records.map((r) => (form === 'csv' ? Object.values(r).join(',') : JSON.stringify(r)));
  writeFileSync(path, `${form === 'csv' ? 'id,c0,c1,c2\n' : ''}${lines.join('\n')}\n`);
}

async function some(folder: string): Promise<string> {
  const path = join(folder, 'some.parquet');
  await writeTables({ [path]: 1 });
  return path;
}

function done(events: readonly Record<string, unknown>[]): Record<string, unknown> | undefined {
  return events.find((e) => e['event'] === 'done');
}

async function output(folder: string): Promise<unknown[][]> {
  return queryParquet(join(folder, 'out/part*.parquet'), 'select id::int, y from t');
}

function chunkRecords(folder: string): unknown[] {
  const runs = join(folder, 'out/_prescore/runs');
  const chunks = join(runs, readdirSync(runs)[0]!, 'chunks');
  return readdirSync(chunks).map((name) => JSON.parse(readFileSync(join(chunks, name), 'utf8')) as unknown);
}
