import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { type CliResult, prescore, startPrescore } from '../harness/cli.ts';
import { runPython } from '../harness/python.ts';
import { readOutput, readParquet } from '../harness/read-parquet.ts';
import { makeBucket, openBucket, openUploads, useCredentials } from '../harness/s3-test-store.ts';
import { FLIGHT_FEATURES, fixtures, flightJob, sha256Of, tempFolder, writeJob } from '../harness/temp-job.ts';

type Rows = readonly Record<string, unknown>[];
interface Digests {
  readonly models: Readonly<
    Record<string, Readonly<Record<string, { rows: number; label: string; probability: string }>>>
  >;
}

const expected = JSON.parse(readFileSync(join(fixtures, 'expected/flights-digests.json'), 'utf8')) as Digests;
const input = join(fixtures, 'flights/month=01/part-0.parquet');
const sha = (array: NodeJS.ArrayBufferView): string => createHash('sha256').update(array).digest('hex');

/** Digests of the prediction columns, as fixtures/expected holds them. */
function digest(rows: Rows) {
  return {
    rows: rows.length,
    label: sha(BigInt64Array.from(rows, (r) => r['prediction'] as bigint)),
    probability: sha(Float32Array.from(rows, (r) => r['probability'] as number)),
  };
}

const want = expected.models['delay_histgb']?.['01'];

describe('the same table gives the same answers, bit for bit', () => {
  beforeAll(() => useCredentials(inject('s3')));

  it.each(['snappy', 'zstd', 'none'])('as Parquet with %s, in and out', async (codec) => {
    const folder = tempFolder();
    await runPython('rewrite_table.py', [input, join(folder, 'in.parquet'), codec]);
    const job = writeJob(
      folder,
      flightJob(folder, {
        input: { uri: join(folder, 'in.parquet') },
        output: { uri: join(folder, 'out'), compression: codec },
      }),
    );
    expect((await prescore(['run', job])).code).toBe(0);
    expect(digest(await readOutput(join(folder, 'out')))).toEqual(want);
  });

  it.each([
    ['file', 'none'],
    ['file', 'zstd'],
    ['stream', 'lz4'],
  ])('as an Arrow %s with %s bodies', async (kind, codec) => {
    const folder = tempFolder();
    const path = join(folder, kind === 'file' ? 'in.arrow' : 'in.arrows');
    await runPython('rewrite_table.py', [input, path, codec]);
    const job = writeJob(folder, flightJob(folder, { input: { uri: path } }));
    expect((await prescore(['run', job])).code).toBe(0);
    expect(digest(await readOutput(join(folder, 'out')))).toEqual(want);
  });

  it('from S3 to S3, Parquet and Arrow, also after kill -9, with no upload left open', {
    timeout: 120_000,
  }, async () => {
    const s3 = inject('s3');
    const bucket = await makeBucket(s3, 'answers');
    const { store, stores } = openBucket(s3, bucket);
    const folder = tempFolder();
    await runPython('rewrite_table.py', [input, join(folder, 'in.arrow'), 'lz4']);
    const model = readFileSync(join(fixtures, 'models/delay_histgb.onnx'));
    await store.put('model.onnx', model);
    await store.put('parquet/in.parquet', readFileSync(input));
    await store.put('arrow/in.arrow', readFileSync(join(folder, 'in.arrow')));
    for (const format of ['parquet', 'arrow']) {
      const job = writeJob(folder, {
        ...flightJob(folder),
        stores: { main: { endpoint: s3.endpoint, region: s3.region, pathStyle: true } },
        model: { uri: `s3://${bucket}/model.onnx`, version: '1', sha256: sha(model) },
        input: { uri: `s3://${bucket}/${format}/*` },
        output: { uri: `s3://${bucket}/out/${format}`, lineage: true },
        execution: { scorers: 1, chunkRows: 16384 },
      });
      const first = startPrescore(['run', job, '--json'], { env: { PRESCORE_FAULT: 'after-record' } });
      expect((await first.result).signal).toBe('SIGKILL');
      expect((await keysOf(store, `out/${format}/`)).filter((key) => key.endsWith('.parquet'))).toEqual([]);
      const second = await prescore(['run', job, '--json']);
      expect([second.code, second.stderr]).toEqual([0, '']);
      // One, or on a slow machine a second that was on its way.
      expect(doneOf(second)).toMatchObject({ rows: 27004, chunksResumed: expect.toBeOneOf([1, 2]) });
      const rows: Record<string, unknown>[] = [];
      for (const key of (await keysOf(store, `out/${format}/`)).filter((k) => k.endsWith('.parquet')).sort()) {
        rows.push(...(await readParquet(((await store.get(key)) ?? { bytes: new Uint8Array(0) }).bytes)));
      }
      expect(digest(rows)).toEqual(want);
      expect((await prescore(['verify', `s3://${bucket}/out/${format}`, '--job', job])).code).toBe(0);
    }
    expect(await openUploads(s3, bucket)).toEqual([]);
    await stores.close();
  });

  it('for all twelve months of the demo job, with the large tree model', { timeout: 120_000 }, async () => {
    const folder = tempFolder();
    const model = join(fixtures, 'flights/delay_lgbm.onnx');
    const months = Array.from({ length: 12 }, (_, i) => String(i + 1).padStart(2, '0'));
    const job = writeJob(folder, {
      ...flightJob(folder),
      model: { uri: model, sha256: sha256Of(model) },
      input: { uri: `${fixtures}/flights/month={partition}/*.parquet` },
      partitions: { values: months },
      features: { input: { columns: FLIGHT_FEATURES } },
      output: { uri: `${folder}/out/month={partition}` },
    });
    const result = await prescore(['run', job, '--json']);
    expect(result.code).toBe(0);
    expect(result.events.filter((e) => e['event'] === 'done')).toHaveLength(12);
    for (const month of months) {
      expect([month, digest(await readOutput(join(folder, `out/month=${month}`)))]).toEqual([
        month,
        expected.models['delay_lgbm']?.[month],
      ]);
    }
  });
});

function doneOf(result: CliResult) {
  return result.events.findLast((e) => e['event'] === 'done');
}

async function keysOf(store: ReturnType<typeof openBucket>['store'], prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const info of store.list(prefix)) keys.push(info.key);
  return keys;
}
