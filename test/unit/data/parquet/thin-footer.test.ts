import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { describeParquet } from '../../../../src/data/duckdb/describe-file.ts';
import { Duck } from '../../../../src/data/duckdb/duckdb.ts';
import { localSource } from '../../../../src/data/object-store/local-source.ts';
import { readParquetFooter, rowSpans } from '../../../../src/data/parquet/parquet-footer.ts';
import { parquetFrame, wantedRanges, writeSparse } from '../../../../src/data/parquet/sparse-file.ts';
import { thinTail } from '../../../../src/data/parquet/thin-footer.ts';
import { tempFolder } from '../../../harness/temp-job.ts';

it('rows keep their numbers and values when the footer describes only the row groups that are read', {
  timeout: 60_000,
}, async () => {
  const folder = tempFolder();
  const duck = await Duck.open({ memoryBytes: 2 ** 27, scratchDir: folder, scratchBytes: 2 ** 27 });
  const path = join(folder, 'many.parquet');
  const rows = 300 * 2048;
  // DuckDB writes no smaller row groups than vectors.
  const select = `select i, i * 0.5 as half, 'text ' || i as t, if(i % 3 = 0, null, [i]) as l from range(${rows}) x(i)`;
  await duck.run(`copy (${select}) to '${path}' (format parquet, row_group_size 2048)`);
  const { size } = statSync(path);
  const footer = await readParquetFooter(localSource(path, size), path);
  expect(footer.groups.count).toBe(300);
  let file = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(rows - 1), fc.nat(40_000), async (from, length) => {
      const to = Math.min(rows, from + length + 1);
      const spans = rowSpans(footer, from, to);
      const tail = thinTail(footer, spans[0]!.group, spans.at(-1)!.group + 1);
      const columns = new Set(['i', 'half', 't', 'l']);
      const thin = join(folder, `thin-${file++}.parquet`);
      await writeSparse(
        localSource(path, size),
        thin,
        parquetFrame({ tail }, size),
        wantedRanges(footer, columns, from, to),
      );
      expect(await duck.rows(`select num_rows, num_row_groups from parquet_file_metadata('${thin}')`)).toEqual([
        [BigInt(rows), expect.toSatisfy((count: bigint) => count <= spans.length + 2)],
      ]);
      const sums = (at: string): Promise<unknown[][]> =>
        duck.rows(`select count(*), min(file_row_number), max(file_row_number), sum(i), sum(half), bit_xor(hash(t, l))
          from read_parquet('${at}', file_row_number = true) where file_row_number >= ${from} and file_row_number < ${to}`);
      expect(await sums(thin)).toEqual(await sums(path));
    }),
    {
      numRuns: 25,
      examples: [
        [0, rows - 1],
        [0, 0],
        [rows - 1, 0],
        [2047, 1],
      ],
    },
  );
  duck.close();
});

it('types of columns are the same whether DuckDB sees all row groups of a large footer or one', async () => {
  const folder = tempFolder();
  const duck = await Duck.open({ memoryBytes: 2 ** 27, scratchDir: folder, scratchBytes: 2 ** 27 });
  const columns = `i, i::float as f, (i % 100)::decimal(9, 2) as d, null::integer as n, 'text ' || i as t, i % 2 = 0 as b,
    if(i % 3 = 0, null, [i::float]) as l, {'a': i, 'b': 'x'} as s, date '2020-01-01' + (i % 9)::integer as day,
    timestamp '2020-01-01' + interval (i) second as ts, timestamptz '2020-01-01 00:00:00Z' as tz, '\\x01'::blob as raw, uuid() as u,
    time '01:02:03' as tm, i::hugeint::double as w, (i % 7)::utinyint as small`;
  const describe = async (groups: number): Promise<object> => {
    const path = join(folder, `of-${groups}.parquet`);
    const select = `select ${columns} from range(${groups * 2048}) x(i)`;
    await duck.run(`copy (${select}) to '${path}' (format parquet, row_group_size 2048)`);
    const scratchPath = join(folder, `scratch-${groups}`);
    let footerBytes = 0;
    const object = { uri: 'u', etag: 'e', localPath: path, scratchPath, maxFooterBytes: 2 ** 24 };
    const described = await describeParquet(duck, localSource(path, statSync(path).size), {
      ...object,
      onFooter: ({ tail }) => {
        footerBytes = tail.length;
      },
    });
    expect([described.rowGroups.length, footerBytes > 256 * 1024]).toEqual([groups, groups > 1]);
    expect(described.rows).toBe(groups * 2048);
    const own = await duck.describe(`from read_parquet('${path}')`);
    expect(described.columns.map(({ name, type }) => ({ name, type }))).toEqual(
      own.map(({ name, type }) => ({ name, type })),
    );
    return described.columns;
  };
  expect(await describe(220)).toEqual(await describe(1));
  expect(readdirSync(folder).filter((name) => name.startsWith('scratch'))).toEqual([]);
  duck.close();
});
