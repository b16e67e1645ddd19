import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ObjectInfo, ObjectStore, StoreResolver } from '../../src/base/contract/object-store.ts';
import type { RunEvent } from '../../src/base/contract/run-events.ts';
import { loadJob } from '../../src/cli/load/load-job.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { listInputs } from '../../src/run/plan/list-inputs.ts';
import { prescore } from '../harness/cli.ts';
import { runInProcess } from '../harness/in-process-run.ts';
import { type Corpus, makeCorpus, ODD_NAMES, visibleIn } from '../harness/parquet-corpus.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { tempFolder, writeJob } from '../harness/temp-job.ts';

const CASES = ['a14_zero_rows_beside_others', 'a16_many_small_files', 'a16_forty_row_groups'];

describe('listing input files', () => {
  const home = suiteFolder();
  let corpus: Corpus;
  /** Two files of 1,000 rows: ids 0 and 1000 upward. */
  let first: string;
  let second: string;

  const jobIn = (folder: string, input: unknown, changes: Readonly<Record<string, unknown>> = {}) =>
    writeJob(folder, {
      model: corpus.model('float32'),
      input,
      features: { x: { columns: ['x'] } },
      outputs: { y: 'y' },
      id: ['id'],
      output: { uri: join(folder, 'out'), lineage: false },
      execution: { scorers: 1 },
      ...changes,
    });

  beforeAll(async () => {
    corpus = await makeCorpus(home, 'valid', CASES);
    first = join(corpus.data, 'a14_zero_rows_beside_others/b.parquet');
    second = join(corpus.data, 'a14_zero_rows_beside_others/d.parquet');
  }, 120_000);

  function replaceFile(file: string): void {
    copyFileSync(second, `${file}.new`);
    renameSync(`${file}.new`, file);
  }

  const CHANGES: [string, string, (file: string) => void][] = [
    ['A38 a file replaced by another', 'INPUT_CHANGED', replaceFile],
    ['A38 a file written over in place', 'INPUT_CHANGED', (file) => copyFileSync(second, file)],
    ['A38 a file that grows', 'INPUT_CHANGED', (file) => appendFileSync(file, 'more')],
    ['A39 a deleted file', 'INPUT_GONE', (file) => unlinkSync(file)],
  ];

  it('one file that cannot be looked at is skipped alone, not with the ones of its schema beside it', async () => {
    const folder = tempFolder();
    for (let i = 0; i < 20; i++) cpSync(first, join(folder, `in/${String(i).padStart(2, '0')}.parquet`));
    // One byte at the start of the footer: the type of its version.
    const bad = readFileSync(first);
    bad[bad.length - 8 - bad.readUInt32LE(bad.length - 8)] = 25;
    writeFileSync(join(folder, 'in/00.parquet'), bad);
    const planned: RunEvent[] = [];
    const job = jobIn(folder, { uri: join(folder, 'in/*.parquet'), onBadFile: 'skip' });
    const run = await runInProcess(job, (event) => {
      if (event.event === 'planned') planned.push(event);
    });
    expect(run.failures).toEqual([]);
    expect(planned).toMatchObject([{ files: 19 }]);
  });

  it.each(CHANGES)('%s after the plan: %s, nothing committed, even under skip', async (_what, code, change) => {
    const folder = tempFolder();
    const file = join(folder, 'in/a.parquet');
    cpSync(first, file);
    const input = { uri: join(folder, 'in/*.parquet'), onBadFile: 'skip' };
    const run = await runInProcess(jobIn(folder, input), (event) => {
      if (event.event === 'planned') change(file);
    });
    expect(run.failures.map((e) => e.code)).toEqual([code]);
    expect(run.failures[0]?.message).toContain(file);
    expect(visibleIn(join(folder, 'out'))).toEqual([]);
  });

  it.each(CHANGES)('%s between two chunks: %s, nothing committed', async (_what, code, change) => {
    const folder = tempFolder();
    const file = join(folder, 'in.parquet');
    cpSync(join(corpus.data, 'a16_forty_row_groups/groups.parquet'), file);
    let chunks = 0;
    // Above the size of chunks that are walked together: many would be read before the first is told of.
    const job = jobIn(folder, { uri: file }, { execution: { scorers: 1, chunkRows: 200 } });
    const run = await runInProcess(job, (event) => {
      if (event.event === 'chunk' && chunks++ === 0) change(file);
    });
    expect(chunks).toBeLessThan(20);
    expect(run.failures.map((e) => e.code)).toEqual([code]);
    expect(visibleIn(join(folder, 'out'))).toEqual([]);
  });

  const NAMES = [
    ...ODD_NAMES,
    'glob[1]*.parquet',
    'curly{partition}.parquet',
    'new\nline.parquet',
    'back\\slash.parquet',
    'hive=1/month=03/part.parquet',
    `${'long'.repeat(60)}.parquet`,
    '-dash.parquet',
    '~tilde.parquet',
    'no ending',
  ];

  it('A40 names with spaces, +, %2F, unicode, "..", quotes, glob signs, newlines and 248 bytes are read exactly', async () => {
    const folder = tempFolder();
    for (const [i, name] of NAMES.entries()) {
      const path = join(folder, 'in', name);
      mkdirSync(dirname(path), { recursive: true });
      cpSync(join(corpus.data, 'a16_many_small_files', `${String(i).padStart(3, '0')}.parquet`), path);
    }
    const result = await prescore(['run', jobIn(folder, { uri: join(folder, 'in/') }), '--json']);
    expect([result.code, result.stderr]).toEqual([0, '']);
    const byName = NAMES.map((name, i) => [Buffer.from(name), i] as const).sort((a, b) => Buffer.compare(a[0], b[0]));
    const ids = (await readOutput(join(folder, 'out'))).map((row) => Number(row['id']));
    expect(ids.sort((a, b) => a - b)).toEqual(
      byName.flatMap(([, i]) => [i * 3, i * 3 + 1, i * 3 + 2]).sort((a, b) => a - b),
    );
  });

  it('A40 each name can be the one that a job names, unless it is a glob', async () => {
    const folder = tempFolder();
    for (const name of NAMES.filter((n) => !/[*?[{]/.test(n))) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      cpSync(first, path);
      const job = loadJob(jobIn(folder, { uri: path }));
      const stores = stubStores([{ key: path.slice(1), size: 5, etag: 'e', modifiedMs: 0 }]);
      expect((await listInputs(job, null, stores)).map((o) => o.uri)).toEqual([path]);
      rmSync(path);
    }
  });

  it('A41 folder markers, _SUCCESS, hidden and temporary files and .crc are passed over by rule', async () => {
    const folder = tempFolder();
    cpSync(first, join(folder, 'in/sub/a.parquet'));
    const ignored = [
      '_SUCCESS',
      '_metadata',
      '.a.parquet.crc',
      'a.parquet.crc',
      '.hidden.parquet',
      '_temporary/0/b.parquet',
      '.spark/c.parquet',
      'sub/_committed_1',
    ];
    for (const name of ignored) {
      mkdirSync(dirname(join(folder, 'in', name)), { recursive: true });
      writeFileSync(join(folder, 'in', name), name === '_SUCCESS' ? '' : 'no table');
    }
    const stores = createStoreResolver({}, { env: {} });
    for (const uri of [join(folder, 'in'), join(folder, 'in/'), join(folder, 'in/**/*')]) {
      const found = await listInputs(loadJob(jobIn(folder, { uri })), null, stores);
      expect(found.map((o) => o.uri)).toEqual([join(folder, 'in/sub/a.parquet')]);
    }
    await stores.close();
    const passed = await prescore(['run', jobIn(folder, { uri: join(folder, 'in') }), '--json']);
    expect([passed.code, (await readOutput(join(folder, 'out'))).length]).toEqual([0, 1000]);
    // Anything else that lies there is asked for.
    writeFileSync(join(folder, 'in/readme.txt'), 'no table');
    const result = await prescore(['run', jobIn(folder, { uri: join(folder, 'in/') }, { name: 'other' }), '--json']);
    expect([result.code, result.stderr.split(':')[0]]).toEqual([4, 'INPUT_FORMAT']);
  });

  it('A42 no file is exit 4, "matched no file", never success', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'empty'));
    writeFileSync(join(folder, 'empty/_SUCCESS'), '');
    const stores = createStoreResolver({}, { env: {} });
    for (const input of ['empty/', 'empty', 'empty/*.parquet', 'nowhere/**', 'nowhere.parquet']) {
      const job = loadJob(jobIn(folder, { uri: join(folder, input) }));
      await expect(listInputs(job, null, stores)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    }
    await stores.close();
    const result = await prescore(['run', jobIn(folder, { uri: join(folder, 'empty/*.parquet') }), '--json']);
    expect(result.code).toBe(4);
    expect(result.stderr).toMatch(/^INPUT_NOT_FOUND: input matched no file; at /);
    expect(result.stderr).toContain(join(folder, 'empty/*.parquet'));
    expect(visibleIn(join(folder, 'out'))).toEqual([]);
  });

  it('A41 markers of folders on object stores are no files: of Hadoop, and empty objects of the name of a folder', async () => {
    const keys = (names: readonly string[]): ObjectInfo[] =>
      names.map((key) => ({ key, size: /parquet$/.test(key) ? 9 : 0, etag: key, modifiedMs: 0 }));
    const data = ['lake/t/m=1/p.parquet', 'lake/t/m=2/p.parquet'];
    for (const [uri, markers] of [
      ['/lake/t/', ['lake/t_$folder$', 'lake/t/m=1_$folder$', 'lake/t/m=2_$folder$']],
      ['/lake/t', ['lake/t_$folder$', 'lake/t/m=1_$folder$']],
      ['/lake/t/*/*', ['lake/t/m=1/x_$folder$', 'lake/t/m=1/']],
      ['/lake/t/', ['lake/t', 'lake/t/m=1']],
      ['/lake/t', ['lake/t', 'lake/t/']],
    ] as const) {
      const job = loadJob(jobIn(tempFolder(), { uri }));
      const below = keys([...markers, ...data].sort()).filter(
        ({ key }) => key.startsWith('lake/t/') || key === 'lake/t',
      );
      const found = await listInputs(job, null, stubStores(below));
      expect(
        found.map((o) => o.uri),
        uri,
      ).toEqual(data.map((key) => `/${key}`));
    }
    // An empty object that is no folder is a file, which then is refused as empty.
    const lone = loadJob(jobIn(tempFolder(), { uri: '/lake/t' }));
    expect(await listInputs(lone, null, stubStores(keys(['lake/t'])))).toHaveLength(1);
  });

  it('A43 a million keys are taken as they come: what does not match leaves no memory behind', async () => {
    const job = loadJob(jobIn(tempFolder(), { uri: '/lake/table/*.parquet' }));
    let largest = 0;
    const before = process.memoryUsage().heapUsed;
    function* keys(): Generator<ObjectInfo> {
      for (let i = 0; i < 1_000_000; i++) {
        const name = i % 1000 === 0 ? `part-${i}.parquet` : `_temporary/part-${i}.parquet`;
        if (i % 50_000 === 0) largest = Math.max(largest, process.memoryUsage().heapUsed - before);
        yield { key: `lake/table/${name}`, size: 1000, etag: `etag-${i}`, modifiedMs: 0 };
      }
    }
    expect(await listInputs(job, null, stubStores(keys))).toHaveLength(1000);
    expect(largest).toBeLessThan(200 * 1024 * 1024);
  });

  it('A43 files that match take under 1 KB each in the listing', async () => {
    const job = loadJob(jobIn(tempFolder(), { uri: '/lake/table/*.parquet' }));
    const before = process.memoryUsage().heapUsed;
    const infos = Array.from({ length: 20_000 }, (_, i) => ({
      key: `lake/table/part-${i}.parquet`,
      size: 1,
      etag: `etag-${i}`,
      modifiedMs: 0,
    }));
    const found = await listInputs(job, null, stubStores(infos));
    expect(found).toHaveLength(20_000);
    expect((process.memoryUsage().heapUsed - before) / 20_000).toBeLessThan(1024);
  });
});

/** A resolver whose one store lists what it is given. */
function stubStores(infos: Iterable<ObjectInfo> | (() => Iterable<ObjectInfo>)): StoreResolver {
  // A generator is listed once; a folder is looked at for a table's log before.
  const all = (): Iterable<ObjectInfo> => (typeof infos === 'function' ? infos() : infos);
  const store: Partial<ObjectStore> = {
    uriOf: (key) => `/${key}`,
    head: async (key) => [...all()].find((info) => info.key === key) ?? null,
    async *list(prefix) {
      for (const info of all()) if (info.key.startsWith(prefix)) yield info;
    },
  };
  return {
    at: (uri) => ({ store: store as ObjectStore, key: uri.replace(/^\//, ''), uri }),
    close: async () => undefined,
  };
}
