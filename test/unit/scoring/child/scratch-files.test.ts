import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStoreResolver } from '../../../../src/cli/wiring/open-store.ts';
import { Duck, quoteText } from '../../../../src/data/duckdb/duckdb.ts';
import { FileTable, packFiles } from '../../../../src/scoring/child/file-table.ts';
import { FooterCache } from '../../../../src/scoring/child/footer-cache.ts';
import { localizeChunk } from '../../../../src/scoring/child/localize.ts';
import { mapNative } from '../../../../src/scoring/child/native-errors.ts';
import { ScratchFiles } from '../../../../src/scoring/child/scratch-files.ts';
import { Turnstile } from '../../../../src/scoring/child/turnstile.ts';

const GROUPS = 200;
const GROUP_ROWS = 2048;

describe('scratch files of a child', () => {
  let folder: string;
  let duck: Duck;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'prescore-scratch-'));
    duck = await Duck.open({ memoryBytes: 2 ** 26, scratchDir: folder, scratchBytes: 2 ** 30 });
  });

  afterEach(() => {
    duck.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['a row group among many is copied when it fits', 2 ** 30, true],
    ['it is read in place when it does not', 1024, false],
  ])('%s', async (_, limit, isCopied) => {
    const path = join(folder, 'in.parquet');
    await duck.run(
      `copy (select i from range(${GROUPS * GROUP_ROWS}) t(i)) to ${quoteText(path)} (format parquet, row_group_size ${GROUP_ROWS})`,
    );
    const stores = createStoreResolver({}, { env: {} });
    const { store, key, uri } = stores.at(path);
    const { size, etag } = (await store.head(key))!;
    const columns = [{ name: 'i', type: 'BIGINT', nullable: true }];
    const rows = GROUPS * GROUP_ROWS;
    const planned = { uri, size, etag, format: 'parquet', rows, columns, pathValues: {} } as const;
    const files = new FileTable();
    files.take(packFiles([planned], [0]));
    const scratch = new ScratchFiles(folder, limit);
    const local = await localizeChunk(files, [{ file: 0, rowStart: GROUP_ROWS, rowEnd: 2 * GROUP_ROWS }], {
      ...{ stores, duck, scratch, scratchBytes: limit, arrowMemoryBytes: 2 ** 20, converting: new Turnstile() },
      ...{ footers: new FooterCache(async () => {}), kept: new Set<string>(), columns: new Set(['i']) },
    });
    const target = local.slices[0]!.path;
    expect(target !== path).toBe(isCopied);
    const query = `select min(i), count(*) from read_parquet(${quoteText(target)}) where i between 2048 and 4095`;
    expect(await duck.rows(query)).toEqual([[2048n, 2048n]]);
    await local.release();
    expect(existsSync(target)).toBe(!isCopied);
  });

  it('are counted by what they take and by what is yet to come, until they are removed', async () => {
    const scratch = new ScratchFiles(folder, 1_000_000);
    const coming = scratch.newPath(600_000);
    expect(scratch.hasRoom(400_000)).toBe(true);
    expect(scratch.hasRoom(400_001)).toBe(false);
    const written = scratch.newPath();
    writeFileSync(written, new Uint8Array(300_000).fill(1));
    expect(scratch.hasRoom(200_000)).toBe(false);
    await scratch.remove(coming);
    await scratch.remove(written);
    expect(scratch.hasRoom(1_000_000)).toBe(true);
  });

  it('that do not fit the disk are told apart from an output that does not', () => {
    const full = (path: string): Error => new Error(`IO Error: Could not write to "${path}": No space left on device`);
    expect(mapNative(full(join(folder, 'in-1')), folder).code).toBe('SCRATCH_FULL');
    expect(mapNative(full('/data/out/part'), folder).code).toBe('STORE_NO_SPACE');
  });
});
