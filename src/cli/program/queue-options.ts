import { type Command, Option } from 'commander';
import { collect, logLevel, parseCount, parseTime } from './parse-options.ts';

const WORKER_NEEDS = `
What it needs:
  a queue       a Redis (6.2 or newer) or Valkey that evicts nothing: --redis or PRESCORE_REDIS_URL; login in PRESCORE_REDIS_USERNAME
                and PRESCORE_REDIS_PASSWORD
  the stores    of the jobs that are enqueued, reachable from here by the same URIs; credentials of the AWS SDK's chain
                (AWS_ACCESS_KEY_ID, …), an endpoint by --endpoint or PRESCORE_S3_ENDPOINT where the job names none
  --allow       at least one: below which URIs it may touch states (the output's place, unless the job says otherwise). What is in
                the queue names a state, and nobody else is to lead a worker to one
  memory        execution.memory of a job (by default half of the machine, divided by --jobs), for each of --jobs

  prescore worker --redis redis://queue:6379/0 --allow s3://lake/       then, anywhere: prescore enqueue job.yaml

prescore help workers: how workers share runs, and what survives which crash.`;

/** Adds `enqueue` and `worker`; the commands are loaded when they are used. */
export function addQueue(program: Command, done: (code: number) => void): void {
  program
    .command('enqueue')
    .description('let workers score a table; prints the run id at once')
    .argument('<job>', 'job file (YAML or JSON)')
    .option('--redis <url>', 'the queue; PRESCORE_REDIS_URL when left out')
    .option('--partition <value>', 'one partition; a job with listed partitions enqueues them all when left out')
    .option('--as-of <time>', 'the time of the run, as in run', parseTime)
    .option('--new-run', 'score again even if this slot is done or begun')
    .option('--if-changed', 'score again only if the inputs or the definition changed')
    .option('--force', 'commit even if a newer run is committed')
    .option('--wait', 'show the progress, and exit with the code of the run')
    .option('--window <n>', 'chunks of this run in the queue at a time; at most so many are in work (64)', parseCount)
    .option('--allow-unpinned', 'accept a model without sha256')
    .option('--allow-eviction', 'accept a Redis that may evict tasks')
    .option('--json', 'print one JSON object per event')
    .action(async (job: string, flags) =>
      done(await (await import('../commands/enqueue-command.ts')).enqueueCommand(job, flags)),
    );
  const hidden = (flags: string): Option => new Option(flags).hideHelp();
  program
    .command('worker')
    .description('take tasks from the queue until told to stop; any number of them, on any number of machines')
    .option('--redis <url>', 'needed: the queue; PRESCORE_REDIS_URL when left out')
    .option('--allow <prefix>', 'needed: work on states below this URI only; may be repeated', collect, [])
    .option('--state <uri>', 'look after this state from the start; may be repeated', collect, [])
    .option('--slots <n>', 'tasks in work at a time; twice the cores when left out', parseCount)
    .option('--jobs <n>', 'jobs whose models are loaded at a time, each with its execution.memory', parseCount, 2)
    .option('--grace <duration>', 'how long tasks in work may take after a signal', '25s')
    .option('--name <name>', 'name in records and logs; HOST:PID when left out')
    .option('--metrics <address>', 'HOST:PORT of /metrics, /health/live and /health/ready; loopback without HOST')
    .addOption(
      new Option('--endpoint <url>', 'S3 endpoint of states, and of jobs without stores of their own').env(
        'PRESCORE_S3_ENDPOINT',
      ),
    )
    .addOption(new Option('--region <name>', 'its region').env('PRESCORE_S3_REGION'))
    .option('--allow-eviction', 'accept a Redis that may evict tasks')
    .addOption(logLevel())
    .addHelpText('after', WORKER_NEEDS)
    .addOption(hidden('--lock <duration>'))
    .addOption(hidden('--stalled <duration>'))
    .addOption(hidden('--reconcile <duration>'))
    .action(async (flags) => done(await (await import('../services/worker-command.ts')).workerCommand(flags)));
}

const SCHEDULE_EXAMPLES = `
Examples:
  prescore schedule list jobs/                      when each job of the folder runs next, and how the last time went
  prescore schedule jobs/                           runs them until Ctrl-C or SIGTERM
  prescore schedule job.yaml --once                 what is due now, then end: a line of a cron of your own

When a job runs stands in its file:

  schedule: { cron: "0 2 * * *", timezone: Europe/Berlin }`;

/** Adds `schedule …`; the commands are loaded when they are used. */
export function addSchedule(program: Command, done: (code: number) => void): void {
  const schedule = program
    .command('schedule')
    .description('run jobs when their schedules say so; any number of schedulers may do it together')
    .argument('<job...>', 'job files, or folders of them, which are read again every ten seconds')
    .option('--redis <url>', 'let workers do the runs, through the queue there')
    .option('--metrics <address>', 'HOST:PORT of /metrics, /health/live and /health/ready; a port alone is on loopback')
    .option('--grace <duration>', 'how long chunks in work may take after a signal', '25s')
    .option('--once', 'run what is due now, then end: for a cron of your own')
    .addHelpText('after', SCHEDULE_EXAMPLES)
    .action(async (paths: string[], flags) =>
      done(await (await import('../services/schedule-command.ts')).scheduleCommand(paths, flags)),
    );
  schedule
    .command('list')
    .description('the next times of each job, and what became of the last slot')
    .argument('<job...>', 'job files, or folders of them')
    .option('--json', 'print one JSON object per job')
    .action(async (paths: string[], flags) =>
      done(await (await import('../commands/schedule-list.ts')).scheduleList(paths, flags)),
    );
}
