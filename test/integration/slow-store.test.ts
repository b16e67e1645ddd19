import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
});
