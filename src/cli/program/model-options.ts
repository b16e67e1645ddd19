import { type Command, Option } from 'commander';

/** Adds `model inspect`; the commands are loaded when they are used. */
export function addModel(program: Command, done: (code: number) => void): void {
  const model = program.command('model').description('look at a model, and at what a changed one would do');
  model
    .command('inspect')
    .description('what a model is, what it takes to run it, what a run would do, or why none would')
    .argument('<model>', 'model file as init takes it: path or s3://…')
    .addOption(new Option('--endpoint <url>', 'S3 endpoint, for stores other than AWS').env('PRESCORE_S3_ENDPOINT'))
    .option('--region <name>', 'its region')
    .option('--json', 'print one JSON object')
    .action(async (path: string, flags) =>
      done(await (await import('../commands/model-inspect-command.ts')).modelInspectCommand(path, flags)),
    );
}
