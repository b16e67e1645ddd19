import type { Command } from 'commander';
import { parseCount } from './parse-options.ts';

/** Adds `rejects …`; the commands are loaded when they are used. */
export function addRejects(program: Command, done: (code: number) => void): void {
  const rejects = program.command('rejects').description('rows that were not scored: why, which, and score them again');
  const look = (name: string, description: string): Command =>
    rejects
      .command(name)
      .description(description)
      .argument('[job]', 'job file')
      .argument(
        '[run]',
        name === 'list' ? 'run id; all runs with rejects when left out' : 'run id; the newest run when left out',
      )
      .option('--state <uri>', 'the folder of the run records (_prescore beside the output), instead of a job file')
      .option('--partition <value>', 'runs of this partition only');
  look('list', 'runs that rejected rows, newest first, with the reasons and counts')
    .option('--json', 'print one JSON object per run')
    .action(async (job: string | undefined, run: string | undefined, flags) =>
      done(await (await import('../commands/rejects-command.ts')).rejectsList(job, run, flags)),
    );
  look('show', 'one run: reasons, counts, and the first rows with file, row number, ids and message')
    .option('--rows <n>', 'how many rows to show', parseCount, 20)
    .option('--json', 'print one JSON object')
    .action(async (job: string | undefined, run: string | undefined, flags) =>
      done(await (await import('../commands/rejects-command.ts')).rejectsShow(job, run, flags)),
    );
  rejects
    .command('replay')
    .description(
      'score the rejected rows of a run again after a mend: chunks without rejects are kept, and the slot is committed anew',
    )
    .argument('<job>', 'job file, mended')
    .argument('[run]', 'run id; the newest run when left out')
    .option('--partition <value>', 'the newest run of this partition')
    .option('--force', 'commit even if a newer slot is committed')
    .option('--allow-unpinned', 'accept a model without sha256')
    .option('--json', 'print one JSON object per event; the last one is "done"')
    .action(async (job: string, run: string | undefined, flags) =>
      done(await (await import('../commands/rejects-command.ts')).rejectsReplay(job, run, flags)),
    );
}
