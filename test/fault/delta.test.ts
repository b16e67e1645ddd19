import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { findLog } from '../../src/run/delta/find-log.ts';
import { prescore } from '../harness/cli.ts';
import { makeDeltaTables, upload } from '../harness/delta-tables.ts';
import { openFaultyStore } from '../harness/fault-store.ts';
import { expectRefusal, type Refusal } from '../harness/refusal.ts';
import { makeBucket, openBucket } from '../harness/s3-test-store.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { tempFolder } from '../harness/temp-job.ts';
import { tinyJob } from '../harness/tiny-tables.ts';

type Action = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

describe('Delta tables that cannot be read are refused by name', () => {
  const lake = suiteFolder();
  beforeAll(async () => {
    await makeDeltaTables(lake);
  }, 300_000);

  const commit = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`;

  /** A copy of a table, and a job over it. */
  async function copyOf(table: string, input = {}, changes = {}): Promise<{ place: string; job: string }> {
    const folder = tempFolder();
    const place = join(folder, 'table');
    cpSync(join(lake, table), place, { recursive: true });
    return { place, job: await tinyJob(folder, '', { input: { uri: place, ...input }, ...changes }) };
  }

  /** Changes the actions of a commit. */
  function rewrite(place: string, version: number, change: (action: Action) => Action): void {
    const path = join(place, commit(version));
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    writeFileSync(path, lines.map((line) => JSON.stringify(change(JSON.parse(line) as Action))).join('\n'));
  }

  const refuses = (job: string, code: string, says: RegExp): Promise<unknown> =>
    expectRefusal(['check', job], { exit: 4, code, says } satisfies Refusal);

  it('versions that do not exist, or not any more', async () => {
    const { job } = await copyOf('plain', { version: 77 });
    await refuses(job, 'INPUT_TABLE_VERSION', /has no version 77; .*expected versions 0 to 9; got 77/);
    const cleaned = await copyOf('many', { version: 3 });
    await refuses(cleaned.job, 'INPUT_TABLE_VERSION', /no version 3; .*expected versions 20 to 25/);
  });

  it('a gap in the log, a damaged line, an empty commit', async () => {
    const { place, job } = await copyOf('plain');
    renameSync(join(place, commit(6)), join(place, 'kept'));
    await refuses(job, 'INPUT_TABLE_LOG', /has a gap: commit 6 is missing, and version 9 needs it; at .*06\.json/);
    const torn = readFileSync(join(place, 'kept'), 'utf8');
    writeFileSync(join(place, commit(6)), torn.slice(0, torn.length - 9));
    await refuses(job, 'INPUT_TABLE_LOG', /a line of the log is no JSON object; at .*06\.json:\d+/);
    writeFileSync(join(place, commit(6)), '');
    await refuses(job, 'INPUT_TABLE_LOG', /a file of the log is empty; at .*06\.json/);
  });

  it('a damaged checkpoint; one that is gone is read around while the commits are there', async () => {
    const { place, job } = await copyOf('plain');
    const [name] = readdirSync(join(place, '_delta_log')).filter((each) => each.endsWith('.checkpoint.parquet'));
    const path = join(place, '_delta_log', name!);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 100));
    await refuses(job, 'INPUT_TABLE_LOG', /a checkpoint of the table cannot be read; at .*\.checkpoint\.parquet/);
    rmSync(path);
    expect((await prescore(['check', job])).stdout).toContain('version 9');
    writeFileSync(join(place, '_delta_log/_last_checkpoint'), 'not json');
    expect((await prescore(['check', job])).stdout).toContain('version 9');
    rmSync(join(place, commit(0)));
    await refuses(job, 'INPUT_TABLE_LOG', /the log of the table has no beginning/);
  });

  it('a part of a checkpoint that is missing', async () => {
    const { place, job } = await copyOf('many');
    const log = join(place, '_delta_log');
    const at = '00000000000000000020.checkpoint';
    renameSync(join(log, `${at}.parquet`), join(log, `${at}.0000000001.0000000002.parquet`));
    await refuses(job, 'INPUT_TABLE_LOG', /has no beginning: .*got commits 20 to 25/);
  });

  it('a data file that was deleted or replaced', async () => {
    const { place, job } = await copyOf('plain', { version: 4 });
    const added = readFileSync(join(place, commit(1)), 'utf8');
    const path = /"path":"([^"]+)"/.exec(added)![1]!;
    const bytes = readFileSync(join(place, path));
    writeFileSync(join(place, path), Buffer.concat([bytes, Buffer.from('x')]));
    await refuses(job, 'INPUT_CHANGED', /another length; .*expected \d+ bytes; got \d+/);
    rmSync(join(place, path));
    await refuses(job, 'INPUT_GONE', /version 4 of the Delta table needs a data file that is not there.*vacuum/);
  });

  it('what the table needs of a reader', async () => {
    const feature = async (protocol: Record<string, unknown>, configuration = {}): Promise<string> => {
      const { place, job } = await copyOf('evolve', { version: 0 });
      rewrite(place, 0, (action) => {
        if ('protocol' in action) return { protocol: { minWriterVersion: 7, writerFeatures: [], ...protocol } };
        if ('metaData' in action) return { metaData: { ...action['metaData'], configuration } };
        return action;
      });
      return job;
    };
    const features = (...readerFeatures: string[]) => ({ minReaderVersion: 3, readerFeatures });
    await refuses(
      await feature(features('flyingColumns')),
      'INPUT_UNSUPPORTED',
      /needs the reader feature flyingColumns/,
    );
    await refuses(
      await feature({ minReaderVersion: 4 }),
      'INPUT_UNSUPPORTED',
      /needs version 4 of the reader's protocol/,
    );
    const mapped = await feature(features('columnMapping'), { 'delta.columnMapping.mode': 'id' });
    await refuses(mapped, 'INPUT_UNSUPPORTED', /finds columns by ids/);
    expect((await prescore(['check', await feature(features('timestampNtz', 'v2Checkpoint'))])).code).toBe(0);
  });

  it('what a job asks of it that it does not have', async () => {
    const zoned = await copyOf('typed', {}, { passthrough: ['z'] });
    await refuses(zoned.job, 'INPUT_UNSUPPORTED', /"z" cannot be read: .*whose zone only their writer knows/);
    const twice = await copyOf('typed', { pathColumns: { i: 'int32' } });
    await refuses(twice.job, 'INPUT_SCHEMA', /pathColumns\.i: the Delta table has a column of this name/);
    const { place } = await copyOf('parts');
    const over = (behind: string, input = {}): Promise<string> =>
      tinyJob(tempFolder(), '', { input: { uri: `${place}${behind}`, ...input } });
    await refuses(await over('/color=red/'), 'INPUT_SCHEMA', /"color" is no partition column .*expected kind, day/);
    await refuses(await over('/kind=*/day=monday/'), 'INPUT_SCHEMA', /no value of its column; .*expected DATE/);
    await refuses(await over('/part-0*.parquet'), 'INPUT_UNSUPPORTED', /names files of a Delta table/);
    await refuses(await over('/day=1999-01-01/'), 'INPUT_NOT_FOUND', /version 3 has no file there/);
    mkdirSync(join(place, '../files'));
    await refuses(await over('/../files', { table: 'delta' }), 'INPUT_NOT_FOUND', /there is no Delta table/);
  });

  it('keys of the job file that do not go together', async () => {
    const job = await tinyJob(tempFolder(), '', { input: { uri: [lake, '/other'], version: 1, format: 'csv' } });
    const { code, stderr } = await prescore(['check', job]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('input.format: is not for a Delta table')]);
    expect(stderr).toContain('input.version: is the version of one table');
  });

  it('on S3: of a long log only what comes after the checkpoint is listed', { timeout: 60_000 }, async () => {
    const place = await openFaultyStore('delta-log');
    await upload(join(lake, 'many'), place.direct, 't/');
    const before = Array.from({ length: 2100 }, (_, i) => `t/${commit(3).replace('.json', `.${i}.crc`)}`);
    for (let i = 0; i < before.length; i += 100) {
      await Promise.all(before.slice(i, i + 100).map((key) => place.direct.put(key, Buffer.from('x'))));
    }
    const pages = async (version: number | null): Promise<unknown[]> => {
      place.proxy.script();
      const found = await findLog(place.faulty, 't/', version);
      return [found.version, found.checkpoint?.version, place.proxy.count('ListObjects')];
    };
    expect([await pages(null), await pages(22)]).toEqual([
      [25, 20, 1],
      [22, 20, 1],
    ]);
    // Without the hint the newest is found by all names, an older version by those near it.
    await place.direct.delete('t/_delta_log/_last_checkpoint');
    expect([await pages(null), await pages(22)]).toEqual([
      [25, 20, 3],
      [22, 20, 1],
    ]);
    await place.close();
  });

  it('on S3: a gap, and a file that is gone', async () => {
    const s3 = inject('s3');
    const bucket = await makeBucket(s3, 'delta-faults');
    const { store, stores } = openBucket(s3, bucket);
    await upload(join(lake, 'plain'), store, 't/');
    const main = { endpoint: s3.endpoint, region: s3.region, pathStyle: true };
    const job = await tinyJob(tempFolder(), '', { stores: { main }, input: { uri: `s3://${bucket}/t/`, version: 9 } });
    const added = readFileSync(join(lake, 'plain', commit(9)), 'utf8');
    await store.delete(`t/${/"path":"([^"]+)"/.exec(added)![1]!}`);
    await refuses(job, 'INPUT_GONE', /version 9 of the Delta table needs a data file/);
    await store.delete(`t/${commit(8)}`);
    await refuses(job, 'INPUT_TABLE_LOG', /commit 8 is missing/);
    await stores.close();
  });
});
