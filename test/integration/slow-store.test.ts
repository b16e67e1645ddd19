import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { LatencyProxy } from '../harness/latency-proxy.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { makeBucket, openBucket } from '../harness/s3-test-store.ts';
import { tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

const FILES = 60;
const ROWS = 10;
const DELAY_MS = 30;
const FEW = 24;
const COLUMNS = ['id', 'c0', 'c1', 'c2'] as const;
const numbers = Array.from({ length: ROWS }, (_, i) => i);
const TABLES: Readonly<Record<string, () => Uint8Array>> = {
  csv: () => Buffer.from([COLUMNS.join(), ...numbers.map((i) => [i, i, i % 7, i % 3].join())].join('\n')),
  arrow: () => {
    const values = (of: (i: number) => number): Float32Array => Float32Array.from(numbers, of);
    const columns = { c0: values((i) => i), c1: values((i) => i % 7), c2: values((i) => i % 3) };
    return tableToIPC(tableFromArrays({ id: BigInt64Array.from(numbers, BigInt), ...columns }), 'file');
  },
};

describe('a store of which each answer takes 30 ms', () => {
  it('is asked for many files at a time, when they are planned and when they are scored', async () => {
    const address = inject('s3');
    const bucket = await makeBucket(address, 'slow-store');
    const folder = tempFolder();
    const path = join(folder, 'table.parquet');
    await writeTables({ [path]: ROWS });
    const bytes = readFileSync(path);
    const { store, stores } = openBucket(address, bucket);
    await Promise.all(Array.from({ length: FILES }, (_, i) => store.put(`in/${i}.parquet`, bytes)));
    await stores.close();
    const proxy = await LatencyProxy.start(address.endpoint, DELAY_MS, (head) => head.startsWith(`GET /${bucket}/in/`));
    onTestFinished(() => proxy.close());
    const job = await tinyJob(folder, `s3://${bucket}/in/*.parquet`, {
      stores: { main: { endpoint: proxy.endpoint, region: address.region, pathStyle: true } },
    });

    const planned = await prescore(['plan', job]);
    expect([planned.code, planned.stderr]).toEqual([0, '']);
    const plan = proxy.waits;
    expect(plan.requests).toBeGreaterThanOrEqual(FILES);
    expect(plan.sumMs).toBeGreaterThan(FILES * DELAY_MS);
    expect(plan.most).toBeGreaterThan(32);
    expect(plan.wallMs).toBeLessThan(plan.sumMs / 4);

    const run = await prescore(['run', job]);
    expect(run.code, run.stderr).toBe(0);
    expect(await readOutput(join(folder, 'out'))).toHaveLength(FILES * ROWS);
    const { requests, sumMs, wallMs } = proxy.waits;
    // Planned again, then scored: twice as many.
    expect(requests - plan.requests).toBeGreaterThanOrEqual(2 * FILES);
    expect(wallMs - plan.wallMs).toBeLessThan((sumMs - plan.sumMs) / 4);
    process.stdout.write(`slow store: ${JSON.stringify([plan, proxy.waits])}\n`);
  });

  it.each(['csv', 'arrow'])('of %s files too, which are rewritten one after the other', async (format) => {
    const address = inject('s3');
    const bucket = await makeBucket(address, `slow-${format}`);
    const folder = tempFolder();
    const bytes = TABLES[format]!();
    const { store, stores } = openBucket(address, bucket);
    await Promise.all(Array.from({ length: FEW }, (_, i) => store.put(`in/${i}.${format}`, bytes)));
    await stores.close();
    const proxy = await LatencyProxy.start(address.endpoint, DELAY_MS, (head) => head.startsWith(`GET /${bucket}/in/`));
    onTestFinished(() => proxy.close());
    const job = await tinyJob(folder, `s3://${bucket}/in/*.${format}`, {
      stores: { main: { endpoint: proxy.endpoint, region: address.region, pathStyle: true } },
    });
    expect((await prescore(['plan', job])).code).toBe(0);
    const plan = proxy.waits;
    const run = await prescore(['run', job]);
    expect(run.code, run.stderr).toBe(0);
    expect(await readOutput(join(folder, 'out'))).toHaveLength(FEW * ROWS);
    const { sumMs, wallMs } = proxy.waits;
    expect(wallMs - plan.wallMs).toBeLessThan((sumMs - plan.sumMs) / 3);
  });
});
