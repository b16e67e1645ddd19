import type { Command } from 'commander';
import { parseCount } from './parse-options.ts';

const LOOKUP_EXAMPLES = `
Examples:
  prescore lookup --job job.yaml 1000 1001
  prescore lookup --store lmdb:sets --set churn 1000
  prescore lookup --job job.yaml '["AA", 12]'       a key of two columns
  prescore lookup --job job.yaml -- -17             a key that begins with a dash

Needed: --job, or --store with --set. What sets are there: prescore sets list URL.`;

const SETS_EXAMPLES = `
Examples:
  prescore sets list redis://localhost:6379/0       or lmdb:sets, or job.yaml
  prescore sets show churn --store lmdb:sets        the generations of a set
  prescore sets rollback --job job.yaml             the one before, at once`;

/** Adds `publish`, `lookup` and `sets …`; the commands are loaded when they are used. */
export function addSets(program: Command, done: (code: number) => void): void {
  program
    .command('publish')
    .description('build the prediction set of a job from what is committed, for example into an empty Redis')
    .argument('<job>', 'job file with predictions:')
    .option('--partition <value>', 'mode upsert: write the rows of this partition only')
    .option('--force', 'serve it even if the set holds something newer')
    .option('--json', 'print one JSON object')
    .action(async (job: string, flags) =>
      done(await (await import('../commands/publish-command.ts')).publishCommand(job, flags)),
    );
  program
    .command('lookup')
    .description('read predictions by key; exit code 4 when a key is not there')
    .argument('<key...>', 'keys; of several columns as a JSON list')
    .option('--job <file>', 'job file, which names store and set')
    .option('--store <url>', 'lmdb:PATH or redis://host:6379/0')
    .option('--set <name>', 'name of the set')
    .option('--json', 'print one JSON object per key')
    .addHelpText('after', LOOKUP_EXAMPLES)
    .action(async (keys: string[], flags) =>
      done(await (await import('../commands/lookup-command.ts')).lookupCommand(keys, flags)),
    );
  const sets = program
    .command('sets')
    .description('list, show, roll back and clean up prediction sets')
    .addHelpText('after', SETS_EXAMPLES);
  const each = (name: string, description: string): Command =>
    sets
      .command(name)
      .description(description)
      .option('--job <file>', 'job file, which names store and set')
      .option('--store <url>', 'lmdb:PATH or redis://host:6379/0')
      .option('--json', 'print one JSON object per set');
  each('list', 'all sets of a store and what they serve')
    .argument('[place]', 'lmdb:PATH, redis://host:6379/0 or a job file; instead of --store or --job')
    .action(async (place: string | undefined, flags) =>
      done(await (await import('../commands/sets-command.ts')).setsList(place, flags)),
    );
  each('show', 'the generations of a set, newest first')
    .argument('[set]', 'name of the set; that of --job when left out')
    .action(async (set: string | undefined, flags) =>
      done(await (await import('../commands/sets-command.ts')).setsShow(set, flags)),
    );
  each('rollback', 'serve an older generation again, at once')
    .argument('[set]', 'name of the set; that of --job when left out')
    .option('--to <generation>', 'which one; the one before when left out', parseCount)
    .option('--drop-overlay', 'also remove single keys that were written since')
    .action(async (set: string | undefined, flags) =>
      done(await (await import('../commands/sets-command.ts')).setsRollback(set, flags)),
    );
  each('gc', 'remove generations and single keys that nobody can need any more')
    .argument('[set]', 'name of the set; that of --job, or all of them, when left out')
    .action(async (set: string | undefined, flags) =>
      done(await (await import('../commands/sets-command.ts')).setsGc(set, flags)),
    );
}
