import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CreateFlags } from '../commands/backfill-command.ts';

type Done = (code: number) => void;

const EXAMPLES = `
Examples:
  prescore backfill create job.yaml --from 2026-01 --to 2026-06 --dry-run       what would be scored
  prescore backfill create job.yaml --from 2026-01 --to 2026-06                 scores what is missing, four at a time
  prescore backfill create job.yaml --from 2026-01 --reprocess stale            also what a changed model or input made old
  prescore backfill show job.yaml                                               the newest one, partition by partition
  prescore backfill resume job.yaml                                             after Ctrl-C, a crash or a pause`;

/** Adds `prescore backfill …` to the command line; the commands are loaded when they are used. */
export function addBackfill(program: Command, done: Done): void {
  const backfill = program
    .command('backfill')
    .description('score many partitions of a job, durably: list, pause, resume, retry')
    .addHelpText('after', EXAMPLES);
  const json = (command: Command): Command => command.option('--json', 'print one JSON object per backfill');
  const driving = (command: Command): Command =>
    command
      .option('--json', 'print one JSON object per event; the last one is "backfill-ended"')
      .option('--redis <url>', 'let workers do the runs, through the queue there')
      .option('--detach', 'only note it; prescore backfill resume drives it')
      .option('--allow-unpinned', 'accept a model without sha256');
  driving(
    backfill
      .command('create')
      .description('make a backfill of a range of partitions and drive it to its end')
      .argument('<job>', 'job file with partitions:')
      .option('--from <partition>', 'first partition, or an instant in it')
      .option('--to <partition>', 'last partition, or an instant in it; the last that has ended when left out')
      .option('--partitions <a,b>', 'these partitions; may be given again', collect)
      .addOption(
        new Option('--reprocess <which>', 'what is scored besides missing partitions; each takes in the ones before')
          .choices(['none', 'failed', 'stale', 'completed'])
          .default('none'),
      )
      .option('--max-active <n>', 'runs at a time', parseActive, 4)
      .addOption(new Option('--order <order>', 'oldest or newest first').choices(['asc', 'desc']).default('asc'))
      .option('--stop-on-failure', 'launch nothing more after the first failure')
      .option('--dry-run', 'say what would be scored; write nothing'),
  ).action(async (job: string, flags: CreateFlags) =>
    done(await (await import('../commands/backfill-command.ts')).backfillCreate(job, flags)),
  );
  json(backfill.command('list').description('all backfills of a job, newest first'))
    .argument('<job>', 'job file')
    .action(async (job: string, flags) =>
      done(await (await import('../commands/backfill-show.ts')).backfillList(job, flags)),
    );
  const one = (name: string, description: string): Command =>
    backfill
      .command(name)
      .description(description)
      .argument('<job>', 'job file')
      .argument('[id]', 'backfill; the newest when left out');
  json(one('show', 'the partition map of a backfill, and what failed'))
    .option('--check', 'look at manifests and inputs as they are now')
    .action(async (job: string, id: string | undefined, flags) =>
      done(await (await import('../commands/backfill-show.ts')).backfillShow(job, id, flags)),
    );
  for (const [name, description] of [
    ['pause', 'launch nothing more; runs in work stop at their next chunk'],
    ['cancel', 'the same, for good; what is committed stays'],
  ] as const) {
    json(one(name, description)).action(async (job: string, id: string | undefined, flags) =>
      done(await (await import('../commands/backfill-show.ts')).backfillSteer(job, id, name, flags)),
    );
  }
  driving(one('resume', 'drive a backfill that was paused, stopped or left by its client')).action(
    async (job: string, id: string | undefined, flags) =>
      done(await (await import('../commands/backfill-command.ts')).backfillResume(job, id, flags)),
  );
  driving(one('retry', 'score again what failed'))
    .addOption(new Option('--only <which>', 'which partitions').choices(['failed']).default('failed'))
    .action(async (job: string, id: string | undefined, flags) =>
      done(await (await import('../commands/backfill-command.ts')).backfillRetry(job, id, flags)),
    );
}

function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}

function parseActive(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1 || count > 1000)
    throw new InvalidArgumentError('Give a whole number from 1 to 1000.');
  return count;
}
