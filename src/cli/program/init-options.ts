import { type Command, Option } from 'commander';
import { collect } from './parse-options.ts';

const EXAMPLES = `
Examples:
  prescore init model.onnx data/                         a folder; folders such as month=01 become partitions
  prescore init model.onnx 's3://lake/day/*.parquet' --endpoint https://minio.internal
  prescore init model.onnx table.parquet --features age,income,score
                                                         the columns of the model's input, in the order of the training
  prescore init model.onnx table.parquet --features '*' --exclude target,customer_id
                                                         all number columns but these, in the order of the table
  prescore init delay@production data/ --registry s3://models/registry
  prescore init towers.onnx table.parquet --features user=u1,u2 --features item=i1,i2
  prescore init model.onnx table.parquet --id customer_id --predictions lmdb:out/predictions --key customer_id

What is certain is filled in. A guess is marked "# guess:" on its line, and the file runs. What only you can know, such as the order of
columns that fit by their number alone, is a question: a key with a question mark ("columns?:"). check and run refuse the
file until you have looked, and taken the question mark off.`;

/** Adds `init`; the command is loaded when it is used. */
export function addInit(program: Command, done: (code: number) => void): void {
  program
    .command('init')
    .description('write a job file for a model and a table; what it cannot know it marks and asks')
    .argument('<model>', 'ONNX file: path or s3://…; or a model of a registry: name@label, name/version')
    .argument('<data...>', 'Parquet or Arrow file, folder or glob: path or s3://…')
    .option('-o, --out <file>', 'job file to write', 'job.yaml')
    .option('--name <name>', 'name of the job; that of the model when left out')
    .option('--output <uri>', 'where predictions go; out/NAME beside the job file when left out')
    .option(
      '--features <columns>',
      "columns of an input, in its order: a,b,c or INPUT=a,b,c; '*': the table's; may be repeated",
      collect,
    )
    .option('--exclude <columns>', 'columns that are no features, such as the target; may be repeated', collect)
    .option('--id <columns>', 'columns that name a row', collect)
    .option('--predictions <store>', 'publish by key: lmdb:FOLDER, redis://host:6379/0 …')
    .option('--key <columns>', 'the key of --predictions; the id when left out', collect)
    .addOption(new Option('--endpoint <url>', 'S3 endpoint, for stores other than AWS').env('PRESCORE_S3_ENDPOINT'))
    .option('--region <name>', 'its region')
    .option('--registry <uri>', 'the registry of the model; PRESCORE_REGISTRY when left out')
    .option('--force', 'replace the file if it exists')
    .addHelpText('after', EXAMPLES)
    .action(async (model: string, data: string[], flags) =>
      done(await (await import('../commands/init-command.ts')).initCommand(model, data, flags)),
    );
}
