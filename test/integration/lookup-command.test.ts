import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Duck, quoteText } from '../../src/data/duckdb/duckdb.ts';
import { prescore } from '../harness/cli.ts';
import { ask, serveFor, writeServe } from '../harness/serve-process.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

const folder = suiteFolder();
const store = `lmdb:${join(folder, 'sets')}`;
/** Keys 0 to 9: as integers, and as texts with four digits. */
let integers = '';
let texts = '';

beforeAll(async () => {
  const table = join(folder, 'in.parquet');
  await writeTables({ [table]: 10 });
  const padded = join(folder, 'padded.parquet');
  const duck = await Duck.open({ memoryBytes: 2 ** 26, scratchDir: folder, scratchBytes: 2 ** 30 });
  await duck.run(`copy (select * replace (printf('%04d', id) as id) from ${quoteText(table)}) to ${quoteText(padded)}`);
  duck.close();
  const make = (name: string, input: string): Promise<string> => {
    const output = { uri: join(folder, `${name}-out`) };
    return tinyJob(folder, input, { name, output, predictions: { store, key: 'id' } }, `${name}.yaml`);
  };
  [integers, texts] = [await make('integers', table), await make('texts', padded)];
  for (const job of [integers, texts]) expect((await prescore(['run', job])).code).toBe(0);
});

describe('lookup and sets', () => {
  it('take store and set from a job file', async () => {
    const found = await prescore(['lookup', '--job', integers, '3', '4', '--json']);
    expect([found.code, found.events]).toMatchObject([
      0,
      [
        { key: '3', found: true },
        { key: '4', found: true },
      ],
    ]);
    const shown = await prescore(['sets', 'show', '--job', texts]);
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringMatching(/served +texts\./)]);
    expect((await prescore(['sets', 'list', '--job', texts])).stdout).toMatch(/^integers .*\n.*^texts /ms);
    expect((await prescore(['sets', 'gc', '--job', texts])).stdout).toMatch(/^set texts: /);
    // What is said goes before what the file says.
    const other = await prescore(['lookup', '--job', integers, '--set', 'texts', '0003', '--json']);
    expect(other.events).toMatchObject([{ found: true }]);
  });

  it('print floats of 32 bits in their shortest form', async () => {
    const table = join(folder, 'thirds.parquet');
    const duck = await Duck.open({ memoryBytes: 2 ** 26, scratchDir: folder, scratchBytes: 2 ** 30 });
    const columns = '1::bigint as id, 0.1::float as c0, 0.2::float as c1, 0::float as c2';
    await duck.run(`copy (select ${columns}) to ${quoteText(table)}`);
    duck.close();
    const job = await tinyJob(tempFolder(), table, { predictions: { store, set: 'short', key: 'id' } });
    expect((await prescore(['run', job])).code).toBe(0);
    const found = await prescore(['lookup', '--job', job, '1']);
    expect(found.stdout).toMatch(/^1 +0\.3 /m);
    const json = await prescore(['lookup', '--job', job, '1', '--json']);
    expect(json.events).toMatchObject([{ values: { y: Math.fround(Math.fround(0.1) + Math.fround(0.2)) } }]);
  });

  it('tell the time as of which a row was scored, and an age since its publication', async () => {
    const predictions = { store, set: 'as-of', key: 'id' };
    const job = await tinyJob(tempFolder(), join(folder, 'in.parquet'), { predictions });
    expect((await prescore(['run', job, '--as-of', '2026-03-02'])).code).toBe(0);
    const [row] = (await prescore(['lookup', '--job', job, '3', '--json'])).events;
    expect(Date.parse(String(row?.['scoredAt']))).toBe(Date.parse('2026-03-02'));
    expect(row?.['ageMs']).toBeLessThan(60_000);
  });

  it('take an address or a job file where sets are listed', async () => {
    for (const place of [store, integers]) {
      const listed = await prescore(['sets', 'list', place]);
      expect([listed.code, listed.stdout]).toEqual([0, expect.stringMatching(/^integers .*\n.*^texts /ms)]);
    }
    const none = await prescore(['sets', 'list', `lmdb:${join(folder, 'none')}`]);
    expect([none.code, none.stdout]).toEqual([0, expect.stringMatching(/^There is no set in lmdb:.*none\.\n$/)]);
    const twice = await prescore(['sets', 'list', store, '--job', integers]);
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringMatching(/named twice/)]);
    const place = await prescore(['sets', 'show', store]);
    expect([place.code, place.stderr]).toEqual([2, expect.stringMatching(/address of a store.*--store URL/)]);
  });

  it('say what is missing when neither names them', async () => {
    for (const [args, says] of [
      [['lookup', '3'], /no store is named; expected --job JOB, or --store URL and --set NAME/],
      [['sets', 'show'], /no store is named; expected --job JOB, or --store URL and SET/],
      [['sets', 'list'], /no store is named; expected an address, a job file, --job JOB or --store URL/],
      [['sets', 'gc'], /no store is named; expected --job JOB, or --store URL/],
      [
        ['lookup', '3', '--store', store],
        /no set is named; expected --job JOB, or --set NAME. Sets that are there: prescore sets list lmdb:/,
      ],
      [['sets', 'show', '--store', store], /no set is named; expected --job JOB, or SET/],
    ] as const) {
      const refused = await prescore(args);
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(says)]);
    }
    const without = await tinyJob(tempFolder(), join(folder, 'in.parquet'));
    expect((await prescore(['lookup', '--job', without, '3'])).stderr).toMatch(
      /^SPEC_INVALID: the job has no predictions/,
    );
  });
});

it('a password in the address of a store is refused with the variables that hold it', async () => {
  const there = ['--store', 'redis://me:hun/ter2@127.0.0.1:1/0'];
  for (const args of [
    ['lookup', '3', '--set', 'x', ...there],
    ['sets', 'list', ...there],
  ]) {
    const { code, stderr } = await prescore(args);
    expect([code, stderr]).toEqual([6, expect.stringMatching(/redis:\/\/127.0.0.1:1\/0\. .*PRESCORE_REDIS_PASSWORD/)]);
    expect(stderr).not.toMatch(/ter2|AWS/);
  }
});

describe('a key of another kind than those of the set', () => {
  const note = async (job: string, ...keys: string[]): Promise<string> => {
    const result = await prescore(['lookup', '--job', job, ...keys]);
    expect(result.code).toBe(4);
    return result.stderr;
  };

  it('is told by lookup, once, and only of keys that are not there', async () => {
    expect(await note(integers, '3', 'UA17', 'x')).toMatch(
      /^note: the keys of this set are integers.*column id.*UA17\n$/,
    );
    expect(await note(integers, '0003')).toMatch(/are integers/);
    expect(await note(integers, '12')).toMatch(/^note: 12 is not in set integers \(10 rows by id\): .*publish.*\n$/);
    expect(await note(texts, '0003', '3')).toMatch(/^note: the keys of this set are texts.*column id.*asked for 3\n$/);
    expect(await note(texts, 'nobody')).toMatch(/^note: nobody is not in set texts /);
  });

  it('is told by the server in place of a plain 404', async () => {
    const server = await serveFor(writeServe(folder, { sets: { integers: { store }, texts: { store } } }));
    const asked = async (set: string, key: unknown) => {
      const { status, body } = await ask(`${server.url}/v1/predictions/${set}`, { key });
      const { code, message } = body['error'] as Record<string, string>;
      return [status, code, message];
    };
    const plain =
      'There is no prediction for this key, and no way to make one. Check the key; send its features, or publish the set.';
    const says = (text: string) => [404, 'PREDICTION_NOT_FOUND', expect.stringContaining(text)];
    expect(await asked('integers', 'UA17')).toEqual(says('the keys of this set are integers'));
    expect(await asked('integers', 99)).toEqual([404, 'PREDICTION_NOT_FOUND', plain]);
    expect(await asked('texts', 3)).toEqual(says('the keys of this set are texts'));
    expect(await asked('texts', '3')).toEqual([404, 'PREDICTION_NOT_FOUND', plain]);
    const many = await ask(`${server.url}/v1/predictions/integers`, { keys: ['UA17', 3] });
    expect(many.body['predictions']).toMatchObject([
      { error: { message: expect.stringContaining('are integers') } },
      { source: 'cache' },
    ]);
  });
});

describe('runs show and logs', () => {
  it('show the newest run when none is named', async () => {
    const own = tempFolder();
    const job = await tinyJob(own, join(folder, 'in.parquet'));
    const none = await prescore(['runs', 'show', job]);
    expect([none.code, none.stderr]).toEqual([
      2,
      expect.stringMatching(/^RUN_NOT_FOUND: there is no run yet.*prescore run/),
    ]);
    await prescore(['run', job, '--as-of', '2026-03-02']);
    await prescore(['run', job]);
    for (const args of [[job], ['--state', join(own, 'out/_prescore')]]) {
      const shown = await prescore(['runs', 'show', ...args]);
      expect([shown.code, shown.stdout]).toEqual([0, expect.stringMatching(/^test-job\.e3b0c442\.none\.1: committed/)]);
    }
    expect((await prescore(['runs', 'logs', job])).code).toBe(0);
    // What changes something still wants a name.
    expect((await prescore(['runs', 'cancel', job])).stderr).toMatch(/^USAGE: give the run id/);
  });
});

it('worker --help says what a worker needs', async () => {
  const { code, stdout } = await prescore(['worker', '--help']);
  expect(code).toBe(0);
  for (const needed of [
    'PRESCORE_REDIS_URL',
    'PRESCORE_S3_ENDPOINT',
    'PRESCORE_S3_REGION',
    '--allow',
    'prescore enqueue',
  ])
    expect(stdout).toContain(needed);
});
