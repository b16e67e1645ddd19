import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CliResult, prescore } from './cli.ts';
import { runPython } from './python.ts';
import { readParquet } from './read-parquet.ts';
import { sha256Of, writeJob } from './temp-job.ts';

/** Names that a shell, a URI or a glob would read as something else; every store must take them as they are. */
export const ODD_NAMES: readonly string[] = [
  'with space.parquet',
  'plus+and&.parquet',
  'percent%2Fslash%20.parquet',
  'ünïcødé-日本-😀.parquet',
  'two..dots.parquet',
  'quote\'and"quotes.parquet',
  'hash#question?semi;.parquet',
];

/** Folders of a test file: a corpus of Parquet files, models that give back what they are fed, and room for outputs. */
export interface Corpus {
  readonly folder: string;
  /** `<data>/<case>/*.parquet` */
  readonly data: string;
  model(name: string): { readonly uri: string; readonly sha256: string };
}

/** Makes groups of the corpus (see test/python/make_parquet.py) in a folder of the caller. */
export async function makeCorpus(folder: string, group: string, cases: readonly string[] = []): Promise<Corpus> {
  const data = join(folder, 'data');
  const models = join(folder, 'models');
  await Promise.all([runPython('make_parquet.py', [data, group, ...cases]), runPython('make_identity.py', [models])]);
  const model = (name: string) => ({
    uri: join(models, `${name}.onnx`),
    sha256: sha256Of(join(models, `${name}.onnx`)),
  });
  return { folder, data, model };
}

export function casesOf(corpus: Corpus): string[] {
  return readdirSync(corpus.data).sort();
}

/** How the run of one case ended, and where its output is. */
export interface CaseOutcome {
  readonly output: string;
  readonly state: string;
  readonly runId: string;
  /** Of a run that was committed. */
  readonly done: {
    readonly rows: number;
    readonly rejected: number;
    readonly rejectsByRule: Readonly<Record<string, number>>;
  } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Files that the plan left out; -1 without a plan. */
  readonly skipped: number;
}

export interface CasesRun {
  readonly result: CliResult;
  of(name: string): CaseOutcome;
}

/** Runs cases by one call of the command line, each as a partition: `input` is the job's with `{partition}` in its URI. */
export async function runCases(
  corpus: Corpus,
  name: string,
  cases: readonly string[],
  job: Readonly<Record<string, unknown>>,
): Promise<CasesRun> {
  const folder = join(corpus.folder, 'out', name);
  const path = writeJob(
    corpus.folder,
    {
      input: { uri: join(corpus.data, '{partition}/*.parquet') },
      partitions: { values: cases },
      output: { uri: join(folder, '{partition}'), lineage: false },
      execution: { scorers: 1 },
      ...job,
    },
    `${name}.yaml`,
  );
  const result = await prescore(['run', path, '--json']);
  return { result, of: (partition) => outcomeOf(result, folder, partition) };
}

function outcomeOf(result: CliResult, folder: string, partition: string): CaseOutcome {
  const own = result.events.filter((e) => e['partition'] === partition);
  const done = own.find((e) => e['event'] === 'done') ?? null;
  const failed = own.find((e) => e['event'] === 'failed') ?? null;
  const planned = own.find((e) => e['event'] === 'planned');
  if (done === null && failed === null) throw new TypeError(`no outcome of ${partition}: ${result.stderr}`);
  return {
    output: join(folder, partition),
    state: join(folder, '_prescore'),
    runId: String(planned?.['runId'] ?? ''),
    done: done as CaseOutcome['done'],
    error: (failed?.['error'] ?? null) as CaseOutcome['error'],
    skipped: Number(planned?.['skipped'] ?? -1),
  };
}

/** Names in an output folder that a reader would see. */
export function visibleIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => !/^[._]/.test(name) || name === '_SUCCESS') : [];
}

/** All entries of the rejects of a run. */
export async function rejectsOf(outcome: CaseOutcome): Promise<Record<string, unknown>[]> {
  const folder = join(outcome.state, 'runs', outcome.runId, 'rejects');
  if (!existsSync(folder)) return [];
  const entries: Record<string, unknown>[] = [];
  for (const name of readdirSync(folder).sort()) entries.push(...(await readParquet(join(folder, name))));
  return entries;
}
