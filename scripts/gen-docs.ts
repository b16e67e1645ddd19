/**
 * Writes the documents that are made from data: the pages and schemas of the job, serve and stream files and of certificates, `docs/errors.md`, `docs/formats.md`, and the tables
 * of wings and rooms in `ARCHITECTURE.md`. With `--check` it writes nothing and fails when one of them is not what it would write.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES, type ErrorEntry } from '../src/base/errors/error-codes.ts';
import { FILE_KINDS, type FileKind } from '../src/base/formats/file-kinds.ts';
import { tableAdvice } from '../src/data/duckdb/foreign-table.ts';
import { schemeAdvice } from '../src/data/object-store/foreign-schemes.ts';
import { CERTIFICATE_SHAPE } from '../src/job/fields/certificate-fields.ts';
import type { Field, ObjectShape } from '../src/job/fields/field.ts';
import { JOB_SHAPE } from '../src/job/fields/job-fields.ts';
import { jsonSchemaOf } from '../src/job/fields/json-schema.ts';
import { sayShape } from '../src/job/fields/say-shape.ts';
import { SERVE_SHAPE } from '../src/job/fields/serve-fields.ts';
import { STREAM_SHAPE } from '../src/job/fields/stream-fields.ts';
import { modelAdvice } from '../src/model/onnx/foreign-model.ts';
import { folderAdvice } from '../src/run/plan/table-folder.ts';
import { WINGS } from './house-plan.ts';

const GENERATED = 'Made by `scripts/gen-docs.ts`. Do not edit: change the data and run it again.';

/** A whole job file; a test parses it. */
export const EXAMPLE_JOB = `prescore: 1
name: flight-delay
model:
  uri: ../fixtures/flights/delay_lgbm.onnx
  version: "2013.1"
  sha256: ${'0123456789abcdef'.repeat(4)}
input:
  uri: ../fixtures/flights/month={partition}/*.parquet
partitions: { values: ["01", "02"] }
features:
  input: { columns: [month, day, distance] }
outputs:
  prediction: label
  probability: { tensor: probabilities, index: 1 }
id: [flight_id]
passthrough: [event_time]
output: { uri: "../out/flight-delay/month={partition}", compression: zstd, lineage: true }
execution: { scorers: auto, memory: 1GiB, device: cpu }
rejects: { limit: 0 }
`;

const JOB_FILE_INTRO = `# The job file

${GENERATED}

A job file says what to score, with which model, and where the predictions go. It is YAML 1.2 or JSON, at most 1 MiB and
32 levels deep. All problems are told at once, each with its line, and an unknown key is refused. An editor can use
[job.schema.json](job.schema.json).

\`\`\`yaml
${EXAMPLE_JOB}\`\`\`

- **Paths** are relative to the file; \`file:///abs/path\` and \`s3://bucket/key\` work as well.
- **\`{partition}\`** in \`input.uri\` and \`output.uri\` is the only placeholder. Nothing else is expanded: no environment
  variables, no \`\${…}\`.
- **Credentials** are never part of the file, which is kept in run records: a key such as \`secretKey\`, or
  \`user:password@\` in a URL, is refused. They come from the environment.
- **Durations** are \`500ms\`, \`60s\`, \`10m\`, \`72h\`, \`7d\`; **sizes** \`64MB\`, \`512MiB\`, \`1.5GiB\` or a number of bytes.
- **Texts that look like numbers** (\`"01"\`, \`"2013.1"\`) need quotes; they are never turned into text for you.
- **A key with a question mark** (\`columns?:\`) is a question of a draft by [init](init.md): the file is refused until somebody has
  answered it and taken the question mark off.
- No custom tags, merge keys (\`<<\`), duplicate keys or second document. Anchors and aliases work, within limits.
`;

/** `docs/job-file.md`. */
export function jobFilePage(): string {
  return filePage(JOB_FILE_INTRO, JOB_SHAPE);
}

/** A page of a file format: the introduction, then a table of keys per level. */
function filePage(intro: string, shape: ObjectShape): string {
  const sections = [section('The file', '', shape)];
  for (const [key, { type, doc }] of Object.entries<Field>(shape.fields)) {
    if (type.kind === 'object') sections.push(...objectSections(key, doc, type));
    if (type.kind === 'list' && type.of.kind === 'object') {
      sections.push(section(`\`${key}\`: each entry`, doc, type.of));
    }
    if (type.kind === 'map' && type.of.kind === 'object') {
      sections.push(section(`\`${key}\`: each entry`, `${doc} Maps ${type.keysSay}.`, type.of));
      sections.push(...innerSections(`${key}.<name>`, type.of));
    }
  }
  return [intro, ...sections].join('\n');
}

function objectSections(key: string, doc: string, shape: ObjectShape): string[] {
  return [section(`\`${key}\``, doc, shape), ...innerSections(key, shape)];
}

function innerSections(key: string, shape: ObjectShape): string[] {
  return Object.entries<Field>(shape.fields).flatMap(([name, field]) =>
    field.type.kind === 'object' ? [section(`\`${key}.${name}\``, field.doc, field.type)] : [],
  );
}

/** `docs/job.schema.json`. */
export function jobSchemaText(): string {
  return `${JSON.stringify(jsonSchemaOf(JOB_SHAPE, 'prescore job file, version 1'), null, 2)}\n`;
}

/** A whole serve file; a test parses it. */
export const EXAMPLE_SERVE = `prescore-serve: 1
listen: { host: 127.0.0.1, port: 8080, metricsPort: 9090 }
sets:
  flight-delay:
    store: redis://localhost:6379/0
    job: ../jobs/flight-delay.yaml
    order: [cache, live, stale, default]
    maxAge: 36h
    staleFor: 12h
    features: { from: request }
    default: { prediction: 0, probability: 0.2 }
    writeBack: { ttl: 10m }
batcher: { maxBatchRows: 256, deadline: 200ms }
auth: { keysFile: keys.json }
`;

const SERVE_FILE_INTRO = `# The serve file

${GENERATED}

A serve file says what \`prescore serve FILE\` answers, and how. It is read as a [job file](job-file.md) is: YAML 1.2 or JSON, paths
relative to the file, unknown keys refused, all problems told at once, credentials refused. [serve.md](serve.md) explains the
server. An editor can use [serve.schema.json](serve.schema.json). \`prescore serve FILE --check\` validates and ends.

\`\`\`yaml
${EXAMPLE_SERVE}\`\`\`
`;

/** `docs/serve-file.md`. */
export function serveFilePage(): string {
  return filePage(SERVE_FILE_INTRO, SERVE_SHAPE);
}

/** `docs/serve.schema.json`. */
export function serveSchemaText(): string {
  return `${JSON.stringify(jsonSchemaOf(SERVE_SHAPE, 'prescore serve file, version 1'), null, 2)}\n`;
}

/** A whole stream file; a test parses it. */
export const EXAMPLE_STREAM = `prescore-stream: 1
job: ../jobs/flight-delay.yaml
stream: { redis: "redis://localhost:6379/0", key: events, group: prescore }
event: { features: payload, time: event_time }
batch: { maxRows: 256, maxWait: 50ms }
deadLetter: events:dead
`;

const STREAM_FILE_INTRO = `# The stream file

${GENERATED}

A stream file says which events \`prescore stream FILE\` scores, and with which job. It is read as a [job file](job-file.md) is: YAML
1.2 or JSON, paths relative to the file, unknown keys refused, all problems told at once, credentials refused.
[stream.md](stream.md) explains the events and what happens to them. An editor can use [stream.schema.json](stream.schema.json).

\`\`\`yaml
${EXAMPLE_STREAM}\`\`\`
`;

/** `docs/stream-file.md`. */
export function streamFilePage(): string {
  return filePage(STREAM_FILE_INTRO, STREAM_SHAPE);
}

/** `docs/stream.schema.json`. */
export function streamSchemaText(): string {
  return `${JSON.stringify(jsonSchemaOf(STREAM_SHAPE, 'prescore stream file, version 1'), null, 2)}\n`;
}

const CERTIFICATE_INTRO = `# The certificate

${GENERATED}

What \`prescore certify\` writes, and what runs keep in the folder \`certificates\` of their state ([certify.md](certify.md)). It is JSON, for programs:
[certificate.schema.json](certificate.schema.json). In batches, numbers that JSON has not are texts: \`"NaN"\`, \`"Infinity"\`, \`"-Infinity"\`,
\`"-0"\`, and whole numbers beyond 2^53.
`;

/** `docs/certificate.md`. */
export function certificatePage(): string {
  return filePage(CERTIFICATE_INTRO, CERTIFICATE_SHAPE);
}

/** `docs/certificate.schema.json`. */
export function certificateSchemaText(): string {
  return `${JSON.stringify(jsonSchemaOf(CERTIFICATE_SHAPE, 'prescore certificate, version 1'), null, 2)}\n`;
}

const EXITS: Readonly<Record<number, string>> = {
  2: 'usage and job file',
  4: 'input data',
  5: 'model',
  6: 'store out of reach; the run can be resumed',
  7: 'another owner',
  8: 'over a limit',
  70: 'internal',
  130: 'interrupted; the run can be resumed',
};

/** `docs/errors.md`. */
export function errorsPage(): string {
  const entries: readonly (readonly [string, ErrorEntry])[] = Object.entries(ERROR_CODES);
  const exits = [...new Set(entries.map(([, entry]) => entry.exit))].sort((a, b) => a - b);
  const sections = exits.map((exit) => {
    const rows = entries
      .filter(([, entry]) => entry.exit === exit)
      .map(([code, e]) => row([`\`${code}\``, e.meaning, e.fix, e.retryable ? 'yes' : 'no']));
    return `## Exit code ${exit}: ${EXITS[exit] ?? 'other'}\n\n${table(['Code', 'Meaning', 'What to do', 'Retried'], rows)}\n`;
  });
  return `# Errors

${GENERATED}

Every error has a stable code; match on it, not on the message. At the command line an error is one line on stderr, and with
\`--json\` an object. "Retried" says whether the same step is tried again by itself.

${sections.join('\n')}`;
}

const FORMATS_INTRO = `# Models and tables of other tools

${GENERATED}

prescore scores ONNX models, and models of LightGBM, XGBoost and CatBoost as they were saved ([trees.md](trees.md)), over tables in
Parquet, Arrow, CSV and JSONL. What something else is, is told by its bytes, wherever it is named: in \`init\`, in a job, in \`serve\` and in a model folder. The message holds the line that converts it.
`;

const PLACES = [
  'gs://BUCKET/PATH',
  'https://storage.googleapis.com/BUCKET/PATH',
  'https://BUCKET.s3.REGION.amazonaws.com/PATH',
  'https://HOST/PATH',
  'abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH',
  'hdfs://HOST/PATH',
  'dbfs:/PATH',
  'hf://datasets/OWNER/NAME',
  's3a://BUCKET/PATH',
  'r2://BUCKET/PATH',
  'oss://BUCKET/PATH',
];

/** The lines in a piece of advice, as code. */
function inCode(text: string): string {
  const lines =
    /(python -c "[^"]*"|python -m .*|torch\.onnx\.export\(.*\)|Rscript -e .*|(stores: )?\{ main: .*?\} \}|optimum-cli [^,]*|(azcopy|curl|hdfs|databricks|hf|gcloud) [a-z-].*)/g;
  return text.replace(lines, '`$&`');
}

/** `docs/formats.md`. */
export function formatsPage(): string {
  const kinds = Object.keys(FILE_KINDS) as FileKind[];
  const rows = (advice: (kind: FileKind, file: string) => string | null, skip: RegExp): string[] =>
    kinds.flatMap((kind) => {
      const text = advice(kind, 'FILE');
      return text === null || skip.test(text) ? [] : [row([FILE_KINDS[kind], inCode(text)])];
    });
  const places = PLACES.map((place) => {
    const scheme = place.slice(0, place.indexOf(':'));
    return row([`\`${place}\``, inCode(schemeAdvice(scheme, place).fix)]);
  });
  return `${FORMATS_INTRO}
## Model files

${table(['What it is', 'What to do'], rows(modelAdvice, /^It is a table/))}

## Tables

${table(['What it is', 'What to do'], rows(tableAdvice, /^It is a model/))}

## Folders with a log

The files of such a folder also hold rows that were deleted or replaced, so it is refused, by \`init\` and by every run. Naming a file
reads that file. The log of a Delta table is read: [delta.md](delta.md).

${table(
  ['What it is', 'Its rows as plain Parquet'],
  folderAdvice('TABLE').map(([says, line]) => row([says, inCode(line)])),
)}

## Places

${table(['Place', 'What to do'], places)}
`;
}

function section(title: string, doc: string, shape: ObjectShape): string {
  const rows = Object.entries<Field>(shape.fields).map(([key, field]) =>
    row([`\`${key}\``, takes(field), defaultOf(shape, key, field), field.doc, `\`${key}: ${field.example}\``]),
  );
  const choice = shape.choose?.map(({ needs }) => needs.map((key) => `\`${key}\``).join(' + ')).join(', or ');
  const notes = [doc, choice === undefined ? '' : `Exactly one of: ${choice}.`].filter((text) => text !== '').join(' ');
  return `## ${title}\n\n${notes === '' ? '' : `${notes}\n\n`}${table(['Key', 'Takes', 'Default', 'Meaning', 'Example'], rows)}\n`;
}

function takes(field: Field): string {
  return `${sayShape(field.type)}${field.unit === undefined ? '' : ` (${field.unit})`}`;
}

function defaultOf(shape: ObjectShape, key: string, field: Field): string {
  if (field.required || shape.choose?.some(({ needs }) => needs.includes(key)))
    return field.required ? '**required**' : '–';
  if (field.defaultSays !== undefined) return field.defaultSays;
  return field.default === undefined
    ? 'none'
    : `\`${typeof field.default === 'string' ? field.default : JSON.stringify(field.default)}\``;
}

function table(heads: readonly string[], rows: readonly string[]): string {
  return [row(heads), row(heads.map(() => '---')), ...rows].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** `ARCHITECTURE.md` with its tables as the plan of the house has them. */
export function architecturePage(page: string): string {
  const wings = WINGS.map(({ name, story }) => `- **\`${name}/\`** ${story}`);
  const wingOf = (room: string): string => room.split('/')[0]!;
  const rooms = WINGS.flatMap((wing) => wing.rooms).map(({ path, holds, may }) => {
    // Nearly every room has these two, and only the others say something.
    const others = may.filter((room) => room !== 'base/errors' && room !== 'base/contract');
    const own = others.map((room) => (wingOf(room) === wingOf(path) ? room.split('/')[1]! : room));
    return `| \`${path}\` | ${holds} | ${own.join(', ')} |`;
  });
  const table = [
    '| room | holds | may import, beside `base/errors` and `base/contract` |',
    '| --- | --- | --- |',
    ...rooms,
  ];
  return between(between(page, 'wings', wings.join('\n')), 'rooms', table.join('\n'));
}

function between(page: string, name: string, text: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(open), page.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`no ${open} … ${close}`);
  return `${page.slice(0, from + open.length)}\n${text}\n${page.slice(to)}`;
}

/** Every generated document: its path from the repository's root, and its text. */
export function generatedDocs(): Readonly<Record<string, string>> {
  return {
    'docs/job-file.md': jobFilePage(),
    'docs/job.schema.json': jobSchemaText(),
    'docs/serve-file.md': serveFilePage(),
    'docs/serve.schema.json': serveSchemaText(),
    'docs/stream-file.md': streamFilePage(),
    'docs/stream.schema.json': streamSchemaText(),
    'docs/certificate.md': certificatePage(),
    'docs/certificate.schema.json': certificateSchemaText(),
    'docs/errors.md': errorsPage(),
    'docs/formats.md': formatsPage(),
    'ARCHITECTURE.md': architecturePage(readOrNull(onDisk('ARCHITECTURE.md')) ?? ''),
  };
}

/** Those that are not on disk as they would be written. */
export function driftedDocs(): readonly string[] {
  return Object.entries(generatedDocs()).flatMap(([path, text]) => (readOrNull(onDisk(path)) === text ? [] : [path]));
}

function onDisk(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function main(args: readonly string[]): void {
  const drifted = driftedDocs();
  if (args.includes('--check')) {
    for (const path of drifted) console.error(`${path} is out of date: run scripts/gen-docs.ts`);
    process.exitCode = drifted.length === 0 ? 0 : 1;
    return;
  }
  mkdirSync(onDisk('docs'), { recursive: true });
  const docs = generatedDocs();
  for (const path of drifted) {
    writeFileSync(onDisk(path), docs[path] ?? '');
    console.log(`wrote ${path}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
