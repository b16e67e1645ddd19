import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type CliResult, prescore, startPrescore } from '../harness/cli.ts';
import { processState } from '../harness/processes.ts';
import { startWorker } from '../harness/queue-run.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

const redisUrl = inject('redisUrl').replace(/\/0$/, '/11');
const table = suiteFolder();
beforeAll(async () => writeTables({ [join(table, 'in.parquet')]: 100 }));

const done = (result: CliResult) => result.events.findLast((e) => e['event'] === 'done');
const failed = (result: CliResult) => result.events.find((e) => e['event'] === 'failed')?.['error'];

/** A job of its own that publishes too. */
async function job(folder: string): Promise<string> {
  cpSync(join(table, 'in.parquet'), join(folder, 'in.parquet'));
  return tinyJob(folder, join(folder, 'in.parquet'), {
    predictions: { store: `lmdb:${join(folder, 'set')}`, key: 'id' },
  });
}
const run = (path: string, ...flags: string[]): Promise<CliResult> => prescore(['run', path, '--json', ...flags]);
const tree = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
function current(folder: string): unknown {
  return JSON.parse(readFileSync(join(folder, 'out/_manifest.json'), 'utf8')).runId;
}

describe('a slot', () => {
  it('is not kept back by a run without a time of the same day, and is published', async () => {
    const folder = tempFolder();
    const path = await job(folder);
    const adHoc = await run(path);
    expect([adHoc.code, adHoc.stderr]).toEqual([0, '']);
    const today = new Date().toISOString().slice(0, 10);
    const slot = await run(path, '--as-of', today);
    expect([slot.code, slot.stderr]).toEqual([0, '']);
    expect(current(folder)).toBe(done(slot)?.['runId']);
    expect(slot.events.find((e) => e['event'] === 'published')).toMatchObject({ outcome: 'published', generation: 2 });
    // And the other way round: who asks for a run now gets it, whatever slot is committed.
    const anew = await run(path, '--new-run');
    expect([anew.code, current(folder)]).toEqual([0, done(anew)?.['runId']]);
    expect(anew.events.find((e) => e['event'] === 'published')).toMatchObject({ outcome: 'published', generation: 3 });
  });

  it('older than the newest is refused before anything is read or written, by every way of running it', async () => {
    const folder = tempFolder();
    const path = await job(folder);
    expect((await run(path, '--as-of', '2026-03-02')).code).toBe(0);
    // A run without a time in between does not open the door.
    const adHoc = await run(path);
    expect(adHoc.code).toBe(0);
    const before = tree(folder);
    const old = ['--as-of', '2026-03-01'];
    for (const flags of [old, [...old, '--shard', '0/2'], [...old, '--redis', redisUrl], [...old, '--new-run']]) {
      const refused = await run(path, ...flags);
      expect([refused.code, failed(refused)]).toMatchObject([7, { code: 'SUPERSEDED' }]);
      expect(refused.stderr).toMatch(/^SUPERSEDED: .*2026-03-02T00:00:00Z.*2026-03-01T00:00:00Z.*--force/m);
      expect(refused.stderr).toContain(`${done(adHoc)?.['runId']}`);
      expect(refused.events.map((e) => e['event'])).toEqual(['failed']);
    }
    const plan = await prescore(['plan', path, ...old]);
    expect([plan.code, plan.stdout]).toEqual([
      0,
      expect.stringContaining('would be refused: a newer run is committed'),
    ]);
    expect(tree(folder)).toEqual(before);
    expect((await run(path, ...old, '--force')).code).toBe(0);
    expect(current(folder)).toContain('20260301T000000Z');
  });
});

describe('two runs at once', () => {
  it('end with the newer one, whichever ends last', async () => {
    const folder = tempFolder();
    const path = await job(folder);
    const old = startPrescore(['run', path, '--json', '--as-of', '2026-03-01'], {
      env: { PRESCORE_FAULT: 'SIGSTOP:after-record' },
    });
    while (processState(old.child.pid!) !== 'T') await sleep(20);
    expect((await run(path, '--as-of', '2026-03-02')).code).toBe(0);
    old.child.kill('SIGCONT');
    const refused = await old.result;
    expect([refused.code, failed(refused)]).toMatchObject([7, { code: 'SUPERSEDED' }]);
    expect(current(folder)).toContain('20260302T000000Z');
    // From now on it is known before anything is done.
    expect((await run(path, '--as-of', '2026-03-01')).events.map((e) => e['event'])).toEqual(['failed']);
  });
});

describe('an unfinished run that was planned before the committed one', () => {
  async function unfinished(path: string): Promise<void> {
    const killed = startPrescore(['run', path, '--json'], { env: { PRESCORE_FAULT: 'after-record' } });
    expect((await killed.result).signal).toBe('SIGKILL');
  }

  it('is left aside: the run is planned anew', async () => {
    const folder = tempFolder();
    const path = await job(folder);
    await unfinished(path);
    expect((await run(path, '--as-of', '2026-03-02')).code).toBe(0);
    const again = await run(path);
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(done(again)).toMatchObject({ runId: expect.stringMatching(/\.none\.2$/), chunksResumed: 0 });
    expect(current(folder)).toBe(done(again)?.['runId']);
  });

  it('is told to shards by name of the next attempt', async () => {
    const folder = tempFolder();
    const path = await job(folder);
    const shard = ['--as-of', '2026-03-02', '--shard'];
    const killed = startPrescore(['run', path, '--json', ...shard, '0/2'], { env: { PRESCORE_FAULT: 'after-record' } });
    expect((await killed.result).signal).toBe('SIGKILL');
    expect((await run(path, '--as-of', '2026-03-02', '--new-run')).code).toBe(0);
    // The newest attempt is the committed one; the first is asked for by name.
    const first = 'test-job.e3b0c442.20260302T000000Z.1';
    const refused = await run(path, '--run-id', first, '--shard', '1/2');
    expect([refused.code, failed(refused)]).toMatchObject([7, { code: 'SUPERSEDED' }]);
    expect(refused.stderr).toContain('--run-id test-job.e3b0c442.20260302T000000Z.3');
  });
});

describe('a run that waits in the queue', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const close of closing) await close();
  });

  it('is refused by the worker that would plan it, when something newer was committed meanwhile', async () => {
    const folder = tempFolder();
    const path = await job(folder);
    const asked = await prescore(['enqueue', path, '--as-of', '2026-03-01', '--redis', redisUrl, '--json']);
    expect([asked.code, asked.stderr]).toEqual([0, '']);
    expect((await run(path, '--as-of', '2026-03-02')).code).toBe(0);
    const worker = await startWorker(redisUrl, folder);
    closing.push(() => worker.stop());
    const id = 'test-job.e3b0c442.20260301T000000Z.1';
    let shown = '';
    for (let i = 0; i < 100 && !shown.includes('SUPERSEDED'); i++) {
      await sleep(100);
      shown = (await prescore(['runs', 'show', path, id])).stdout;
    }
    expect(shown).toContain('SUPERSEDED');
    expect(tree(join(folder, `out/_prescore/runs/${id}`)).filter((name) => name.startsWith('plan'))).toEqual([]);
  });
});
