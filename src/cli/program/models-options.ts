import { type Command, Option } from 'commander';
import { collect, parseCount } from './parse-options.ts';

const EXAMPLES = `
Examples:
  prescore models add delay model.onnx --registry s3://ml/models --label canary --note "more trees"
  prescore models import mlflow:models:/delay@champion --tracking http://mlflow:5000 --label stable
  prescore models list                              of PRESCORE_REGISTRY, as all below
  prescore models diff delay stable canary
  prescore models label delay@stable 8 --reason "AUC 0.91 on November"
  prescore models label delay@stable 7 --reason "back: too many alarms"
  prescore models history delay                     who moved what, when and why
  prescore models gc delay --keep 10 --job jobs/delay.yaml --dry-run

A version is never changed and its number never used again. What a label named, and since when, is a chain of records: prescore help registry.`;

const IMPORTS = `
Credentials of the MLflow server: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, from the environment.
Flavours onnx, lightgbm, xgboost and catboost are taken; others are refused with the line that converts them: prescore help mlflow.`;

type Done = (code: number) => void;

/** Adds `models …`; the commands are loaded when they are used. */
export function addModels(program: Command, done: Done): void {
  const models = program
    .command('models')
    .description('a registry of models: versions, labels that move between them, where they come from')
    .addHelpText('after', EXAMPLES);
  addAdd(models, done);
  addImports(models, done);
  addLooks(models, done);
  addLabel(models, done);
  addGc(models, done);
}

function each(models: Command, name: string, description: string): Command {
  return models
    .command(name)
    .description(description)
    .option('--registry <uri>', 'folder or prefix of the registry; PRESCORE_REGISTRY when left out')
    .addOption(new Option('--endpoint <url>', 'S3 endpoint, for stores other than AWS').env('PRESCORE_S3_ENDPOINT'))
    .option('--region <name>', 'its region');
}

function addAdd(models: Command, done: Done): void {
  each(models, 'add', 'add a version, or say which one has these bytes already')
    .argument('<name>', 'name of the model')
    .argument(
      '<file...>',
      'the model, as model inspect takes it, then files that come along; weights are found by themselves',
    )
    .option('--label <label>', 'a label that is to name it; may be repeated', collect)
    .option('--reason <text>', 'why the label moves; the note when left out')
    .option('--lineage <file>', 'YAML: trainedAt, dataset, params, metrics, code, parent')
    .option('--note <text>', 'what is to be known of it')
    .option('--by <name>', 'who adds it; user@host when left out')
    .option('--unchecked', 'do not load it: for models that this machine cannot load')
    .option('--json', 'print one JSON object')
    .action(async (name: string, files: string[], flags) =>
      done(await (await import('../models/models-add.ts')).modelsAdd(name, files, flags)),
    );
}

function addImports(models: Command, done: Done): void {
  const tracking = 'MLflow server, http://host:port; MLFLOW_TRACKING_URI when left out';
  each(models, 'import', 'copy a model of MLflow, of a folder with an MLmodel file or of a Triton repository')
    .argument('<source>', 'mlflow:models:/NAME@ALIAS, …/NAME/Production, …/NAME/3, a folder, triton:DIR, a file')
    .argument('[name]', 'name in the registry; that of the other tool when left out')
    .option('--tracking <url>', tracking)
    .option('--label <label>', 'a label that is to name it (of several versions, the last); may be repeated', collect)
    .option('--reason <text>', 'why the label moves; the source when left out')
    .option('--note <text>', 'what is to be known of it')
    .option('--by <name>', 'who adds it; user@host when left out')
    .option('--json', 'print one JSON object per version')
    .addHelpText('after', IMPORTS)
    .action(async (source: string, name: string | undefined, flags) =>
      done(await (await import('../models/models-import.ts')).modelsImport(source, name, flags)),
    );
  each(models, 'watch', 'let a label follow an alias or stage of MLflow; stays until a signal comes')
    .argument('<source>', 'mlflow:models:/NAME@ALIAS or mlflow:models:/NAME/Production')
    .argument('<name>', 'name in the registry')
    .requiredOption('--label <label>', 'the label that follows')
    .option('--tracking <url>', tracking)
    .option('--every <duration>', 'between two looks', '60s')
    .option('--once', 'look once, for cron')
    .option('--by <name>', 'who moves it; user@host when left out')
    .action(async (source: string, name: string, flags) =>
      done(await (await import('../models/models-watch.ts')).modelsWatch(source, name, flags)),
    );
}

function addLooks(models: Command, done: Done): void {
  each(models, 'list', 'the models of a registry, or the versions of one')
    .argument('[name]', 'name of the model')
    .option('--json', 'print one JSON object per line of the table')
    .action(async (name: string | undefined, flags) =>
      done(await (await import('../models/models-list.ts')).modelsList(name, flags)),
    );
  each(models, 'show', 'what a version is and where it comes from')
    .argument('<model>', 'NAME (its newest version), NAME@LABEL, NAME/VERSION or NAME@sha256:…')
    .option('--json', 'print one JSON object')
    .action(async (target: string, flags) =>
      done(await (await import('../models/models-show.ts')).modelsShow(target, flags)),
    );
  each(models, 'history', 'every move of a label: what, when, by whom and why; the chain of records is checked')
    .argument('<name>', 'name of the model')
    .option('--json', 'print one JSON object per record, oldest first')
    .action(async (name: string, flags) =>
      done(await (await import('../models/models-show.ts')).modelsHistory(name, flags)),
    );
  each(models, 'diff', 'in what two versions differ: signature, opset, digest, files, params, metrics, dataset')
    .argument('<name>', 'name of the model')
    .argument('<a>', 'version, label or sha256:…')
    .argument('<b>', 'the other one')
    .option('--json', 'print one JSON object')
    .action(async (name: string, a: string, b: string, flags) =>
      done(await (await import('../models/models-diff.ts')).modelsDiff(name, a, b, flags)),
    );
}

function addLabel(models: Command, done: Done): void {
  each(models, 'label', 'let a label name another version; exit code 7 when somebody else moved it meanwhile')
    .argument('<label>', 'NAME@LABEL')
    .argument('[version]', 'the version that it is to name')
    .requiredOption('--reason <text>', 'why; it is kept')
    .option('--by <name>', 'who moves it; user@host when left out')
    .option('--expect <version>', 'move it only if it names this version now; none: only if there is no such label')
    .option('--evidence <uri>', 'a report that the move stands on; may be repeated', collect)
    .option('--remove', 'take the label away')
    .option('--json', 'print the record as one JSON object')
    .action(async (target: string, to: string | undefined, flags) =>
      done(await (await import('../models/models-label.ts')).modelsLabel(target, to, flags)),
    );
}

function addGc(models: Command, done: Done): void {
  each(models, 'gc', 'delete versions that no label, no set and no young commit names, and what dead adders left')
    .argument('[name]', 'name of the model')
    .option('--all', 'all models')
    .requiredOption('--keep <n>', 'so many of the newest versions stay', parseCount)
    .option('--job <file>', 'a job whose commits of 30 days, open runs and set are asked too; may be repeated', collect)
    .option('--state <uri>', 'the same of run records alone; may be repeated', collect)
    .option('--by <name>', 'who deletes; user@host when left out')
    .option('--dry-run', 'only say what would go')
    .option('--json', 'print one JSON object per version')
    .action(async (name: string | undefined, flags) =>
      done(await (await import('../models/models-gc.ts')).modelsGc(name, flags)),
    );
}
