import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { PrescoreError } from '../errors/prescore-error.ts';
import { parseInstant } from '../spec/instant.ts';
import { addBackfill } from './backfill-options.ts';
import { surviveClosedPipes } from './closed-pipes.ts';
import { reportError } from './report-error.ts';
import type { RunFlags } from './run-command.ts';

const EXIT_CODES = `
Exit codes: 0 done, 2 usage or job file, 3 done with rejects, 4 input data, 5 model, 6 store out of reach (resumable),
7 another owner or a newer run, 8 over a limit, 70 internal, 130/143 interrupted (resumable).`;

/** Builds and runs the command line; gives the exit code. Commands are loaded when they are used. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const done = (code: number): void => {
    exitCode = code;
  };
  const shown = { isDebug: argv.includes('--debug'), isJson: argv.includes('--json') };
  surviveClosedPipes();
  process.on('uncaughtException', (error) => process.exit(reportError(error, shown)));
  const program = buildProgram(done);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(error, shown);
    if (error.exitCode === 0) return 0;
    // Help that nobody asked for (no command given) says what is wrong by itself.
    return error.code === 'commander.help' ? 2 : reportError(usageError(error), shown);
  }
  return exitCode;
}

// Commander's words on one line: `error: unknown option '--jsn'` and, on a line of its own, a suggestion.
function usageError(error: CommanderError): PrescoreError {
  const what = error.message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
  return new PrescoreError('USAGE', { what });
}

/** The commands without running any; a command's exit code goes to `done`. */
export function buildProgram(done: (code: number) => void): Command {
  const program = new Command('prescore')
    .description('Scores whole tables with ONNX models ahead of time and serves the answers by key.')
    .addHelpText('after', EXIT_CODES)
    .option('--debug', 'print stack traces and keep Node warnings')
    .exitOverride()
    // Errors are reported by the caller, as every other one.
    .configureOutput({ outputError: () => undefined });
  program.version(packageVersion(), '-V, --version');

  addRun(program, done);
  addQueue(program, done);
  program
    .command('plan')
    .description('show what a run would do: files, chunks, rows, bytes, bindings; writes nothing')
    .argument('<job>', 'job file')
    .option('--partition <value>', 'one partition; all of them when left out')
    .option('--as-of <time>', 'logical time, as in run', parseTime)
    .option('--allow-unpinned', 'accept a model without sha256')
    .option('--json', 'print one JSON object')
    .action(async (job: string, flags) => done(await (await import('./plan-command.ts')).planCommand(job, flags)));
  program
    .command('check')
    .description('validate the job file, the model and the schema of every input file')
    .argument('<job>', 'job file')
    .option('--partition <value>', 'one partition; all of them when left out')
    .option('--allow-unpinned', 'accept a model without sha256')
    .option('--json', 'print one JSON object')
    .action(async (job: string, flags) => done(await (await import('./plan-command.ts')).checkCommand(job, flags)));
  program
    .command('init')
    .description('write a working job file for a model and a table')
    .argument('<model>', 'ONNX file: path or s3://…')
    .argument('<data>', 'Parquet or Arrow file, folder or glob')
    .option('-o, --out <file>', 'job file to write', 'job.yaml')
    .option('--name <name>', 'name of the job')
    .option('--output <uri>', 'where predictions go')
    .option('--force', 'replace the file if it exists')
    .action(async (model: string, data: string, flags) =>
      done(await (await import('./init-command.ts')).initCommand(model, data, flags)),
    );
  program
    .command('verify')
    .description('read a committed output again: manifest, sizes, sha256s, row counts')
    .argument('<output>', 'output URI (the folder with _manifest.json)')
    .option('--job <file>', 'job file, for its stores')
    .option('--json', 'print one JSON object')
    .action(async (output: string, flags) =>
      done(await (await import('./verify-command.ts')).verifyCommand(output, flags)),
    );
  addSets(program, done);
  addRuns(program, done);
  addBackfill(program, done);
  addSchedule(program, done);
  program
    .command('doctor')
    .description('check Node, the native libraries, a job with its model and stores, a queue; say what to fix')
    .argument('[job]', 'job file')
    .option('--redis <url>', 'the queue of the workers')
    .option('--json', 'print one JSON object')
    .action(async (job: string | undefined, flags) =>
      done(await (await import('./doctor-command.ts')).doctorCommand(job, flags)),
    );
  return program;
}

function addRun(program: Command, done: (code: number) => void): void {
  program
    .command('run')
    .description('score a table and commit the predictions; resumes by itself')
    .argument('<job>', 'job file (YAML or JSON)')
    .option('--partition <value>', 'one partition; a job with listed partitions runs them all when left out')
    .option(
      '--as-of <time>',
      'logical time (2026-11-21 or 2026-11-21T02:00:00Z); a daily cron line passes "$(date -I)"',
      parseTime,
    )
    .option('--new-run', 'score again even if this slot is done or begun')
    .option('--if-changed', 'score again only if the inputs or the definition changed')
    .option('--force', 'commit even if a newer run is committed')
    .option('--shard <i/n>', 'score share I of N (from 0) of the same plan; needs --as-of or --run-id', parseShard)
    .option('--run-id <id>', 'the run that the shards share, instead of --as-of')
    .option('--sample <n>', 'score the first N rows, print them, write nothing', parseCount)
    .option('--allow-unpinned', 'accept a model without sha256')
    .option('--redis <url>', 'let workers do it through this queue, and wait: as enqueue --wait')
    .addOption(new Option('--json', 'print one JSON object per event; the last one is "done"'))
    .action(async (job: string, flags: RunFlags & { readonly redis?: string }) =>
      done(
        flags.redis === undefined
          ? await (await import('./run-command.ts')).runCommand(job, flags)
          : await (await import('./enqueue-command.ts')).enqueueCommand(job, { ...flags, wait: true }),
      ),
    );
}

function addQueue(program: Command, done: (code: number) => void): void {
  program
    .command('enqueue')
    .description('let workers score a table; prints the run id at once')
    .argument('<job>', 'job file (YAML or JSON)')
    .option('--redis <url>', 'the queue; PRESCORE_REDIS_URL when left out')
    .option('--partition <value>', 'one partition; a job with listed partitions enqueues them all when left out')
    .option('--as-of <time>', 'logical time, as in run', parseTime)
    .option('--new-run', 'score again even if this slot is done or begun')
    .option('--if-changed', 'score again only if the inputs or the definition changed')
    .option('--force', 'commit even if a newer run is committed')
    .option('--wait', 'show the progress, and exit with the code of the run')
    .option('--window <n>', 'chunks of this run in the queue at a time; at most so many are in work (64)', parseCount)
    .option('--allow-unpinned', 'accept a model without sha256')
    .option('--allow-eviction', 'accept a Redis that may evict tasks')
    .option('--json', 'print one JSON object per event')
    .action(async (job: string, flags) =>
      done(await (await import('./enqueue-command.ts')).enqueueCommand(job, flags)),
    );
  const hidden = (flags: string): Option => new Option(flags).hideHelp();
  program
    .command('worker')
    .description('take tasks from the queue until told to stop; any number of them, on any number of machines')
    .option('--redis <url>', 'the queue; PRESCORE_REDIS_URL when left out')
    .option('--allow <prefix>', 'work on states below this URI only; may be repeated', collect, [])
    .option('--state <uri>', 'look after this state from the start; may be repeated', collect, [])
    .option('--slots <n>', 'tasks in work at a time; twice the cores when left out', parseCount)
    .option('--jobs <n>', 'jobs whose models are loaded at a time, each with its execution.memory', parseCount, 2)
    .option('--grace <duration>', 'how long tasks in work may take after a signal', '25s')
    .option('--name <name>', 'name in records and logs; HOST:PID when left out')
    .option('--metrics <address>', 'HOST:PORT of /metrics, /health/live and /health/ready; loopback without HOST')
    .addOption(new Option('--endpoint <url>', 'S3 endpoint of states of jobs').env('PRESCORE_S3_ENDPOINT'))
    .option('--region <name>', 'its region')
    .option('--allow-eviction', 'accept a Redis that may evict tasks')
    .addOption(
      new Option('--log-level <level>', 'what is logged on stderr')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .env('PRESCORE_LOG_LEVEL'),
    )
    .addOption(hidden('--lock <duration>'))
    .addOption(hidden('--stalled <duration>'))
    .addOption(hidden('--reconcile <duration>'))
    .action(async (flags) => done(await (await import('./worker-command.ts')).workerCommand(flags)));
}

function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

function addSets(program: Command, done: (code: number) => void): void {
  program
    .command('publish')
    .description('build the prediction set of a job from what is committed, for example into an empty Redis')
    .argument('<job>', 'job file with predictions:')
    .option('--partition <value>', 'mode upsert: write the rows of this partition only')
    .option('--force', 'serve it even if the set holds something newer')
    .option('--json', 'print one JSON object')
    .action(async (job: string, flags) =>
      done(await (await import('./publish-command.ts')).publishCommand(job, flags)),
    );
  program
    .command('lookup')
    .description('read predictions by key; exit code 4 when a key is not there')
    .argument('<key...>', 'keys; of several columns as a JSON list')
    .requiredOption('--store <url>', 'lmdb:PATH or redis://host:6379/0')
    .requiredOption('--set <name>', 'name of the set')
    .option('--json', 'print one JSON object per key')
    .action(async (keys: string[], flags) =>
      done(await (await import('./lookup-command.ts')).lookupCommand(keys, flags)),
    );
  const sets = program.command('sets').description('list, show, roll back and clean up prediction sets');
  const each = (name: string, description: string): Command =>
    sets
      .command(name)
      .description(description)
      .requiredOption('--store <url>', 'lmdb:PATH or redis://host:6379/0')
      .option('--json', 'print one JSON object per set');
  each('list', 'all sets and what they serve').action(async (flags) =>
    done(await (await import('./sets-command.ts')).setsList(flags)),
  );
  each('show', 'the generations of a set, newest first')
    .argument('<set>', 'name of the set')
    .action(async (set: string, flags) => done(await (await import('./sets-command.ts')).setsShow(set, flags)));
  each('rollback', 'serve an older generation again, at once')
    .argument('<set>', 'name of the set')
    .option('--to <generation>', 'which one; the one before when left out', parseCount)
    .option('--drop-overlay', 'also remove single keys that were written since')
    .action(async (set: string, flags) => done(await (await import('./sets-command.ts')).setsRollback(set, flags)));
  each('gc', 'remove generations and single keys that nobody can need any more')
    .argument('[set]', 'name of the set; all of them when left out')
    .action(async (set: string | undefined, flags) =>
      done(await (await import('./sets-command.ts')).setsGc(set, flags)),
    );
}

function addSchedule(program: Command, done: (code: number) => void): void {
  const schedule = program
    .command('schedule')
    .description('run jobs when their schedules say so; any number of schedulers may do it together')
    .argument('<job...>', 'job files, or folders of them, which are read again every ten seconds')
    .option('--redis <url>', 'let workers do the runs, through the queue there')
    .option('--metrics <address>', 'HOST:PORT of /metrics, /health/live and /health/ready; a port alone is on loopback')
    .option('--grace <duration>', 'how long chunks in work may take after a signal', '25s')
    .option('--once', 'run what is due now, then end: for a cron of your own')
    .action(async (paths: string[], flags) =>
      done(await (await import('./schedule-command.ts')).scheduleCommand(paths, flags)),
    );
  schedule
    .command('list')
    .description('the next times of each job, and what became of the last slot')
    .argument('<job...>', 'job files, or folders of them')
    .option('--json', 'print one JSON object per job')
    .action(async (paths: string[], flags) =>
      done(await (await import('./schedule-list.ts')).scheduleList(paths, flags)),
    );
}

function addRuns(program: Command, done: (code: number) => void): void {
  const runs = program.command('runs').description('list, show, follow, cancel, retry and clean up runs');
  const each = (name: string, description: string): Command =>
    runs
      .command(name)
      .description(description)
      .argument('[job]', 'job file')
      .option('--state <uri>', 'state URI, instead of a job file')
      .option('--json', 'print one JSON object per run');
  each('list', 'all runs, newest first').action(async (job: string | undefined, flags) =>
    done(await (await import('./runs-command.ts')).runsList(job, flags)),
  );
  // With --state the run is the first argument: `JOB RUN`, or `--state URI RUN`.
  const one = (name: string, description: string): Command => each(name, description).argument('[run]', 'run id');
  one('show', 'one run: plan, chunks, rejects, commit, tries, workers').action(
    async (job: string | undefined, run: string | undefined, flags) =>
      done(await (await import('./runs-command.ts')).runsShow(job, run, flags)),
  );
  one('logs', 'what happened to a run, in the order of time').action(
    async (job: string | undefined, run: string | undefined, flags) =>
      done(await (await import('./runs-control.ts')).runsLogs(job, run, flags)),
  );
  one('cancel', 'have workers stop a run; finished chunks are kept').action(
    async (job: string | undefined, run: string | undefined, flags) =>
      done(await (await import('./runs-control.ts')).runsCancel(job, run, flags)),
  );
  one('retry', 'have workers go on with a run that failed or was cancelled')
    .option('--redis <url>', 'the queue, to begin at once; PRESCORE_REDIS_URL when left out')
    .option('--allow-eviction', 'accept a Redis that may evict tasks')
    .action(async (job: string | undefined, run: string | undefined, flags) =>
      done(await (await import('./runs-control.ts')).runsRetry(job, run, flags)),
    );
  each('gc', 'remove what no manifest needs: staged parts of finished or dead runs, replaced parts')
    .option('--older-than <duration>', 'only runs older than this', '7d')
    .option('--apply', 'really remove; without it only says what would go')
    .action(async (job: string | undefined, flags) =>
      done(await (await import('./runs-command.ts')).runsGc(job, flags)),
    );
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('Give a whole number from 1.');
  return count;
}

function parseShard(text: string): { readonly index: number; readonly count: number } {
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  if (index === undefined || !(Number(index) < Number(count)))
    throw new InvalidArgumentError('Give I/N with I from 0 to N - 1, such as 0/4.');
  return { index: Number(index), count: Number(count) };
}

// A date, or a time with a zone (a job file may leave it out, a shell has a TZ of its own); whole seconds.
function parseTime(text: string): string {
  const ms = /^\d{4}-\d{2}-\d{2}$|(Z|[+-]\d{2}:\d{2})$/.test(text) ? parseInstant(text) : null;
  if (ms === null)
    throw new InvalidArgumentError('Give a date (2026-11-21) or a time with a zone (2026-11-21T02:00:00Z).');
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}
