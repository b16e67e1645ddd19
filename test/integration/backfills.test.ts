import { existsSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackfillLog } from '../../src/fleet/backfill/backfill-log.ts';
import { prescore, startPrescore } from '../harness/cli.ts';
import { BackfillBench } from '../harness/in-process-backfill.ts';
import { patienceMs } from '../harness/refusal.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

const day = (n: number): string => `2026-01-${String(n).padStart(2, '0')}`;
const days = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, i) => day(from + i));
const definition = (log: BackfillLog): string => log.state.record.definition;
const states = (log: BackfillLog): string[] => log.state.states(false, definition(log));

describe('backfills', () => {
  const folder = suiteFolder();
  const input = (n: number): string => join(folder, `in/${day(n)}/a.parquet`);
  const changes = {
    partitions: { every: 'day', format: '%Y-%m-%d', start: '2026-01-01' },
    output: { uri: join(folder, 'out/{partition}') },
    predictions: { store: `lmdb:${join(folder, 'sets')}`, set: 's', key: 'id' },
  };
  const manifests = (n: number): string[] =>
    readdirSync(join(folder, `out/_prescore/manifests/${day(n)}`)).filter((name) => /^\d+\.json$/.test(name));
  const runs = (n: number): string[] => {
    const time = `.${day(n).replaceAll('-', '')}T000000Z.`;
    return readdirSync(join(folder, 'out/_prescore/runs')).filter((run) => run.includes(time));
  };
  let path = '';
  let bench: BackfillBench;

  beforeAll(async () => {
    await writeTables(Object.fromEntries(days(1, 28).map((_, i) => [input(i + 1), 20])));
    path = await tinyJob(folder, join(folder, 'in/{partition}/*.parquet'), changes);
    bench = new BackfillBench(path);
  });
  afterAll(() => bench.close());

  it('score a range in order, so many at a time, and publish once', async () => {
    const log = await bench.complete({ from: day(2), to: day(6) }, { order: 'desc', maxActive: 2 });
    expect(bench.launched).toEqual(days(2, 6).reverse());
    expect(bench.mostAtOnce).toBe(2);
    expect([log.state.status(false), ...states(log)]).toEqual(['done', 'done', 'done', 'done', 'done', 'done']);
    expect(log.state.rowsOf(0)).toBe(20);
    expect(bench.events.filter((e) => e.event === 'published')).toHaveLength(1);
    // Driven again there is nothing to do.
    expect(await bench.drive(log.id)).toBe('ended');
    expect(bench.launched).toEqual([]);
  });

  it('look before they score: --dry-run writes nothing, and says what --reprocess would take', async () => {
    const before = existsSync(join(folder, 'out/_prescore/backfills'));
    const dry = await prescore(['backfill', 'create', path, '--from', day(5), '--to', day(8), '--dry-run', '--json']);
    expect([dry.code, dry.stderr]).toEqual([0, '']);
    expect(dry.events).toEqual([
      expect.objectContaining({ id: null, isDryRun: true, asked: [day(7), day(8)], partitions: 4 }),
    ]);
    expect(before).toBe(true);
    expect(readdirSync(join(folder, 'out/_prescore/backfills'))).toHaveLength(1);
    const shown = await prescore(['backfill', 'create', path, '--partitions', `${day(6)},${day(7)}`, '--dry-run']);
    expect(shown.stdout).toContain(`${day(6)}  #.`);
    expect(shown.stdout).toContain(`would score 1 partition (${day(7)}), 4 at a time; 1 other stays as it is`);
  });

  it('stop after a failure when asked to, go on, and score again what failed', async () => {
    renameSync(input(10), `${input(10)}.away`);
    const options = { maxActive: 1, stopOnFailure: true };
    const { id } = await bench.create({ from: day(9), to: day(12) }, options);
    expect(await bench.drive(id)).toBe('stopped');
    expect(bench.launched).toEqual([day(9), day(10)]);
    let log = await bench.open(id);
    expect([log.state.status(false), ...states(log)]).toEqual(['stopped', 'done', 'failed', 'missing', 'missing']);
    expect(log.state.failures.get(1)).toMatchObject({ code: 'INPUT_NOT_FOUND' });
    await log.append({ control: 'resume' });
    expect(await bench.drive(id)).toBe('ended');
    expect(bench.launched).toEqual([day(11), day(12)]);
    log = await bench.open(id);
    expect(log.state.status(false)).toBe('failed');
    // What failed in a backfill is known as failed to the next one.
    const next = await bench.create({ from: day(9), to: day(12) }, { reprocess: 'failed' });
    expect([states(next)[1], next.state.open()]).toEqual(['failed', [1]]);
    renameSync(`${input(10)}.away`, input(10));
    const retried = await prescore(['backfill', 'retry', path, id, '--only', 'failed', '--json']);
    expect([retried.code, retried.stderr]).toEqual([0, '']);
    expect(retried.events.at(-1)).toMatchObject({ event: 'backfill-ended', state: 'done', counts: { done: 4 } });
    expect(days(9, 12).map((_, i) => runs(9 + i).length)).toEqual([1, 1, 1, 1]);
  });

  it('take stale and completed partitions when asked to', async () => {
    await bench.complete({ from: day(14), to: day(16) });
    utimesSync(input(15), new Date(), new Date());
    const stale = await bench.complete({ from: day(14), to: day(17) }, { reprocess: 'stale' });
    expect(stale.state.record.found).toBe('#~#.');
    expect(bench.launched.sort()).toEqual([day(15), day(17)]);
    expect([14, 15, 16, 17].map((n) => manifests(n).length)).toEqual([1, 2, 1, 1]);

    // Another definition makes every partition stale, and the old backfill says so.
    const other = await tinyJob(
      folder,
      join(folder, 'in/{partition}/*.parquet'),
      { ...changes, passthrough: ['c0'] },
      'other.yaml',
    );
    const shown = await prescore(['backfill', 'show', other, stale.id, '--json']);
    expect(shown.events[0]).toMatchObject({ counts: { stale: 4 } });
    const refused = await prescore(['backfill', 'resume', other, stale.id]);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/^BACKFILL_OTHER_DEFINITION.*passthrough/),
    ]);

    const completed = await bench.complete({ from: day(14), to: day(15) }, { reprocess: 'completed' });
    expect([completed.state.status(false), ...states(completed)]).toEqual(['done', 'done', 'done']);
    expect([14, 15].map((n) => manifests(n).length)).toEqual([2, 3]);
    // Once: a driver that finds its own commit does not score again.
    rmSync(join(folder, `out/_prescore/backfill-log/${completed.id}`), { recursive: true });
    expect(await bench.drive(completed.id)).toBe('ended');
    expect([14, 15].map((n) => manifests(n).length)).toEqual([2, 3]);
  });

  it('obey pause and cancel within seconds, and go on where they were', async () => {
    const { id } = await bench.create({ from: day(18), to: day(22) }, { maxActive: 1 });
    let asked: Promise<void> | null = null;
    const askFor = (control: 'pause' | 'cancel', at: string) => (partition: string) => {
      if (partition === at) asked = bench.open(id).then((log) => log.append({ control }));
    };
    const began = performance.now();
    expect(await bench.drive(id, slowly(askFor('pause', day(19))))).toBe('paused');
    expect(performance.now() - began).toBeLessThan(2000 + patienceMs());
    await asked;
    const left = (await bench.open(id)).state.open().length;
    expect(left).toBeGreaterThan(0);
    await (await bench.open(id)).append({ control: 'resume' });
    expect(await bench.drive(id, slowly(askFor('cancel', day(22))))).toBe('cancelled');
    expect(bench.launched).toHaveLength(left);
    const resumed = await prescore(['backfill', 'resume', path, id]);
    expect([resumed.code, resumed.stderr]).toEqual([2, expect.stringMatching(/^BACKFILL_CANCELLED/)]);
    expect(days(18, 21).map((_, i) => runs(18 + i).length)).toEqual([1, 1, 1, 1]);

    // Nothing opens a launch for longer than the driver looks away: the look comes between two runs.
    function slowly(then: (partition: string) => void): (partition: string) => void {
      return (partition) => {
        then(partition);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 350);
      };
    }
  });

  it('lose nothing with their client: killed and resumed, each partition is scored once', async () => {
    const args = ['backfill', 'create', path, '--from', day(23), '--to', day(28), '--max-active', '2', '--json'];
    const client = startPrescore(args);
    let id = '';
    const twin = new Promise<Awaited<ReturnType<typeof prescore>>>((resolve) => {
      client.child.stdout?.on('data', (text: string) => {
        id ||= /"event":"backfill","id":"([^"]+)"/.exec(text)?.[1] ?? '';
        // Two drivers at once: the second is refused. Then the first one dies in the midst of its runs.
        if (text.includes('"event":"planned"') && !client.child.killed) {
          client.child.kill('SIGSTOP');
          void prescore(['backfill', 'resume', path, id, '--json']).then((result) => {
            client.child.kill('SIGKILL');
            resolve(result);
          });
        }
      });
    });
    expect((await twin).code).toBe(7);
    expect((await client.result).signal).toBe('SIGKILL');
    const chunks = (): Map<string, string> =>
      new Map(
        [23, 24, 25, 26, 27, 28]
          .flatMap(runs)
          .flatMap((run) => {
            const at = join(folder, 'out/_prescore/runs', run, 'chunks');
            return existsSync(at) ? readdirSync(at).map((name) => join(at, name)) : [];
          })
          .map((file) => [file, readFileSync(file, 'utf8')]),
      );
    const before = chunks();
    const resumed = await prescore(['backfill', 'resume', path, id, '--json']);
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(resumed.events.at(-1)).toMatchObject({ event: 'backfill-ended', state: 'done', counts: { done: 6 } });
    const after = chunks();
    expect(after.size).toBe(6);
    for (const [file, text] of before) expect(after.get(file)).toBe(text);
    expect(days(23, 28).map((_, i) => manifests(23 + i).length)).toEqual([1, 1, 1, 1, 1, 1]);
    expect((await prescore(['backfill', 'list', path])).stdout).toMatch(new RegExp(`${id} +done +6 +6 +0`));
  });
});

describe('a backfill that cannot be', () => {
  it('says why', async () => {
    const folder = tempFolder();
    const whole = await tinyJob(folder, join(folder, 'in.parquet'));
    const listed = await tinyJob(
      folder,
      join(folder, '{partition}.parquet'),
      { partitions: { values: ['a', 'b', 'c,d'] }, output: { uri: join(folder, 'out/{partition}') } },
      'listed.yaml',
    );
    const cases: readonly (readonly [string[], RegExp])[] = [
      [[whole, '--from', 'a'], /^USAGE: a backfill needs a job with partitions/],
      [[listed], /^USAGE: give --from and --to, or --partitions/],
      [[listed, '--from', 'b', '--to', 'a'], /^USAGE: no partition/],
      [[listed, '--partitions', 'a,x'], /^PARTITION_UNKNOWN/],
    ];
    const results = await Promise.all(cases.map(([args]) => prescore(['backfill', 'create', ...args])));
    for (const [i, { code, stderr }] of results.entries()) {
      expect([code, stderr]).toEqual([2, expect.stringMatching(cases[i]![1])]);
    }
    const comma = await prescore(['backfill', 'create', listed, '--partitions', 'c,d', '--dry-run', '--json']);
    expect(comma.events[0]).toMatchObject({ asked: ['c,d'] });
  });
});

describe('60,000 partitions', () => {
  const folder = suiteFolder();
  const hour = (i: number): string => new Date(Date.UTC(2019, 0, 1, i)).toISOString().slice(0, 13);
  const count = 60_000;

  it('are listed and resumed in seconds', async () => {
    const last = hour(count - 1);
    await writeTables({ [join(folder, `in/${last}/a.parquet`)]: 20 });
    const path = await tinyJob(folder, join(folder, 'in/{partition}/*.parquet'), {
      partitions: { every: 'hour', format: '%Y-%m-%dT%H', start: '2019-01-01' },
      output: { uri: join(folder, 'out/{partition}') },
    });
    const bench = new BackfillBench(path);
    // As a driver leaves it after days of work: all but one are done, the newest outcomes are in the log only.
    const all = { partitions: Array.from({ length: count }, (_, i) => hour(i)), found: '.'.repeat(count) };
    const none = new Array<number>(count).fill(0);
    const log = await bench.create({ partitions: [last] }, {}, { ...all, manifests: none });
    for (let i = 0; i < count - 1; i += 600) {
      const size = Math.min(600, count - 1 - i);
      await log.append({ done: Array.from({ length: size }, (_, k) => ({ i: i + k, rows: 20, rejected: 0 })) });
      await log.keepSnapshot();
    }
    await bench.close();
    const timed = async (args: string[]): Promise<readonly [Awaited<ReturnType<typeof prescore>>, number]> => {
      const began = performance.now();
      return [await prescore(args), performance.now() - began];
    };
    const [list, listMs] = await timed(['backfill', 'list', path, '--json']);
    expect(list.events[0]).toMatchObject({
      partitions: count,
      state: 'waiting',
      counts: { done: count - 1, missing: 1 },
    });
    const [resumed, resumeMs] = await timed(['backfill', 'resume', path, '--json']);
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(resumed.events.at(-1)).toMatchObject({ state: 'done', counts: { done: count }, rows: count * 20 });
    const [show, showMs] = await timed(['backfill', 'show', path]);
    expect(show.stdout.match(/^\d{4}-\d\d-\d\dT\d\d {2}[# ]+$/gm)).toHaveLength(40);
    process.stdout.write(`60,000 partitions: list ${Math.round(listMs)} ms, resume ${Math.round(resumeMs)} ms\n`);
    expect([listMs, resumeMs, showMs].every((ms) => ms < 2 * patienceMs())).toBe(true);
  });
});
