import { type Command, Option } from 'commander';
import { collect, parseCount } from './parse-options.ts';

const EXAMPLES = `
Examples:
  prescore model optimize net.onnx --graph basic
  prescore model optimize net.onnx --int8 --calibrate train.parquet --data test.parquet --labels late --python .venv/bin/python
  prescore model optimize net.onnx --int8 --calibrate train.parquet --accept "flips<0.5%,p99<0.02,speedup>1.5"

A report is always printed: differences row by row, labels that flip, AUC with --labels, rows a second, sizes. Nothing is kept without
--accept, whose conditions must all hold: flips, max, mean, p99, auc_drop below a number, speedup (in the largest batches) above one.
The changed model is then written beside its parent (net.int8.onnx) and never over a file; else the exit code is 8.`;

/** Adds `model inspect` and `model optimize`; the commands are loaded when they are used. */
export function addModel(program: Command, done: (code: number) => void): void {
  const model = program.command('model').description('look at a model, and at what a changed one would do');
  addInspect(model, done);
  addOptimize(model, done);
}

function withStore(command: Command): Command {
  return command
    .addOption(new Option('--endpoint <url>', 'S3 endpoint, for stores other than AWS').env('PRESCORE_S3_ENDPOINT'))
    .option('--region <name>', 'its region');
}

function addInspect(model: Command, done: (code: number) => void): void {
  const inspect = model
    .command('inspect')
    .description('what a model is, what it takes to run it, what a run would do, or why none would')
    .argument('<model>', 'model file as init takes it: path or s3://…');
  withStore(inspect)
    .option('--json', 'print one JSON object')
    .action(async (path: string, flags) =>
      done(await (await import('../models/inspect-command.ts')).inspectCommand(path, flags)),
    );
}

function addOptimize(model: Command, done: (code: number) => void): void {
  const optimize = model
    .command('optimize')
    .description('change a model, and say how the changed one differs and how fast it is')
    .argument('<model>', 'ONNX file: path or s3://…')
    .addOption(
      new Option('--graph <level>', "ONNX Runtime's own changes of the graph").choices(['basic', 'extended', 'all']),
    )
    .option('--fp16', 'halve the weights; inputs and outputs stay as they are')
    .option('--int8', 'compute layers in eight bits, with ranges found on the rows of --calibrate')
    .option('--calibrate <table>', 'rows as they will come: Parquet, Arrow, CSV, JSONL')
    .option('--data <table>', 'rows to compare on; made-up ones when left out (those of --calibrate with --int8)')
    .option('--labels <column>', 'column of the true classes (two): also compares the AUC')
    .option('--features <columns>', 'columns of an input, in its order, as in init; may be repeated', collect)
    .option('--exclude <columns>', 'columns that are no features; may be repeated', collect)
    .option('--rows <n>', 'rows to compare on, at most', parseCount, 10_000)
    .option('--python <path>', 'Python with onnxruntime and onnx, for --fp16 and --int8', 'python3')
    .option('--accept <conditions>', 'keep the changed model where they hold, such as "flips<0.5%,speedup>1.2"')
    .option('--out <uri>', 'where it is kept; beside the model when left out');
  withStore(optimize)
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, flags) =>
      done(await (await import('../models/optimize-command.ts')).optimizeCommand(path, flags)),
    );
}
