import { copyFileSync, mkdtempSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStoreResolver } from '../../../../src/cli/wiring/open-store.ts';
import { Duck } from '../../../../src/data/duckdb/duckdb.ts';
import { FileTable, packFiles } from '../../../../src/scoring/child/file-table.ts';
import { FooterCache } from '../../../../src/scoring/child/footer-cache.ts';
import { localizeChunk } from '../../../../src/scoring/child/localize.ts';
import { ScratchFiles } from '../../../../src/scoring/child/scratch-files.ts';
import { Turnstile } from '../../../../src/scoring/child/turnstile.ts';
import { failureOf } from '../../../harness/failure-of.ts';

const FLIGHTS = readdirSync(join(import.meta.dirname, '../../../../fixtures/flights'), {
  recursive: true,
  encoding: 'utf8',
}).filter((name) => name.endsWith('.parquet'));
const [FIRST, SECOND] = FLIGHTS.map((name) => join(import.meta.dirname, '../../../../fixtures/flights', name));

describe('a file that changes between the read of its footer and the next step', () => {
  let folder: string;
  let duck: Duck;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'prescore-localize-'));
    duck = await Duck.open({ memoryBytes: 2 ** 26, scratchDir: folder, scratchBytes: 2 ** 30 });
  });

  afterEach(() => {
    duck.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['INPUT_GONE', (file: string) => unlinkSync(file)],
    ['INPUT_CHANGED', (file: string) => copyFileSync(SECOND!, file)],
  ])('is %s, whatever the next step says', async (code, change) => {
    const file = join(folder, 'in.parquet');
    copyFileSync(FIRST!, file);
    const stores = createStoreResolver({}, { env: {} });
    const { store, key, uri } = stores.at(file);
    const { size, etag } = (await store.head(key))!;
    const planned = { uri, size, etag, format: 'parquet', rows: 10, columns: [], pathValues: {} } as const;
    class Changed extends FooterCache {
      override async read(...args: Parameters<FooterCache['read']>) {
        const footer = await super.read(...args);
        change(file);
        return footer;
      }
    }
    const footers = new Changed(async () => {});
    const options = {
      stores,
      duck,
      scratch: new ScratchFiles(folder, 2 ** 30),
      footers,
      arrowMemoryBytes: 2 ** 20,
      scratchBytes: 2 ** 30,
      kept: new Set<string>(),
      converting: new Turnstile(),
    };
    const slices = [{ file: 0, rowStart: 0, rowEnd: 10 }];
    const columns = new Set(['dep_delay', 'distance']);
    const files = new FileTable();
    files.take(packFiles([planned], [0]));
    const failure = await failureOf(localizeChunk(files, slices, { ...options, columns }));
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(uri);
  });
});
