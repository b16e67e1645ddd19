import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { prescore, startPrescore } from '../harness/cli.ts';
import { childrenOf, isAlive } from '../harness/processes.ts';
import { fixtures, flightJob, tempFolder, writeJob } from '../harness/temp-job.ts';

/** The first child that a process starts, of those that were not killed. */
async function firstChild(pid: number, killed: ReadonlySet<number> = new Set()): Promise<number> {
  for (;;) {
    const child = childrenOf(pid).find((one) => !killed.has(one));
    if (child !== undefined) return child;
    await setTimeout(2);
  }
}

/** Waits until a run says that it is planned. */
async function planned(run: ChildProcess): Promise<void> {
  let told = '';
  while (!told.includes('"planned"')) told += String((await once(run.stdout!, 'data'))[0]);
}

describe('the scorer child that a command starts ahead', () => {
  it.each([0, 120, 350])('is replaced when it is killed %i ms after its start', async (delay) => {
    const folder = tempFolder();
    // Much more to score than takes the longest delay: the child must still be there.
    const input = { uri: `${join(fixtures, 'flights')}/**/*.parquet` };
    const job = writeJob(folder, flightJob(folder, { input, execution: { scorers: 2 } }));
    const run = startPrescore(['run', job, '--json']);
    const child = await firstChild(run.child.pid!);
    await setTimeout(delay);
    process.kill(child, 'SIGKILL');
    const result = await run.result;
    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
    expect(result.events.at(-1)).toMatchObject({ event: 'done', rows: 336_776, rejected: 0 });
  });

  it('is replaced when the one that comes after it is killed as well, while it loads the model', async () => {
    const folder = tempFolder();
    const input = { uri: `${join(fixtures, 'flights')}/**/*.parquet` };
    const job = writeJob(folder, flightJob(folder, { input, execution: { scorers: 1 } }));
    const run = startPrescore(['run', job, '--json']);
    // The first one has loaded the model by then, however slow the machine is: three that die while they load are too many.
    await planned(run.child);
    const killed = new Set<number>();
    for (const delay of [50, 40, 150]) {
      const child = await firstChild(run.child.pid!, killed);
      await setTimeout(delay);
      process.kill(child, 'SIGKILL');
      killed.add(child);
    }
    const result = await run.result;
    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
    expect(result.events.at(-1)).toMatchObject({ event: 'done', rows: 336_776, rejected: 0 });
  });

  it('ends with a command that never needs it', async () => {
    const folder = tempFolder();
    const job = join(folder, 'job.yaml');
    writeFileSync(job, 'prescore: 1\nname: broken\n');
    const run = startPrescore(['run', job]);
    const child = await firstChild(run.child.pid!);
    expect((await run.result).code).toBe(2);
    for (let i = 0; i < 100 && isAlive(child); i++) await setTimeout(20);
    expect(isAlive(child)).toBe(false);
    expect((await prescore(['run', '--help'])).code).toBe(0);
  });
});
