import { appendFileSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { liveColumnTypes } from '../../src/cli/wiring/live-columns.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { type CliResult, prescore, startPrescore } from '../harness/cli.ts';
import { loadPinned } from '../harness/pinned-job.ts';
import { runPython } from '../harness/python.ts';
import { partDigests, startWorker } from '../harness/queue-run.ts';
import { readOutput, readParquet } from '../harness/read-parquet.ts';
import { expectRefusal } from '../harness/refusal.ts';
import { makeBucket, openBucket, openUploads, useCredentials } from '../harness/s3-test-store.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { fixtures, flightJob, tempFolder, writeJob } from '../harness/temp-job.ts';
import { type TextForm, writeTextFlights } from '../harness/text-flights.ts';
import { tinyJob } from '../harness/tiny-tables.ts';

type Rows = readonly Record<string, unknown>[];

const doneOf = (result: CliResult) => result.events.findLast((e) => e['event'] === 'done');
const codeOf = (result: CliResult) =>
  (result.events.find((e) => e['event'] === 'failed')?.['error'] as { code?: string } | undefined)?.code;

/** The rejects of the one run of an output folder, in order. */
async function rejectsIn(out: string): Promise<Record<string, unknown>[]> {
  const [run] = readdirSync(join(out, '_prescore/runs'));
  const folder = join(out, '_prescore/runs', run!, 'rejects');
  const entries: Record<string, unknown>[] = [];
  for (const name of readdirSync(folder).sort()) entries.push(...(await readParquet(join(folder, name))));
  return entries;
}

describe('text files give the answers of the Parquet file that they were written from', () => {
  const folder = suiteFolder();
  const forms: readonly TextForm[] = ['csv', 'csv.gz', 'csv.zst', 'jsonl', 'jsonl.gz'];
  let want: Rows = [];

  beforeAll(async () => {
    useCredentials(inject('s3'));
    await writeTextFlights(folder, forms);
    await writeTextFlights(folder, ['jsonl'], ['02', '03']);
    await runPython('rewrite_table.py', [
      join(fixtures, 'flights/month=01/part-0.parquet'),
      join(folder, 'arrow.csv'),
      'none',
    ]);
    const job = writeJob(folder, flightJob(folder, { output: { uri: join(folder, 'want') } }));
    expect((await prescore(['run', job])).code).toBe(0);
    want = await readOutput(join(folder, 'want'));
  }, 120_000);

  it.each([...forms.map((form) => `01.${form}`), 'arrow.csv'])('%s', async (name) => {
    const own = tempFolder();
    const job = writeJob(
      own,
      flightJob(own, { input: { uri: join(folder, name) }, output: { uri: join(own, 'out') } }),
    );
    const result = await prescore(['run', job, '--json']);
    expect([result.code, result.stderr]).toEqual([0, '']);
    expect(await readOutput(join(own, 'out'))).toEqual(want);
  });

  it('from S3 to S3, also after kill -9, with a plan that says how they are read', { timeout: 120_000 }, async () => {
    const s3 = inject('s3');
    const bucket = await makeBucket(s3, 'texts');
    const { store, stores } = openBucket(s3, bucket);
    for (const month of ['01', '02', '03'])
      await store.put(`in/${month}.jsonl`, readFileSync(join(folder, `${month}.jsonl`)));
    await store.put('gz/01.csv.gz', readFileSync(join(folder, '01.csv.gz')));
    const s3Job = (input: string, output: string): string => {
      const own = tempFolder();
      return writeJob(own, {
        ...flightJob(own),
        stores: { main: { endpoint: s3.endpoint, region: s3.region, pathStyle: true } },
        input: { uri: `s3://${bucket}/${input}` },
        output: { uri: `s3://${bucket}/${output}`, lineage: false },
      });
    };
    const job = s3Job('in/*', 'out');
    const first = startPrescore(['run', job, '--json'], { env: { PRESCORE_FAULT: 'after-record' } });
    expect((await first.result).signal).toBe('SIGKILL');
    const second = await prescore(['run', job, '--json']);
    expect([second.code, second.stderr]).toEqual([0, '']);
    expect(doneOf(second)).toMatchObject({ rows: 80_789, chunksResumed: expect.toBeOneOf([1, 2]) });
    expect((await prescore(['verify', `s3://${bucket}/out`, '--job', job])).code).toBe(0);
    const gz = s3Job('gz/*', 'gzout');
    expect(doneOf(await prescore(['run', gz, '--json']))).toMatchObject({ rows: 27_004, rejected: 0 });
    const rows: Record<string, unknown>[] = [];
    for await (const { key } of store.list('gzout/')) {
      if (key.endsWith('.parquet')) rows.push(...(await readParquet((await store.get(key))!.bytes)));
    }
    const plain = want.map(({ flight_id, prediction, probability }) => ({ flight_id, prediction, probability }));
    expect(rows).toEqual(plain);
    const sample = await prescore(['run', gz, '--sample', '3', '--json']);
    expect(sample.events[0]).toMatchObject({ counts: 'line', rejected: [], rows: { length: 3 } });
    expect(await openUploads(s3, bucket)).toEqual([]);
    await stores.close();
  });
});

describe('runs over text files that several processes share', () => {
  const home = suiteFolder();
  const folder = join(home, 'in');
  const asOf = ['--as-of', '2013-04-01', '--json'];
  let whole: Record<string, string> = {};
  const jobIn = (own: string): string =>
    writeJob(own, flightJob(own, { input: { uri: join(folder, '*.jsonl') }, output: { uri: join(own, 'out') } }));

  beforeAll(async () => {
    mkdirSync(folder);
    await writeTextFlights(folder, ['jsonl'], ['01', '02', '03']);
    // Later lines of one file are not numbers: every process must take the pinned types.
    appendFileSync(join(folder, '01.jsonl'), '{"flight_id":"late","month":"x"}\n');
    const own = join(home, 'whole');
    mkdirSync(own);
    const result = await prescore(['run', limited(jobIn(own)), ...asOf]);
    expect(doneOf(result)).toMatchObject({ rows: 80_789, rejected: 1, rejectsByRule: { bad_value: 1 } });
    whole = partDigests(join(own, 'out'));
    expect(Object.keys(whole)).toHaveLength(2);
  }, 120_000);

  function limited(path: string): string {
    writeFileSync(
      path,
      JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), rejects: { limit: 1 } }),
    );
    return path;
  }

  it('as shards', async () => {
    const own = tempFolder();
    const job = limited(jobIn(own));
    const shards = await Promise.all(['0/2', '1/2'].map((part) => prescore(['run', job, '--shard', part, ...asOf])));
    for (const { code, stderr } of shards) expect([code, stderr]).toEqual([expect.toBeOneOf([0, 3]), '']);
    expect(partDigests(join(own, 'out'))).toEqual(whole);
  });

  it('as workers', async () => {
    const own = tempFolder();
    const job = limited(jobIn(own));
    const redisUrl = inject('redisUrl').replace(/\/0$/, '/8');
    const workers = await Promise.all(
      ['one', 'two'].map(() => startWorker(redisUrl, own, ['--allow', folder, '--allow', fixtures])),
    );
    onTestFinished(async () => {
      for (const worker of workers) worker.child.kill('SIGKILL');
      await Promise.all(workers.map((worker) => worker.result));
    });
    const result = await prescore(['run', job, ...asOf, '--redis', redisUrl]);
    expect(doneOf(result)).toMatchObject({ rows: 80_789, rejected: 1 });
    expect(partDigests(join(own, 'out'))).toEqual(whole);
  });

  it('a file that was replaced is INPUT_CHANGED, also between two starts', async () => {
    const own = tempFolder();
    mkdirSync(join(own, 'in'));
    for (const month of ['01', '02']) copyFileSync(join(folder, `${month}.jsonl`), join(own, 'in', `${month}.jsonl`));
    const job = writeJob(
      own,
      flightJob(own, { input: { uri: join(own, 'in/*') }, output: { uri: join(own, 'out') }, rejects: { limit: 1 } }),
    );
    const first = startPrescore(['run', job, '--json'], { env: { PRESCORE_FAULT: 'after-record' } });
    expect((await first.result).signal).toBe('SIGKILL');
    appendFileSync(join(own, 'in/02.jsonl'), '{"flight_id":"more"}\n');
    const second = await prescore(['run', job, '--json']);
    expect([second.code, codeOf(second)]).toEqual([4, 'INPUT_CHANGED']);
  });
});

describe('tables of text files', () => {
  const write = (files: Readonly<Record<string, string | Uint8Array>>): string => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'in'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'in', name), text);
    return folder;
  };
  const jobOf = (
    folder: string,
    changes: Readonly<Record<string, unknown>> = {},
    input: object = {},
  ): Promise<string> =>
    tinyJob(folder, '', {
      features: { x: { columns: ['c0', 'c1', 'c2'], nulls: { fill: 10 } } },
      ...changes,
      input: { uri: join(folder, 'in/*'), ...input },
    });
  const run = async (folder: string, changes = {}, input: object = {}): Promise<CliResult> =>
    prescore(['run', await jobOf(folder, changes, input), '--json']);

  it('malformed lines and bad values are rejects with their line and column; the others are scored', async () => {
    const lines = Array.from({ length: 100 }, (_, i) => `row ${i},${i},1,2`);
    lines[10] = 'row 10,10,1';
    lines[20] = '"row\n20",20,x,2';
    lines[30] = '"row 30",30,1,2,""';
    lines[40] = 'row 40,40,,2';
    const folder = write({ 'a.csv': `id,c0,c1,c2\r\n${lines.join('\r\n')}\r\n` });
    const schema = { c1: 'float' };
    const limit = await run(folder, {}, { schema });
    expect([limit.code, codeOf(limit)]).toEqual([8, 'REJECT_LIMIT']);
    expect(limit.stderr + limit.stdout).toContain('such as line 12 of');
    const job = await jobOf(folder, { rejects: { limit: 3 } }, { schema });
    const result = await prescore(['run', job, '--json']);

    expect(doneOf(result)).toMatchObject({ rows: 97, rejected: 3, rejectsByRule: { malformed: 2, bad_value: 1 } });
    const rejects = await rejectsIn(join(folder, 'out'));
    expect(rejects.map((r) => [r['source_row'], r['column'], r['rule'], r['message'], r['id']])).toEqual([
      [12n, '', 'malformed', '3 fields instead of 4', null],
      [22n, 'c1', 'bad_value', 'expected a number that a float holds', 'row\n20'],
      [33n, '', 'malformed', '5 fields instead of 4', null],
    ]);
    const rows = await readOutput(join(folder, 'out'));
    expect(rows.map((r) => r['id'])).toEqual(
      Array.from({ length: 100 }, (_, i) => `row ${i}`).filter((_, i) => i !== 10 && i !== 20 && i !== 30),
    );
    expect(rows.at(-1)).toEqual({ id: 'row 99', y: 102 });
    expect((await prescore(['verify', join(folder, 'out'), '--job', job])).code).toBe(0);
    const sample = await prescore(['run', job, '--sample', '12']);
    expect(sample.stdout).toMatch(/line 12 of .*a\.csv rejected: malformed: 3 fields instead of 4/);
  });

  it('many small files share a chunk, in order, with one type for all', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => {
        const name = `${String(i).padStart(3, '0')}`;
        if (i % 3 === 0) return [`${name}.csv`, `id,c0,c1,c2\n${i},${i},1,2\n`];
        if (i % 3 === 1) return [`${name}.csv.gz`, gzipSync(`c2,c1,other,c0,id\n2.5,1,x,${i},${i}\n`)];
        return [`${name}.jsonl`, `{"c0":${i},"id":${i},"c1":1,"c2":2,"other":[1]}\n`];
      }),
    );
    const folder = write(files);
    const result = await run(folder, { passthrough: ['c2'] });
    expect(result.events.find((e) => e['event'] === 'planned')).toMatchObject({ files: 100, chunks: 2, rows: null });
    const rows = await readOutput(join(folder, 'out'));
    expect(rows).toEqual(
      Array.from({ length: 100 }, (_, i) => {
        const c2 = i % 3 === 1 ? 2.5 : 2;
        return { id: BigInt(i), c2, y: i + 1 + c2 };
      }),
    );
  });

  it('types that do not fit together are refused, with both files; a type that is said settles it', async () => {
    const folder = write({ 'a.csv': 'id,c0,c1,c2\n1,1,2,3\n', 'b.csv': 'id,c0,c1,c2\n007,1,2,3\n' });
    const job = await jobOf(folder);
    const { stderr } = await expectRefusal(['run', job], {
      exit: 4,
      code: 'INPUT_SCHEMA',
      isTable: true,
      says: /column "id" .*a\.csv and .*b\.csv/,
    });
    expect(stderr).toMatch(/input\.schema, such as "id": string/);
    const skipped = await run(folder, {}, { onBadFile: 'skip' });
    expect(doneOf(skipped)).toMatchObject({ rows: 1 });
    const said = tempFolder();
    expect(
      doneOf(
        await prescore([
          'run',
          await tinyJob(said, '', { input: { uri: join(folder, 'in/*'), schema: { id: 'string' } } }),
          '--json',
        ]),
      ),
    ).toMatchObject({ rows: 2 });
    expect((await readOutput(join(said, 'out'))).map((r) => r['id'])).toEqual(['1', '007']);
  });

  it.each<[string, Readonly<Record<string, string>>, RegExp]>([
    [
      'a date beside a number as a feature',
      { 'a.csv': 'id,c0,c1,c2\n1,1,2,3\n', 'b.csv': 'id,c0,c1,c2\n1,2013-01-01,2,3\n' },
      /column "c0" has values of other types/,
    ],
    [
      'a date as a feature whose type is a guess',
      { 'a.csv': 'id,c0,c1,c2\n1,2013-01-31,2,3\n' },
      /column "c0" feeds the model, and only looks like dates.*"c0": date \(fed as days\)/,
    ],
    [
      'a column without a value',
      { 'a.csv': 'id,c0,c1,c2\n1,1,,3\n' },
      /column "c1" cannot be read: the first lines have no value in it/,
    ],
    [
      'a name that a file does not have',
      { 'a.jsonl': '{"id":1,"c0":1,"c1":2,"c2":3}\n', 'b.jsonl': '{"id":1,"c0":1,"c1":2}\n' },
      /"c2"/,
    ],
  ])('%s is refused', async (_, files, says) => {
    const result = await prescore(['check', await jobOf(write(files))]);
    expect(result.code).toBe(4);
    expect(result.stderr).toMatch(says);
  });

  it('a guessed date that feeds the model by an expression is refused, and not where it only filters', async () => {
    const folder = write({ 'a.csv': 'id,c0,c1,c2,day\n1,1,2,3,2013-01-31\n2,1,2,3,2013-02-01\n' });
    const features = { x: { columns: ['since', 'c1', 'c2'] } };
    const asked = { features, columns: { since: "date_diff('day', date '2013-01-01', day)" } };
    const { stderr } = await expectRefusal(['check', await jobOf(folder, asked)], {
      exit: 4,
      code: 'INPUT_SCHEMA',
      isTable: true,
      says: /"day" feeds the model/,
    });
    expect(stderr).toMatch(/"day": date/);
    const said = await run(folder, asked, { schema: { day: 'date' } });
    expect(doneOf(said)).toMatchObject({ rows: 2 });
    const filtered = await run(folder, { where: "day < '2013-02-01'", output: { uri: join(folder, 'filtered') } });
    expect(doneOf(filtered)).toMatchObject({ rows: 1, filtered: 1 });
  });

  it('a column without a value takes the type that the other files give it', async () => {
    const folder = write({ 'a.csv': 'id,c0,c1,c2\n1,1,,3\n', 'b.csv': 'id,c0,c1,c2\n2,1,2.5,3\n' });
    const result = await run(folder);
    expect(doneOf(result)).toMatchObject({ rows: 2 });
    expect(await readOutput(join(folder, 'out'))).toEqual([
      { id: 1n, y: 14 },
      { id: 2n, y: 6.5 },
    ]);
  });

  it('a damaged archive is INPUT_CORRUPT and nothing is committed', async () => {
    const bytes = gzipSync(
      `id,c0,c1,c2\n${Array.from({ length: 300_000 }, (_, i) => `${i},${i * 7919},1,2`).join('\n')}\n`,
    );
    const folder = write({ 'a.csv.gz': bytes.subarray(0, bytes.length - 100) });
    const result = await run(folder);
    expect([result.code, codeOf(result)]).toEqual([4, 'INPUT_CORRUPT']);
    expect(readdirSync(join(folder, 'out')).filter((name) => name.endsWith('.parquet'))).toEqual([]);
  });

  it('text that does not fit the scratch space is refused', async () => {
    const folder = write({ 'a.csv.gz': gzipSync(`id,c0,c1,c2\n${'1,1,1,1\n'.repeat(20_000_000)}`) });
    const result = await run(folder, { execution: { scorers: 1, scratch: '64MiB' } });
    expect([result.code, codeOf(result)]).toEqual([8, 'SCRATCH_LIMIT']);
  });

  it('init, plan and check know them', async () => {
    const folder = write({ 'a.csv.gz': gzipSync('id;c0;c1;c2\na7;1;2;3\na8;1;2;3.5\n') });
    const { uri } = (JSON.parse(readFileSync(await jobOf(folder), 'utf8')) as { model: { uri: string } }).model;
    const job = join(folder, 'made.yaml');
    const init = await prescore(['init', uri, join(folder, 'in/a.csv.gz'), '--out', job]);
    expect([init.code, init.stderr]).toEqual([0, '']);
    const sample = await prescore(['run', job, '--sample', '2']);
    expect(sample.stdout).toMatch(/^id +y\n-+ +-+\na7 +6\na8 +6\.5\n/);
    const plan = await prescore(['plan', job]);
    expect(plan.stdout).toMatch(
      /text +CSV, delimiter ";", a header, gzip: id VARCHAR \(guessed\), c0 DOUBLE \(guessed\)/,
    );
    expect((await prescore(['check', job])).stdout).toContain('1 file, rows not counted in 1 partition');
  });

  it('live values have the types of the first file, where nothing has run yet', async () => {
    const folder = write({ 'a.csv': 'id,c0,c1,c2\n1,1,2.5,3\n' });
    const job = loadPinned(await jobOf(folder, {}, { schema: { c2: 'float' } }));
    const stores = createStoreResolver(job.stores, { env: {} });
    const types = await liveColumnTypes(job, stores, ['c0', 'c1', 'c2']);
    await stores.close();
    expect(Object.fromEntries(types)).toEqual({ id: 'BIGINT', c0: 'BIGINT', c1: 'DOUBLE', c2: 'FLOAT' });
  });

  it('a job says how they are written', async () => {
    const folder = write({ 'part-0': "1\t'1,5'\t2\tNA\n2\t1.000\t2\t3\n" });
    const csv = { delimiter: 'tab', quote: "'", names: ['id', 'c0', 'c1', 'c2'], nulls: 'NA', decimal: ',' };
    const result = await run(folder, { rejects: { limit: 1 } }, { csv, schema: { c0: 'double', c2: 'float' } });

    expect(doneOf(result)).toMatchObject({ rows: 1, rejected: 1, rejectsByRule: { bad_value: 1 } });
    expect((await rejectsIn(join(folder, 'out'))).map((r) => [r['source_row'], r['column']])).toEqual([[2n, 'c0']]);
    const refused = await prescore([
      'check',
      await jobOf(folder, {}, { csv: { delimiter: 'ab', quote: 'none', header: false, dateFormat: '%y' } }),
    ]);
    expect(refused.code).toBe(2);
    for (const key of ['delimiter', 'dateFormat']) expect(refused.stderr).toContain(`input.csv.${key}`);
  });
});
