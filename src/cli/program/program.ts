import { Command, CommanderError, Option } from 'commander';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { RunFlags } from '../commands/run-command.ts';
import { surviveClosedPipes } from '../output/closed-pipes.ts';
import { reportError } from '../output/report-error.ts';
import { sayTopics } from '../wiring/doc-pages.ts';
import { packageVersion } from '../wiring/versions.ts';
import { addBackfill } from './backfill-options.ts';
import { addGpu } from './gpu-options.ts';
import { addInit } from './init-options.ts';
import { addModel } from './model-options.ts';
import { addModels } from './models-options.ts';
import { parseCount, parseShard, parseTime } from './parse-options.ts';
import { addQueue, addSchedule } from './queue-options.ts';
import { addRejects } from './rejects-options.ts';
import { addRuns } from './runs-options.ts';
import { addServe } from './serve-options.ts';
import { addSets } from './sets-options.ts';
import { addStream } from './stream-options.ts';

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
    .addHelpText('after', () => `${EXIT_CODES}\n\n${sayTopics()}`)
    .helpCommand(false)
    .option('--debug', 'print stack traces and keep Node warnings')
    .exitOverride()
    // Errors are reported by the caller, as every other one.
    .configureOutput({ outputError: () => undefined });
  program.version(packageVersion(), '-V, --version');

  program.commandsGroup('From a model and a table to predictions:');
  addInit(program, done);
  program
    .command('check')
    .description('validate the job file, the model and the schema of every input file')
    .argument('<job>', 'job file')
    .option('--partition <value>', 'one partition; all of them when left out')
    .option('--allow-unpinned', 'accept a model without sha256')
    .option('--json', 'print one JSON object')
    .action(async (job: string, flags) =>
      done(await (await import('../commands/plan-command.ts')).checkCommand(job, flags)),
    );
  program
    .command('plan')
    .description('show what a run would do: files, chunks, rows, bytes, bindings; writes nothing')
    .argument('<job>', 'job file')
    .option('--partition <value>', 'one partition; all of them when left out')
    .option('--as-of <time>', 'the time of the run, as in run', parseTime)
    .option('--allow-unpinned', 'accept a model without sha256')
    .option('--json', 'print one JSON object')
    .action(async (job: string, flags) =>
      done(await (await import('../commands/plan-command.ts')).planCommand(job, flags)),
    );
  addRun(program, done);
  program
    .command('verify')
    .description('read a committed output again: manifest, sizes, sha256s, row counts')
    .argument('<output>', 'output URI (the folder with _manifest.json)')
    .option('--job <file>', 'job file, for its stores')
    .option('--json', 'print one JSON object')
    .action(async (output: string, flags) =>
      done(await (await import('../commands/verify-command.ts')).verifyCommand(output, flags)),
    );
  addRuns(program, done);
  addRejects(program, done);
  program
    .command('certify')
    .description('find out how a model gives a row the same bits in every batch, and what that costs')
    .argument('<model>', 'model file, or a job file for its model and its data')
    .option('--data <file>', "a table of the model's own rows, whose columns feed it by name and order")
    .option('--out <file>', 'where the certificate is written; a job keeps it in its state folder')
    .option('--json', 'print the certificate as one JSON object')
    .action(async (model: string, flags) =>
      done(await (await import('../commands/certify-command.ts')).certifyCommand(model, flags)),
    );
  addModel(program, done);
  addModels(program, done);
  program.commandsGroup('Predictions by key:');
  addSets(program, done);
  addServe(program, done);
  addStream(program, done);
  program.commandsGroup('On time, over many partitions, on many machines:');
  addSchedule(program, done);
  addBackfill(program, done);
  addQueue(program, done);
  program.commandsGroup('This machine, and help:');
  program
    .command('doctor')
    .description(
      'check Node, the native libraries, a job with its model, first rows and stores, a queue; say what to fix',
    )
    .argument('[job]', 'job file')
    .option('--redis <url>', 'the queue of the workers')
    .option('--json', 'print one JSON object')
    .action(async (job: string | undefined, flags) =>
      done(await (await import('../commands/doctor-command.ts')).doctorCommand(job, flags)),
    );
  addGpu(program, done);
  program
    .command('help')
    .description('print a page of the documentation, what an error code means, or the help of a command')
    .argument('[topic...]', 'such as rejects, job-file, REJECT_LIMIT, or runs show')
    .action(async (words: string[]) => {
      if (words.length === 0) return program.outputHelp();
      const of = (asked: readonly string[]): (() => void) | null => {
        const command = commandOf(program, asked);
        return command === null ? null : () => command.outputHelp();
      };
      return done((await import('../commands/help-command.ts')).helpCommand(words, { of }));
    });
  return program;
}

function commandOf(program: Command, words: readonly string[]): Command | null {
  let command: Command | undefined = program;
  for (const word of words) command = command?.commands.find((c) => c.name() === word);
  return command ?? null;
}

const RUN_EXAMPLES = `
Examples:
  prescore run job.yaml --sample 5                  five rows, printed; nothing is written
  prescore run job.yaml                             the table; started again after a crash it resumes
  prescore run job.yaml --as-of "$(date -I)"        the line of a daily cron: one commit a day
  prescore run job.yaml --partition 2026-11         one partition
  prescore run job.yaml --if-changed                only if the inputs or the job file changed since
  prescore run job.yaml --as-of 2026-11-30 --shard 0/4    on four machines, with 0/4 to 3/4`;

function addRun(program: Command, done: (code: number) => void): void {
  program
    .command('run')
    .description('score a table and commit the predictions; resumes by itself')
    .argument('<job>', 'job file (YAML or JSON)')
    .option('--partition <value>', 'one partition; a job with listed partitions runs them all when left out')
    .option(
      '--as-of <time>',
      'the time of the run, once scored for each (2026-11-21 or 2026-11-21T02:00:00Z); a daily cron line passes "$(date -I)"',
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
    .addHelpText('after', RUN_EXAMPLES)
    .action(async (job: string, flags: RunFlags & { readonly redis?: string }) =>
      done(
        flags.redis === undefined
          ? await (await import('../commands/run-command.ts')).runCommand(job, flags)
          : await (await import('../commands/enqueue-command.ts')).enqueueCommand(job, { ...flags, wait: true }),
      ),
    );
}
