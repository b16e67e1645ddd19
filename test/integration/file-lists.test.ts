import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Duck, quoteText } from '../../src/data/duckdb/duckdb.ts';
import { prescore } from '../harness/cli.ts';
import { modelFolder, pinnedModel } from '../harness/model-files.ts';
import { writeJob } from '../harness/temp-job.ts';

const FILES = 40;
const ROWS = 30;
const REORDERED = 7;
const WITH_NULL = 20;
const DAMAGED = 33;

const nameOf = (f: number): string =>
  `d=${f < 25 ? 'a' : 'b'}/${String(f).padStart(3, '0')}${f % 9 === 4 ? "[1]'" : ''}.parquet`;

describe('small files that are read as one list', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prescore-lists-'));
  const input = join(folder, 'in');
  let duck: Duck;

  beforeAll(async () => {
    duck = await Duck.open({ memoryBytes: 2 ** 26, scratchDir: folder, scratchBytes: 2 ** 30 });
    for (let f = 0; f < FILES; f++) {
      const path = join(input, nameOf(f));
      mkdirSync(dirname(path), { recursive: true });
      const c2 = f === WITH_NULL ? 'case when i <> 2 then 1 end::float as c2' : '1::float as c2';
      const columns = [
        `(${f} * 1000 + i)::bigint as id`,
        `(i * ${f + 1})::float as c0`,
        '2::float as c1',
        c2,
        `'t${f}' as t`,
      ];
      if (f === REORDERED) columns.reverse();
      await duck.run(
        `copy (select ${columns} from range(${ROWS + f}) r(i)) to ${quoteText(path)} (compression uncompressed)`,
      );
    }
    // The fifth byte is in the header of the first page.
    const damaged = join(input, nameOf(DAMAGED));
    const bytes = readFileSync(damaged);
    bytes.fill(0xff, 4, 20);
    writeFileSync(damaged, bytes);
  }, 60_000);

  afterAll(() => {
    duck.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('keep their rows, their order, their path values and the places of their rejects', async () => {
    const job = writeJob(folder, {
      prescore: 1,
      name: 'lists',
      model: pinnedModel(join(await modelFolder(), 'sum.onnx')),
      input: { uri: join(input, '**/*.parquet'), onBadFile: 'skip', pathColumns: { d: 'string' } },
      features: { x: { columns: ['c0', 'c1', 'c2'], nulls: 'reject' } },
      outputs: { y: 'y' },
      id: ['id'],
      passthrough: ['t', 'd'],
      output: { uri: join(folder, 'out') },
      rejects: { limit: '100%' },
    });
    const run = await prescore(['run', job, '--json']);
    expect([run.code, run.stderr]).toEqual([3, '']);
    const parts = `read_parquet(${quoteText(join(folder, 'out/*.parquet'))}, hive_partitioning = false)`;
    const rows = await duck.rows(`select id, y, t, d from ${parts}`);
    const expected = Array.from({ length: FILES }, (_, f) => f).flatMap((f) => {
      if (f === DAMAGED) return [];
      const all = Array.from({ length: ROWS + f }, (_, i) => [
        BigInt(f * 1000 + i),
        i * (f + 1) + 3,
        `t${f}`,
        f < 25 ? 'a' : 'b',
      ]);
      return f === WITH_NULL ? all.filter((_, i) => i !== 2) : all;
    });
    expect(rows).toEqual(expected);
    const rejects = join(folder, 'out/_prescore/runs/*/rejects/*.pq');
    const told = await duck.rows(
      `select source_file, source_row, source_rows, rule from read_parquet(${quoteText(rejects)}) order by all`,
    );
    expect(told.map(([file, ...rest]) => [String(file).slice(-nameOf(0).length), ...rest])).toEqual([
      [nameOf(WITH_NULL), 2n, 1n, 'null'],
      [nameOf(DAMAGED), 0n, BigInt(ROWS + DAMAGED), 'unreadable'],
    ]);
  }, 60_000);
});
