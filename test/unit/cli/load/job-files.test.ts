import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { WrittenJob } from '../../../../src/base/contract/job.ts';
import { createLogger } from '../../../../src/base/telemetry/logger.ts';
import { JobFiles, refuseMissing } from '../../../../src/cli/load/job-files.ts';
import { createStoreResolver } from '../../../../src/cli/wiring/open-store.ts';
import { systemClock } from '../../../../src/fleet/schedule/clock.ts';
import type { ScheduleDeps } from '../../../../src/fleet/schedule/schedule-deps.ts';
import { slotTargets } from '../../../../src/fleet/schedule/slot-targets.ts';
import { SlotTimes } from '../../../../src/fleet/schedule/slot-times.ts';
import { StoredRecords } from '../../../../src/fleet/schedule/stored-records.ts';
import { runTimetables } from '../../../../src/fleet/schedule/timetables.ts';
import { RecordStore } from '../../../../src/run/ledger/record-store.ts';
import { tempFolder } from '../../../harness/temp-job.ts';
import { jobText, parse } from '../../job/parse/sample-job.ts';

test('a folder of jobs: new, changed, broken, mended and removed files', () => {
  const folder = tempFolder();
  const problems: string[] = [];
  const files = new JobFiles([folder], (path) => problems.push(path));
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  const job = (name: string, more: object = {}): string => jobText({ name, input: { uri: '/in/*.x' }, ...more });
  expect(files.read()).toEqual([]);
  write('a.yaml', job('a'));
  write('b.json', job('b'));
  write('notes.yaml', 'something: else');
  write('readme.md', 'prescore: 1');
  const [a, b] = files.read();
  expect([a?.name, b?.name]).toEqual(['a', 'b']);
  // The same object while nothing changed.
  expect(files.read()[0]).toBe(a);
  write('a.yaml', 'prescore: 1\nname: [');
  expect(files.read()[0]).toBe(a);
  expect(files.read()[0]).toBe(a);
  expect(problems).toEqual([join(folder, 'a.yaml')]);
  write('a.yaml', job('a', { schedule: { cron: '0 2 * * *' } }));
  expect(files.read()[0]?.schedule?.cron).toBe('0 2 * * *');
  rmSync(join(folder, 'a.yaml'));
  expect(files.read()).toEqual([b]);
  rmSync(join(folder, 'b.json'));
  expect(files.read()).toEqual([]);
  expect(() => refuseMissing([join(folder, 'nowhere')])).toThrow('SPEC_NOT_FOUND');
});

test('timetables come and go with their jobs; another cron counts from now', async () => {
  const folder = tempFolder();
  const stores = createStoreResolver({}, { env: {} });
  const job = (name: string, cron: string): WrittenJob => parse(jobText({ name, schedule: { cron } }));
  const [a, b, b2, none] = [
    job('a', '0 2 29 2 *'),
    job('b', '0 3 29 2 *'),
    job('b', '0 4 29 2 *'),
    parse(jobText({ name: 'n' })),
  ];
  const readings = [[a, none], [a, b], [a, b2], [b2], []];
  const recordsOf = (name: string): StoredRecords =>
    new StoredRecords(new RecordStore(stores, join(folder, 's')), name);
  const changes: string[] = [];
  const stop = new AbortController();
  let reading = 0;
  const deps = (of: WrittenJob): ScheduleDeps => ({
    id: 'here',
    records: recordsOf(of.name),
    launcher: { launch: () => expect.unreachable(), publish: () => expect.unreachable(), close: async () => undefined },
    clock: systemClock,
    log: createLogger('test', 'silent'),
    isOnce: false,
    onEnd: () => expect.unreachable(),
    onResult: () => expect.unreachable(),
    onState: () => undefined,
  });
  const reread = {
    now: () => 0,
    until: async () => {
      await sleep(60);
      if (reading === readings.length) stop.abort();
    },
  };
  const onChange = (of: WrittenJob, change: string): void => void changes.push(`${of.name} ${change}`);
  const read = (): WrittenJob[] => readings[reading++] ?? [];
  await runTimetables({ read, depsOf: deps, clock: reread, isOnce: false, onChange }, stop.signal);
  expect(changes).toEqual(['a added', 'b added', 'b changed', 'a removed', 'b removed']);
  expect(await recordsOf('a').newestMark()).toMatchObject({ n: 1, cron: '0 2 29 2 *' });
  expect(await recordsOf('b').newestMark()).toMatchObject({ n: 2, cron: '0 4 29 2 *' });
});

const timesOf = (target: WrittenJob): SlotTimes => new SlotTimes(target.name, target.schedule!);

test.each([
  ['UTC', '2026-11-22T02:00Z', 0, 'day', '2026-11-21'],
  ['UTC', '2026-11-22T02:00Z', -1, 'day', '2026-11-20'],
  // 00:30 on the 22nd in Berlin.
  ['Europe/Berlin', '2026-11-21T23:30Z', 0, 'day', '2026-11-21'],
  // 20:30 on the 21st in New York.
  ['America/New_York', '2026-11-22T01:30Z', 0, 'day', '2026-11-20'],
  ['America/New_York', '2026-12-01T03:00Z', 0, 'month', '2026-10-01'],
  ['Europe/Berlin', '2026-12-01T03:00Z', 0, 'month', '2026-11-01'],
  ['Europe/Berlin', '2026-10-25T01:05Z', 0, 'hour', '2026-10-25T00'],
  ['UTC', '2026-01-01T02:00Z', 0, 'day', null],
])('in %s, the slot of %s with offset %d and every %s scores %s', (timezone, at, offset, every, partition) => {
  const format = every === 'hour' ? '%Y-%m-%dT%H' : '%Y-%m-%d';
  const partitions = { every, format, start: '2026-01-01' };
  const text = jobText({
    partitions,
    output: { uri: 'o/{partition}' },
    schedule: { cron: '0 2 * * *', timezone, offset },
  });
  const target = parse(text);
  const targets = slotTargets(target, timesOf(target), Date.parse(at));
  expect(targets.map((t) => t.partition)).toEqual(partition === null ? [] : [partition]);
  if (partition !== null && every === 'day') expect(targets[0]?.logicalTime).toBe(`${partition}T00:00:00.000Z`);
});

test('a slot of listed partitions is a run of each', () => {
  const text = jobText({
    partitions: { values: ['a', 'b'] },
    output: { uri: 'o/{partition}' },
    schedule: { cron: '0 2 * * *' },
  });
  const target = parse(text);
  expect(slotTargets(target, timesOf(target), Date.UTC(2026, 0, 1, 2))).toEqual([
    { job: 'flight-delay', partition: 'a', logicalTime: '2026-01-01T02:00:00Z' },
    { job: 'flight-delay', partition: 'b', logicalTime: '2026-01-01T02:00:00Z' },
  ]);
});
