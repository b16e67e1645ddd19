import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, inject, it } from 'vitest';
import { openLiveJob } from '../../src/cli/wiring/open-job-scorer.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { prescore } from '../harness/cli.ts';
import { failureOf } from '../harness/failure-of.ts';
import { loadPinned } from '../harness/pinned-job.ts';
import { runPython } from '../harness/python.ts';
import { queryParquet } from '../harness/query-parquet.ts';
import { partsOf } from '../harness/read-parquet.ts';
import { adminClient, makeBucket } from '../harness/s3-test-store.ts';
import { sha256Of, tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

const twice = {
  where: 'id % 5 <> 0',
  columns: { twice: 'c2 * 2' },
  features: { x: { columns: ['c0', 'c1', 'twice'] } },
};

describe('runs with expressions', () => {
  it('compute what pyarrow computes, nulls and the order of the rows included', async () => {
    const folder = tempFolder();
    const input = join(folder, 'in.parquet');
    const expected = join(folder, 'expected.parquet');
    await runPython('expression_values.py', [input, expected]);
    const columns = {
      plus: 'i + 7',
      times: 'f * 2.5::double',
      quarter: 'i::double / 4',
      upper: 'upper(t)',
      len: 'length(t)',
      sub: 'substr(t, 2, 2)',
      cat: "t || '-x'",
      has: "contains(t, 'ab')",
      year: 'year(d)',
      days: "date_diff('day', d, as_of)",
      hour: 'extract(hour from ts)',
      floor: 'floor(f)',
      gone: 'i is null',
      given: 'coalesce(i, -1)',
      size: "case when i > 50 then 'big' else 'small' end",
    };
    const passthrough = Object.keys(columns);
    const changes = {
      where: 'i is null or abs(i) % 3 <> 1',
      columns,
      passthrough,
      features: { x: { columns: ['c0', 'c0', 'c0'] } },
    };
    const job = await tinyJob(folder, input, changes);
    const result = await prescore(['run', job, '--as-of', '2021-06-01T15:00:00Z']);
    expect(result.stderr).not.toMatch(/^[A-Z_]+:/m);
    const texts = `select ${['id', ...passthrough].map((name) => `"${name}"::varchar`).join(', ')} from t`;
    const rows = await queryParquet(join(folder, 'out/part*.parquet'), texts);
    expect(rows.length).toBeGreaterThan(1500);
    expect(rows).toEqual(await queryParquet(expected, texts));
  });

  it('give the same bytes after a kill', async () => {
    const input = join(tempFolder(), 'in/a.parquet');
    await writeTables({ [input]: 400_000 });
    const runs = await Promise.all(
      [false, true].map(async (isKilled) => {
        const folder = tempFolder();
        const changes = { ...twice, execution: { scorers: 1, chunkRows: 122_880 } };
        const args = ['run', await tinyJob(folder, input, changes), '--as-of', '2020-01-01'];
        const env = { PRESCORE_FAULT: 'between-part-and-record' };
        if (isKilled) expect((await prescore(args, { env })).code).not.toBe(0);
        expect((await prescore(args)).code).toBe(0);
        return partsOf(join(folder, 'out')).map((path) => sha256Of(path));
      }),
    );
    expect(runs[0]!.length).toBeGreaterThan(1);
    expect(runs[1]).toEqual(runs[0]);
  });

  it('read from and write to S3', async () => {
    const address = inject('s3');
    const client = adminClient(address);
    const bucket = await makeBucket(address, 'expressions');
    const folder = tempFolder();
    const local = join(folder, 'in/a.parquet');
    await writeTables({ [local]: 1000 });
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'in/a.parquet', Body: readFileSync(local) }));
    client.destroy();
    const { endpoint, region, accessKeyId, secretAccessKey } = address;
    const stores = { main: { endpoint, region, pathStyle: true } };
    const changes = {
      ...twice,
      stores,
      input: { uri: `s3://${bucket}/in/*.parquet` },
      output: { uri: `s3://${bucket}/out` },
    };
    const job = await tinyJob(folder, '', changes);
    const env = {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
    };
    const { events } = await prescore(['run', job, '--json'], { env });
    expect(events.at(-1)).toMatchObject({ event: 'done', rows: 800, filtered: 200, rejected: 0 });
  });

  it.each([
    ['id > 6', 3, 7, 0],
    ['id > 2', 6, 3, 1],
    ["t <> 'v5'", 8, 1, 1],
    ["id < 7 and (t <> 'v5' or id = 0)", 5, 4, 1],
  ])('of %s reject a text that is not UTF-8 where it is kept or asked for', async (where, rows, filtered, rejected) => {
    const folder = tempFolder();
    const input = join(folder, 'in/a.parquet');
    const some = join(folder, 'some.parquet');
    await writeTables({ [some]: 1 });
    mkdirSync(dirname(input), { recursive: true });
    const texts = "case i when 4 then 'damaged' else 'v' || i end as t";
    const made = `select i as id, i::float as c0, ${texts} from range(10) r(i)`;
    await queryParquet(some, `copy (${made}) to '${input}' (compression uncompressed)`);
    const bytes = readFileSync(input);
    for (let at = bytes.indexOf('damaged'); at >= 0; at = bytes.indexOf('damaged', at)) bytes[at] = 0xff;
    writeFileSync(input, bytes);
    const columns = { n: "replace(t, 'v', '')::float" };
    const x = { columns: ['c0', 'c0', 'n'] };
    const job = await tinyJob(folder, input, { where, columns, features: { x }, rejects: { limit: 1 } });
    const { events } = await prescore(['run', job, '--json']);
    expect(events.at(-1)).toMatchObject({
      rows,
      filtered,
      rejected,
      rejectsByRule: rejected === 0 ? {} : { bad_utf8: 1 },
    });
  });

  it('of which live inference needs a computed column are refused by name', async () => {
    const folder = tempFolder();
    const input = join(folder, 'in/a.parquet');
    await writeTables({ [input]: 3 });
    const { where: _, ...computed } = twice;
    const job = loadPinned(await tinyJob(folder, input, computed));
    const stores = createStoreResolver(job.stores, { env: process.env });
    const addModel = (): never => expect.fail('it has loaded the model');
    const error = await failureOf(openLiveJob(job, { stores, scratchDir: folder, allowUnpinned: false, addModel }));
    await stores.close();
    expect(error.code).toBe('SPEC_INVALID');
    expect(error.message).toMatch(/computed by its columns \(twice\)/);
  });

  it('keep their time when rejects are replayed, so that no table has two', async () => {
    const folder = tempFolder();
    const [a, b] = [join(folder, 'in/a.parquet'), join(folder, 'in/b.parquet')];
    await writeTables({ [a]: 3000, [b]: 3000 });
    const mended = readFileSync(b);
    await queryParquet(a, `copy (select * replace (if(id = 7, null, c2) as c2) from t) to '${b}'`);
    const columns = { twice: 'c2 * 2', at: 'epoch_us(as_of)' };
    const changes = {
      columns,
      features: { x: { columns: ['c0', 'c1', 'twice'], nulls: 'reject' } },
      passthrough: ['at'],
      rejects: { limit: 5 },
      execution: { scorers: 1, chunkRows: 3000 },
    };
    const job = await tinyJob(folder, join(folder, 'in/*'), changes);
    expect((await prescore(['run', job])).code).toBe(3);
    writeFileSync(b, mended);
    const replay = await prescore(['rejects', 'replay', job]);
    expect([replay.code, replay.stderr]).toEqual([0, expect.not.stringMatching(/^[A-Z_]+:/m)]);
    const rows = await queryParquet(
      join(folder, 'out/part*.parquet'),
      'select count(*)::int, count(distinct "at")::int from t',
    );
    expect(rows).toEqual([[6000, 1]]);
  });

  it('may be shared by shards', async () => {
    const folder = tempFolder();
    const input = join(folder, 'in/a.parquet');
    await writeTables({ [input]: 300_000 });
    const job = await tinyJob(folder, input, { ...twice, execution: { scorers: 1, chunkRows: 122_880 } });
    const shards = [];
    for (const shard of ['0/2', '1/2'])
      shards.push(await prescore(['run', job, '--as-of', '2020-01-01', '--shard', shard, '--json']));
    expect(shards.map(({ stderr }) => stderr)).toEqual(['', '']);
    const done = shards.map(({ events }) => events.at(-1));
    expect(done[1]).toMatchObject({ event: 'done', committed: true, rows: 240_000, filtered: 60_000 });
  });
});
