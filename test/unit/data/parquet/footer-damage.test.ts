import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { Duck, parquetSource } from '../../../../src/data/duckdb/duckdb.ts';
import { readParquetFooter } from '../../../../src/data/parquet/parquet-footer.ts';
import { runPython } from '../../../harness/python.ts';
import { suiteFolder } from '../../../harness/suite-folder.ts';

const folder = suiteFolder();
let duck: Duck;

beforeAll(async () => {
  duck = await Duck.open({ memoryBytes: 2 ** 27, scratchDir: folder, scratchBytes: 2 ** 27 });
  await duck.run(`copy (select i, i * 0.5::float as f, 'text ' || i as t, [i] as l, i::decimal(9, 2) as d from range(5) x(i))
    to '${join(folder, 'duckdb.parquet')}' (format parquet)`);
  await runPython('make_footer.py', [join(folder, 'pyarrow.parquet')]);
});

async function footerOf(bytes: Buffer) {
  const source = {
    size: bytes.length,
    read: async (offset: number, length: number) => new Uint8Array(bytes.subarray(offset, offset + length)),
  };
  return readParquetFooter(source, 'x').catch(() => null);
}

/**
 * DuckDB is asked about one file of each schema. Whatever it refuses in a file of a schema that is known must therefore be found by the
 * reader of footers: else a plan is made that fails where it is scored.
 */
it.each(['duckdb', 'pyarrow'])(
  'a damaged footer of %s that is taken is one that DuckDB takes too',
  async (name) => {
    const good = readFileSync(join(folder, `${name}.parquet`));
    const from = good.length - 8 - good.readUInt32LE(good.length - 8);
    const schema = Buffer.from((await footerOf(good))!.schemaBytes);
    const path = join(folder, 'damaged.parquet');
    const refused: string[] = [];
    let taken = 0;
    for (let at = from; at < good.length - 8; at++) {
      // Every third byte of a long test suite; all of them were tried.
      for (const value of [0, 1, 21, 25, 28, 44, 128, good[at]! ^ 1, good[at]! ^ 16].slice(at % 3 === 0 ? 0 : 7)) {
        if (value === good[at]) continue;
        const bytes = Buffer.from(good);
        bytes[at] = value;
        const footer = await footerOf(bytes);
        const isSame = footer !== null && schema.equals(footer.schemaBytes);
        if (!isSame || footer.columns.some((c) => c.unsupported !== null)) continue;
        taken++;
        writeFileSync(path, bytes);
        await duck.describe(`select * from ${parquetSource(path)}`).catch((error: Error) => {
          refused.push(`byte ${at - from} as ${value}: ${error.message.split('\n')[0]}`);
        });
      }
    }
    expect(taken).toBeGreaterThan(100);
    expect(refused).toEqual([]);
  },
  60_000,
);
