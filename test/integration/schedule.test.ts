import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type CliRun, prescore, startPrescore } from '../harness/cli.ts';
import { startHookServer } from '../harness/hook-server.ts';
import { shell } from '../harness/shell.ts';
import { fixtures, flightJob, tempFolder, writeJob } from '../harness/temp-job.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** As if a scheduler had seen the job first at that time. */
function seenSince(folder: string, cron: string, through: number, name = 'test-job'): void {
  const marks = join(folder, `out/_prescore/schedule/${name}/marks`);
  mkdirSync(marks, { recursive: true });
  const mark = { format: 1, n: 1, through: iso(through), open: [], cron, timezone: 'UTC', by: 'test' };
  writeFileSync(join(marks, '1.json'), JSON.stringify(mark));
}

function logOf({ stderr }: { readonly stderr: string }): Record<string, unknown>[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const runsOf = (folder: string): string[] => readdirSync(join(folder, 'out/_prescore/runs')).sort();

test('two schedulers at once, three slots missed: one run each', async () => {
  const folder = tempFolder();
  const cron = '*/15 * * * *';
  const path = writeJob(
    folder,
    flightJob(folder, {
      input: { uri: join(fixtures, 'flights/month=02/part-0.parquet') },
      predictions: { store: `lmdb:${join(folder, 'sets')}`, key: 'flight_id', values: ['prediction'] },
      schedule: { cron, catchUp: 'all' },
    }),
  );
  // Not at a time when a slot could come due on the way.
  const quarter = Math.floor(Date.now() / (15 * MINUTE)) * 15 * MINUTE;
  seenSince(folder, cron, quarter - 35 * MINUTE);
  const expected = [quarter - 30 * MINUTE, quarter - 15 * MINUTE, quarter].map((slot) => iso(slot));
  const both = await Promise.all([prescore(['schedule', path, '--once']), prescore(['schedule', folder, '--once'])]);
  expect(both.map((r) => [r.code, r.stdout])).toEqual([
    [0, ''],
    [0, ''],
  ]);
  const again = await prescore(['schedule', path, '--once']);
  expect([again.code, logOf(again).filter((l) => l['runId'] !== undefined)]).toEqual([0, []]);
  const runs = runsOf(folder);
  const names = expected.map((slot) => `test-job.e3b0c442.${slot.replace(/[-:]/g, '')}.1`);
  for (const name of names) expect(runs).toContain(name);
  expect(runs.length - names.length).toBeLessThanOrEqual(1);
  const scored = both.flatMap((r) =>
    logOf(r)
      .filter((l) => l['msg'] === 'run done')
      .map((l) => String(l['runId'])),
  );
  expect(scored.toSorted().slice(0, 3)).toEqual(names);
  expect(new Set(scored).size).toBe(scored.length);
  const listed = await prescore(['schedule', 'list', folder, '--json']);
  expect(listed.events).toMatchObject([{ job: 'test-job', cron, last: { state: 'done', runs: [expect.any(String)] } }]);
});

test('waits for its input without a plan, runs when it is there, fails when it does not come; tells it', async () => {
  const folder = tempFolder();
  const hook = await startHookServer(200);
  onTestFinished(() => hook.close());
  const day = Math.floor(Date.now() / DAY) * DAY;
  const partition = iso(day - DAY).slice(0, 10);
  const cron = '0 0 * * *';
  const job = (wait: string): string =>
    writeJob(
      folder,
      flightJob(folder, {
        input: { uri: join(folder, 'in/{partition}/*.parquet') },
        output: { uri: join(folder, 'out/day={partition}') },
        partitions: { every: 'day', format: '%Y-%m-%d', start: '2026-01-01' },
        schedule: { cron, waitForInput: { for: wait, every: '1s', marker: '_SUCCESS' } },
        notify: [{ url: hook.url, secretEnv: 'HOOK_SECRET' }],
      }),
    );
  const env = { HOOK_SECRET: 'open sesame' };
  seenSince(folder, cron, day - DAY);
  const input = join(folder, 'in', partition);
  mkdirSync(input, { recursive: true });
  cpSync(join(fixtures, 'flights/month=02/part-0.parquet'), join(input, 'a.parquet'));
  const early = await prescore(['schedule', job('9d'), '--once'], { env });
  expect(early.code).toBe(0);
  expect(logOf(early).find((l) => l['msg'] === 'slot waits for its input')?.['why']).toContain(`${partition}/_SUCCESS`);
  expect(() => runsOf(folder)).toThrow('ENOENT');

  // The next night: this partition's input is there, that of a slot that could wait no longer is not.
  writeFileSync(join(input, '_SUCCESS'), '');
  const there = await prescore(['schedule', job('9d'), '--once'], { env });
  expect(there.code).toBe(0);
  expect(runsOf(folder)).toEqual([
    expect.stringMatching(new RegExp(`\\.${partition.replaceAll('-', '')}T000000Z\\.1$`)),
  ]);
  expect(hook.calls.map((c) => JSON.parse(c.body))).toMatchObject([
    { type: 'run.done', data: { job: 'test-job', partition, rows: 24951 } },
  ]);
  rmSync(join(folder, 'out'), { recursive: true });
  rmSync(join(input, '_SUCCESS'));
  seenSince(folder, cron, day - DAY);
  const late = await prescore(['schedule', job('1s'), '--once'], { env });
  expect(late.code).toBe(4);
  const slots = join(folder, 'out/_prescore/schedule/test-job/slots');
  const ending = JSON.parse(readFileSync(join(slots, readdirSync(slots)[0]!, 'end.json'), 'utf8'));
  expect(ending).toMatchObject({ outcome: 'failed', error: { code: 'INPUT_NOT_FOUND' } });
  expect(JSON.parse(hook.calls[1]!.body)).toMatchObject({
    type: 'run.failed',
    data: { slot: iso(day), error: { code: 'INPUT_NOT_FOUND', exitCode: 4 } },
  });
  expect(hook.calls[1]!.headers['webhook-signature']).toMatch(/^v1,/);
});

test('a scheduler that stays: metrics, health, a file that cannot be used, SIGTERM', async () => {
  const folder = tempFolder();
  writeJob(folder, { ...flightJob(folder, { schedule: { cron: '0 0 1 1 *' } }), name: 'yearly' }, 'a.yaml');
  writeFileSync(join(folder, 'b.yaml'), 'prescore: 1\nname: broken\n');
  writeFileSync(join(folder, 'c.yaml'), 'something: else\n');
  const run = startPrescore(['schedule', folder, '--metrics', '127.0.0.1:0', '--grace', '5s']);
  const url = await urlOf(run);
  let ready = 0;
  for (let i = 0; i < 100 && ready !== 200; i++) {
    ready = (await fetch(`${url}/health/ready`)).status;
    if (ready !== 200) await sleep(50);
  }
  expect([ready, (await fetch(`${url}/health/live`)).status]).toEqual([200, 200]);
  const metrics = await fetch(`${url}/metrics`).then((r) => r.text());
  expect(metrics).toContain('prescore_schedule_jobs 1');
  const next = /prescore_schedule_next_slot_seconds\{job="yearly"\} (\d+)/.exec(metrics)?.[1];
  expect(Number(next)).toBe(Date.UTC(new Date().getUTCFullYear() + 1, 0, 1) / 1000);
  run.child.kill('SIGTERM');
  const result = await run.result;
  expect([result.code, result.signal]).toEqual([0, null]);
  expect(result.stderr).toContain('b.yaml');
  expect(result.stderr).not.toContain('c.yaml');
});

test('a run that fails is told to its webhook, after a try in vain, and exits as it would without', async () => {
  const folder = tempFolder();
  const hook = await startHookServer(500, 200);
  onTestFinished(() => hook.close());
  const input = { uri: join(folder, 'none/*.parquet') };
  const path = writeJob(folder, flightJob(folder, { input, notify: [{ url: hook.url, on: ['failed'] }] }));
  const result = await prescore(['run', path]);
  expect(result.code).toBe(4);
  expect(hook.calls.map((c) => JSON.parse(c.body))).toMatchObject([
    { type: 'run.failed', data: { error: { code: 'INPUT_NOT_FOUND' } } },
    { type: 'run.failed', data: { error: { code: 'INPUT_NOT_FOUND' } } },
  ]);
});

test('plain system cron: the line of docs/schedules.md', async () => {
  const folder = tempFolder();
  const docs = readFileSync(new URL('../../docs/schedules.md', import.meta.url), 'utf8');
  const line = /^0 2 \* \* \* +(?<command>.*prescore run job\.yaml --partition .*)$/m.exec(docs.replace(/^ {4}/gm, ''));
  const command = line?.groups?.['command']?.replace(/^cd \S+ && npx /, '').replaceAll('\\%', '%') ?? '';
  expect(command).toContain('prescore run');
  const partition = iso(Date.now() - DAY).slice(0, 10);
  mkdirSync(join(folder, 'in', partition), { recursive: true });
  cpSync(join(fixtures, 'flights/month=02/part-0.parquet'), join(folder, 'in', partition, 'a.parquet'));
  writeJob(
    folder,
    flightJob(folder, {
      input: { uri: 'in/{partition}/*.parquet' },
      output: { uri: 'out/day={partition}' },
      partitions: { every: 'day', format: '%Y-%m-%d', start: '2026-01-01' },
    }),
  );
  const result = await shell(`${command} --json`, { cwd: folder });
  expect([result.code, result.stderr]).toEqual([0, '']);
  expect(result.stdout).toContain(`"partition":"${partition}"`);
  expect((await shell(command, { cwd: folder })).stdout).toContain('already done');
});

/** The address that a scheduler says it listens on. */
async function urlOf(run: CliRun): Promise<string> {
  let text = '';
  run.child.stderr?.on('data', (piece: string) => {
    text += piece;
  });
  for (let i = 0; i < 200; i++) {
    const url = /"url":"(http:[^"]+)"/.exec(text)?.[1];
    if (url !== undefined) return url;
    await sleep(50);
  }
  throw new Error(`no address: ${text}`);
}
