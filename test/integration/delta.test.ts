import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { prescore, startPrescore } from '../harness/cli.ts';
import {
  appendToDelta,
  compareDelta,
  type DeltaSpec,
  makeDeltaByHand,
  makeDeltaTables,
  upload,
} from '../harness/delta-tables.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { makeBucket, openBucket } from '../harness/s3-test-store.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { tempFolder } from '../harness/temp-job.ts';
import { tinyJob } from '../harness/tiny-tables.ts';

describe('Delta tables give the rows that delta-rs reads', () => {
  const lake = suiteFolder();
  let versions: Readonly<Record<string, number>> = {};

  beforeAll(async () => {
    versions = await makeDeltaTables(lake);
  }, 300_000);

  const kept: Readonly<Record<string, readonly string[]>> = {
    plain: ['c1', 'c2'],
    parts: ['kind', 'day'],
    typed: ['i', 'b', 'd', 'f', 'n'],
    evolve: ['t', 'x', 'm', 'at', 'on', 'l'],
    many: ['c1'],
  };

  /** Runs a job over a table and says what its output must be compared with. */
  async function scored(table: string, version: number | null, changes = {}): Promise<DeltaSpec> {
    const folder = tempFolder();
    const input = { uri: join(lake, table), ...(version === null ? {} : { version }) };
    const columns = kept[table]!;
    const job = await tinyJob(folder, '', { input, passthrough: columns, ...changes });
    const { code, stderr, stdout } = await prescore(['run', job]);
    expect([code, stderr.replace(/^.*\r/s, '')]).toEqual([0, expect.any(String)]);
    const read = version ?? versions[table]!;
    expect(stdout).toContain(`version ${read}${version === null ? ' (the newest; input.version pins one)' : '\n'}`);
    return { table: join(lake, table), version: read, output: join(folder, 'out'), columns };
  }

  it('every table as it is now, and older versions of them', { timeout: 300_000 }, async () => {
    const specs: DeltaSpec[] = [];
    for (const table of Object.keys(kept)) specs.push(await scored(table, null));
    for (const version of [0, 2, 3, 4, 5, 6, 7, 8]) specs.push(await scored('plain', version));
    for (const version of [0, 1, 2]) specs.push(await scored('parts', version));
    specs.push(await scored('evolve', 2), await scored('many', 20), await scored('many', 22));
    const compared = await compareDelta(tempFolder(), specs);
    expect(compared.map(({ isSame, missing, extra }) => ({ isSame, missing, extra }))).toEqual(
      specs.map(() => ({ isSame: true, missing: [], extra: [] })),
    );
    expect(compared.every(({ rows }) => rows > 0)).toBe(true);
  });

  it('by a glob, a partition, a filter and computed columns; the log decides, not the folders', {
    timeout: 120_000,
  }, async () => {
    const specs: DeltaSpec[] = [];
    for (const [behind, where] of [
      ['/**/*.parquet', undefined],
      ['/kind=a%2Fb/', ['kind', 'a/b']],
      ['/kind=*/day=2024-01-03/*.parquet', ['day', '2024-01-03']],
    ] as const) {
      const uri = join(lake, 'parts') + behind;
      const spec = await scored('parts', null, { input: { uri } });
      specs.push({ ...spec, ...(where === undefined ? {} : { where }) });
    }
    const filtered = await scored('parts', null, {
      where: "kind = '100%' and day >= DATE '2024-01-04'",
      columns: { label: "kind || ' ' || day" },
      passthrough: ['kind', 'day', 'label'],
    });
    const compared = await compareDelta(tempFolder(), specs);
    expect(compared.map(({ isSame }) => isSame)).toEqual([true, true, true]);
    const labels = new Set((await readOutput(filtered.output)).map((row) => row['label']));
    expect([...labels].sort()).toEqual(['100% 2024-01-04', '100% 2024-01-05']);
  });

  it('partition columns feed a model', async () => {
    const folder = tempFolder();
    const features = { x: ['c0', 'c1', 'i'] };
    const job = await tinyJob(folder, join(lake, 'typed'), {
      features,
      passthrough: ['i', 'c0', 'c1'],
      where: 'i is not null',
    });
    expect((await prescore(['run', job])).code).toBe(0);
    const rows = await readOutput(join(folder, 'out'));
    expect(rows.length).toBeGreaterThan(40);
    for (const { c0, c1, i, y } of rows) expect(y).toBe(Number(c0) + Number(c1) + Number(i));
  });

  it('from S3, after a kill the version that was planned, though a newer one is there', {
    timeout: 120_000,
  }, async () => {
    const s3 = inject('s3');
    const bucket = await makeBucket(s3, 'delta');
    const { store, stores } = openBucket(s3, bucket);
    const folder = tempFolder();
    const table = join(folder, 'table');
    cpSync(join(lake, 'many'), table, { recursive: true });
    await upload(table, store, 'lake/many/');
    const job = await tinyJob(folder, `s3://${bucket}/lake/many`, {
      stores: { main: { endpoint: s3.endpoint, region: s3.region, pathStyle: true } },
      execution: { scorers: 1, chunkRows: 100 },
      passthrough: ['c1'],
    });
    const first = startPrescore(['run', job, '--json'], { env: { PRESCORE_FAULT: 'after-record' } });
    expect((await first.result).signal).toBe('SIGKILL');
    await appendToDelta(table, 77);
    await upload(table, store, 'lake/many/');
    const second = await prescore(['run', job, '--json']);
    expect([second.code, second.stderr]).toEqual([0, '']);
    const tables = [{ format: 'delta', uri: `s3://${bucket}/lake/many`, version: 25 }];
    expect(second.events.findLast((e) => e['event'] === 'done')).toMatchObject({ rows: 260, tables });
    const state = join(folder, 'out/_prescore/manifests');
    const [manifest] = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.json'),
    );
    expect(JSON.parse(readFileSync(join(state, manifest!), 'utf8'))).toMatchObject({ inputs: { tables } });
    const spec = { table, version: 25, output: join(folder, 'out'), columns: ['c1'] };
    expect(await compareDelta(folder, [spec])).toMatchObject([{ isSame: true, rows: 260 }]);
    // The finished slot tells that its input changed; asked for, it scores the newest version.
    expect((await prescore(['run', job])).stdout).toContain('changed since; --if-changed scores it again');
    const third = await prescore(['run', job, '--if-changed', '--json']);
    expect(third.events.findLast((e) => e['event'] === 'done')).toMatchObject({ rows: 337, tables: [{ version: 26 }] });
    await stores.close();
  });

  it('init, check, plan and a sample know it', { timeout: 60_000 }, async () => {
    const folder = tempFolder();
    const job = await tinyJob(folder, join(lake, 'parts'), { passthrough: ['kind'] });
    const said = `Delta ${join(lake, 'parts')}, version 3 (the newest; input.version pins one)`;
    expect((await prescore(['check', job])).stdout).toContain(`table: ${said}\n`);
    expect((await prescore(['plan', job])).stdout).toContain(`  table    ${said}\n`);
    expect((await prescore(['run', job, '--sample', '3'])).stdout).toMatch(/3 rows scored/);
    const model = (JSON.parse(readFileSync(job, 'utf8')) as { model: { uri: string } }).model.uri;
    const drafted = await prescore(['init', model, join(lake, 'parts'), '--out', 'new.yaml'], { cwd: folder });
    expect([drafted.code, drafted.stderr]).toEqual([0, '']);
    const draft = readFileSync(join(folder, 'new.yaml'), 'utf8');
    expect(draft).toContain('table: delta # a Delta table');
    expect(draft).not.toContain('pathColumns');
    expect((await prescore(['check', 'new.yaml'], { cwd: folder })).code).toBe(0);
  });
});

describe('Delta tables that delta-rs does not write', () => {
  const lake = suiteFolder();

  beforeAll(() => makeDeltaByHand(lake), 300_000);

  const kept: Readonly<Record<string, readonly string[]>> = {
    vectors: ['c0'],
    mapped: ['note', 'day', 'c1'],
    widened: ['i', 's', 'f', 'm', 'n', 'd'],
    int96: ['at'],
    in_parts: [],
    second: [],
    second_json: [],
    absolute: [],
  };

  async function scored(
    table: string,
    changes = {},
    place = join(lake, table),
  ): Promise<DeltaSpec & { stdout: string }> {
    const folder = tempFolder();
    const columns = kept[table]!;
    const job = await tinyJob(folder, place, { passthrough: columns, ...changes });
    const { code, stderr, stdout } = await prescore(['run', job, '--json']);
    expect([code, stderr]).toEqual([0, '']);
    return { table: join(lake, table), version: 0, output: join(folder, 'out'), columns, stdout };
  }

  it(`each of them: ${Object.keys(kept).join(', ')}`, { timeout: 120_000 }, async () => {
    const specs: DeltaSpec[] = [];
    for (const table of Object.keys(kept)) specs.push(await scored(table));
    const compared = await compareDelta(tempFolder(), specs);
    expect(
      compared.map(({ isSame, missing, extra }, i) => ({ table: specs[i]!.table, isSame, missing, extra })),
    ).toEqual(specs.map(({ table }) => ({ table, isSame: true, missing: [], extra: [] })));
  });

  it('deleted rows are counted as left out, in chunks of any size, with a filter, from S3', {
    timeout: 120_000,
  }, async () => {
    const specs = [await scored('vectors', { execution: { scorers: 2, chunkRows: 20_000 } })];
    const done = JSON.parse(specs[0]!.stdout.trim().split('\n').at(-1)!) as Record<string, number>;
    const deleted = 15 + 20_000 + 1 + 50_000 + 1 + 50 + 306;
    expect(done).toMatchObject({ event: 'done', filtered: deleted, rows: 151_350 - deleted, rejected: 0 });
    const s3 = inject('s3');
    const bucket = await makeBucket(s3, 'vectors');
    const { store, stores } = openBucket(s3, bucket);
    await upload(join(lake, 'vectors'), store, 'v/');
    const main = { endpoint: s3.endpoint, region: s3.region, pathStyle: true };
    specs.push(await scored('vectors', { stores: { main } }, `s3://${bucket}/v`));
    const compared = await compareDelta(tempFolder(), specs);
    expect(compared.map(({ isSame }) => isSame)).toEqual([true, true]);
    const filtered = await scored('vectors', { where: 'id % 2 = 0 and id < 50000', passthrough: [] });
    const ids = (await readOutput(filtered.output)).map((row) => Number(row['id']));
    const want = Array.from({ length: 25_000 }, (_, i) => 2 * i).filter(
      (id) => !((id < 100 && id % 7 === 0) || (id >= 5000 && id < 45_000)),
    );
    expect(ids).toEqual(want);
    const sample = await tinyJob(tempFolder(), join(lake, 'vectors'));
    const shown = await prescore(['run', sample, '--sample', '3', '--json']);
    expect(shown.stdout).toContain('"rows":[["1",3],["2",6],["3",6]]');
    await stores.close();
  });

  it('a version whose deleted rows are others is another input', { timeout: 60_000 }, async () => {
    const folder = tempFolder();
    const input = { uri: join(lake, 'vectors'), version: 0 };
    const job = await tinyJob(folder, '', { input });
    expect((await prescore(['run', job])).code).toBe(0);
    const newer = await tinyJob(folder, '', { input: { uri: join(lake, 'vectors') } });
    const again = await prescore(['run', newer, '--if-changed', '--json']);
    expect(again.events.at(-1)).toMatchObject({ event: 'done', alreadyDone: false, filtered: 70_373 });
  });

  it('a deletion vector that is damaged or gone', { timeout: 60_000 }, async () => {
    const place = join(tempFolder(), 'table');
    cpSync(join(lake, 'vectors'), place, { recursive: true });
    const name = readdirSync(place).find((each) => each.endsWith('.bin'))!;
    const bytes = readFileSync(join(place, name));
    bytes[40]! ^= 1;
    writeFileSync(join(place, name), bytes);
    const job = await tinyJob(tempFolder(), place);
    expect((await prescore(['run', job])).stderr).toMatch(
      /INPUT_TABLE_LOG: the deletion vector .* does not fit its checksum/,
    );
    rmSync(join(place, name));
    expect((await prescore(['run', job])).stderr).toMatch(
      /INPUT_GONE: a deletion vector of the Delta table is not there/,
    );
  });
});
