import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { PredictionStore } from '../../src/base/contract/prediction-set.ts';
import type { PredictionKey } from '../../src/sets/prediction-set/key-bytes.ts';
import { PredictionReader } from '../../src/sets/reader/prediction-reader.ts';
import { prescore } from '../harness/cli.ts';
import { commitRows, setJob } from '../harness/committed-run.ts';
import { failureOf } from '../harness/failure-of.ts';
import { openPredictionStore } from '../harness/prediction-stores.ts';
import { pageDigests, publishHere } from '../harness/publish-here.ts';
import { makeBucket, useCredentials } from '../harness/s3-test-store.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { tempFolder } from '../harness/temp-job.ts';

interface KeyCase {
  readonly name: string;
  readonly key: string | readonly string[];
  /** Columns besides y. */
  readonly sql: string;
  readonly kind: string;
  /** A key that is there with y = 1, and others that are not. */
  readonly found: PredictionKey;
  readonly absent: readonly PredictionKey[];
  /** The same key on the command line, where it can be written there. */
  readonly typed: string | null;
}

const CASES: readonly KeyCase[] = [
  {
    name: 'text',
    key: 'k',
    sql: `'ü' || i || ' {x}' as k`,
    kind: 'string',
    found: 'ü1 {x}',
    absent: ['ü1 {x} ', ''],
    typed: 'ü1 {x}',
  },
  {
    name: 'int',
    key: 'k',
    sql: `(i - 500)::integer as k`,
    kind: 'integer',
    found: -499,
    absent: [501, '-0499'],
    typed: '-499',
  },
  {
    name: 'large',
    key: 'k',
    sql: `(18446744073709551614 + (i = 1)::int - (i > 1)::int * i)::ubigint as k`,
    kind: 'integer',
    found: 18446744073709551615n,
    absent: [18446744073709551613n],
    typed: '18446744073709551615',
  },
  {
    name: 'bytes',
    key: 'k',
    sql: `unhex(printf('FF00%04x', i)) as k`,
    kind: 'binary',
    found: Uint8Array.of(255, 0, 0, 1),
    absent: [Uint8Array.of(255, 0, 0), 'FF000001'],
    typed: null,
  },
  {
    name: 'uuid',
    key: 'k',
    sql: `printf('00000000-0000-4000-8000-%012d', i)::uuid as k`,
    kind: 'string',
    found: '00000000-0000-4000-8000-000000000001',
    absent: ['00000000-0000-4000-8000-00000000000'],
    typed: '00000000-0000-4000-8000-000000000001',
  },
  {
    name: 'pair',
    key: ['carrier', 'flight'],
    sql: `if(i % 2 = 1, 'A:A', 'A') as carrier, i::integer as flight`,
    kind: 'composite',
    found: ['A:A', 1],
    absent: [
      ['A', 1],
      ['A:A', 2],
    ],
    typed: '["A:A", 1]',
  },
];

describe('keys', () => {
  const redisUrl = inject('redisUrl');
  const folder = suiteFolder();
  const urls = [`lmdb:${folder}/sets`, redisUrl];
  const stores = new Map<string, PredictionStore>();
  const unique = (name: string): string => `keys-${name}-${process.pid}`;

  beforeAll(async () => {
    for (const url of urls) stores.set(url, await openPredictionStore(url));
  });
  afterAll(async () => {
    for (const store of stores.values()) await store.close();
  });

  it.each(CASES)('of $name are found as callers give them, in both stores, with the same pages', async (one) => {
    const digests: string[][] = [];
    for (const url of urls) {
      const set = unique(one.name);
      const keys = typeof one.key === 'string' ? [one.key] : one.key;
      const job = setJob(tempFolder(), { store: url, set, key: one.key }, { id: keys });
      await commitRows(job, { parts: [`select ${one.sql}, i::float as y from range(1000) t(i)`] });
      await publishHere(job);
      const store = stores.get(url)!;
      const reader = new PredictionReader(store, set);
      expect((await reader.meta())?.key).toEqual({ columns: keys, kind: one.kind });
      expect((await reader.get(one.found))?.values['y']).toBe(1);
      expect(await reader.getMany(one.absent)).toEqual(one.absent.map(() => null));
      digests.push(await pageDigests(store, set, 1));
      if (one.typed === null || url !== urls[0]) continue;
      const looked = await prescore(['lookup', '--store', url, '--set', set, '--json', '--', one.typed]);
      expect([looked.code, looked.stderr]).toEqual([0, '']);
      expect(looked.events).toMatchObject([{ found: true, values: { y: 1 } }]);
    }
    expect(digests[0]).toEqual(digests[1]);
  });

  it('of 1,024 bytes are taken, of 1,025 refused when they are published and when they are asked', async () => {
    const set = unique('long');
    const job = setJob(tempFolder(), { store: urls[0], set });
    await commitRows(job, { parts: [`select repeat('é', 512) as id, 1::float as y`] });
    await publishHere(job);
    const reader = new PredictionReader(stores.get(urls[0]!)!, set, { pointerMs: 0 });
    expect(await reader.get('é'.repeat(512))).toMatchObject({ values: { y: 1 } });
    await commitRows(job, { parts: [`select repeat('é', 512) || 'x' as id, 1::float as y`] });
    const refused = await prescore(['publish', job]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /^KEY_INVALID: a key is too long; at .*part-2-0\.parquet.*1,?024 bytes.*1,?025 bytes/m,
    );
    expect((await reader.pointer()).generation).toBe(1);
    const error = await failureOf(reader.get('x'.repeat(2 ** 20)));
    expect([error.code, error.exitCode]).toEqual(['KEY_INVALID', 2]);
    expect(error.message.length).toBeLessThan(300);
    // A process takes no argument of a megabyte.
    const typed = await prescore(['lookup', 'x'.repeat(100_000), '--store', urls[0]!, '--set', set]);
    expect([typed.code, typed.stderr.slice(0, 30)]).toEqual([2, 'KEY_INVALID: key is too long; ']);
  });

  it('of a table without rows: a set that holds nothing', async () => {
    for (const url of urls) {
      const set = unique('none');
      const job = setJob(tempFolder(), { store: url, set });
      await commitRows(job, { parts: [`select 'k' as id, 1::float as y where false`] });
      expect((await publishHere(job)).outcome).toMatchObject({ kind: 'published', rows: 0, buckets: 1 });
      expect(await new PredictionReader(stores.get(url)!, set).get('k')).toBeNull();
    }
  });

  it('of an output in S3 are published into Redis', async () => {
    const address = inject('s3');
    useCredentials(address);
    const bucket = await makeBucket(address, 'publish');
    const set = unique('s3');
    const changes = {
      stores: { main: { endpoint: address.endpoint, region: address.region, pathStyle: true } },
      output: { uri: `s3://${bucket}/out` },
      passthrough: ['other'],
    };
    const job = setJob(tempFolder(), { store: redisUrl, set }, changes);
    const sql = `select 'k' || i as id, repeat('x', 50) as other, i::float as y from range(20000) t(i)`;
    await commitRows(job, { parts: [sql, sql.replace(`'k'`, `'l'`)] });
    const result = await prescore(['publish', job, '--json']);
    expect(result.code).toBe(0);
    expect(result.events).toMatchObject([{ outcome: 'published', rows: 40000 }]);
    const found = await new PredictionReader(stores.get(redisUrl)!, set).getMany(['k0', 'k19999', 'l7', 'm1']);
    expect(found.map((f) => f?.values['y'])).toEqual([0, 19999, 7, undefined]);
  });
});
