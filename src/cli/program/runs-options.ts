import type { Command } from 'commander';

/** Adds `runs …`; the commands are loaded when they are used. */
export function addRuns(program: Command, done: (code: number) => void): void {
  const runs = program.command('runs').description('list, show, follow, cancel, retry and clean up runs');
  const each = (name: string, description: string): Command =>
    runs
      .command(name)
      .description(description)
      .argument('[job]', 'job file')
      .option('--state <uri>', 'the folder of the run records (_prescore beside the output), instead of a job file')
      .option('--json', 'print one JSON object per run');
  each('list', 'all runs, newest first')
    .option('--stale', 'only what is committed with another model than the job names now: by its label, or its sha256')
    .action(async (job: string | undefined, flags) =>
      done(await (await import('../commands/runs-command.ts')).runsList(job, flags)),
    );
  // With --state the run is the first argument: `JOB RUN`, or `--state URI RUN`.
  const one = (name: string, description: string): Command =>
    each(name, description)
      .argument('[run]', 'run id, as runs list prints it; needed')
      .usage('[options] JOB RUN, or [options] --state URI RUN');
  const look = (name: string, description: string): Command =>
    each(name, description).argument('[run]', 'run id; the newest run when left out');
  look('show', 'one run: plan, chunks, rejects, commit, tries, workers').action(
    async (job: string | undefined, run: string | undefined, flags) =>
      done(await (await import('../commands/runs-command.ts')).runsShow(job, run, flags)),
  );
  look('logs', 'what happened to a run, in the order of time').action(
    async (job: string | undefined, run: string | undefined, flags) =>
      done(await (await import('../commands/runs-control.ts')).runsLogs(job, run, flags)),
  );
  one('cancel', 'have workers stop a run; finished chunks are kept').action(
    async (job: string | undefined, run: string | undefined, flags) =>
      done(await (await import('../commands/runs-control.ts')).runsCancel(job, run, flags)),
  );
  one('retry', 'have workers go on with a run that failed or was cancelled')
    .option('--redis <url>', 'the queue, to begin at once; PRESCORE_REDIS_URL when left out')
    .option('--allow-eviction', 'accept a Redis that may evict tasks')
    .action(async (job: string | undefined, run: string | undefined, flags) =>
      done(await (await import('../commands/runs-control.ts')).runsRetry(job, run, flags)),
    );
  each('gc', 'remove what no manifest needs: staged parts of finished or dead runs, replaced parts, old slots')
    .option('--older-than <duration>', 'only runs older than this', '7d')
    .option('--apply', 'really remove; without it only says what would go')
    .action(async (job: string | undefined, flags) =>
      done(await (await import('../commands/runs-command.ts')).runsGc(job, flags)),
    );
}
