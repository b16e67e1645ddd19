import { statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
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
