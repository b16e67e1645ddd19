/**
 * The job file, version 1, as data: every key with its shape, default and documentation. The validator, the JSON Schema,
 * `docs/job-file.md` and the type of a checked file all come from this table; no default stands anywhere else.
 */
import { FEATURE, OUTPUT_COLUMN } from './binding-fields.ts';
import type { ObjectShape, Value } from './field.ts';
import { PREDICTIONS } from './prediction-fields.ts';
import { EXECUTION, OUTPUT, REJECTS } from './run-fields.ts';
import { NOTIFY, SCHEDULE } from './schedule-fields.ts';
import { INPUT, MODEL, PARTITIONS, STORE } from './source-fields.ts';

/** The version that this package reads. A newer file is refused with SPEC_VERSION. */
export const JOB_VERSION = 1;

const COLUMN_LIST = { kind: 'list', of: { kind: 'text', rule: 'column' }, min: 0, max: 10_000, unique: true } as const;

export const JOB_SHAPE = {
  kind: 'object',
  fields: {
    prescore: {
      type: { kind: 'integer', min: JOB_VERSION, max: JOB_VERSION },
      required: true,
      doc: 'Version of this format.',
      example: '1',
    },
    name: {
      type: { kind: 'text', rule: 'name' },
      required: true,
      doc: 'Name of the job; part of run ids. Two jobs that share a `state` need two names.',
      example: 'flight-delay',
    },
    stores: {
      type: { kind: 'map', keys: 'name', keysSay: 'store name to store', of: STORE, min: 0 },
      default: {},
      doc: 'S3-compatible stores. Where none is named `main`, `s3://` means the store of `PRESCORE_S3_ENDPOINT` and `PRESCORE_S3_REGION`, else AWS as the environment configures it.',
      example: '{ main: { endpoint: "http://127.0.0.1:9000", region: us-east-1, pathStyle: true } }',
    },
    state: {
      type: { kind: 'uri', placeholder: false, glob: false },
      defaultSays: '`_prescore` in the output path before its first segment with a placeholder',
      doc: 'Folder of the run records: plans, chunk records, manifests.',
      example: '../out/_prescore',
    },
    registry: {
      type: { kind: 'uri', placeholder: false, glob: false },
      defaultSays: 'the environment variable `PRESCORE_REGISTRY`',
      doc: 'Folder or prefix of the registry that `model.ref` is looked up in.',
      example: 's3://models/registry',
    },
    model: { type: MODEL, required: true, doc: 'The model.', example: '{ uri: model.onnx }' },
    input: { type: INPUT, required: true, doc: 'The table to score.', example: '{ uri: data/*.parquet }' },
    partitions: {
      type: PARTITIONS,
      defaultSays: 'one run scores everything',
      doc: 'Divides the table; each partition is a run of its own. Its value stands for `{partition}` in `input.uri` and `output.uri`.',
      example: '{ values: ["01", "02"] }',
    },
    where: {
      type: { kind: 'text', rule: 'expression' },
      defaultSays: 'every row is scored',
      doc: 'SQL that is true for the rows to score; the others are counted as filtered ([expressions.md](expressions.md)).',
      example: '"distance > 0 and carrier is not null"',
    },
    columns: {
      type: {
        kind: 'map',
        keys: 'column',
        keysSay: 'column name to SQL over the source columns',
        of: { kind: 'text', rule: 'expression' },
        min: 1,
      },
      doc: 'Columns that are computed row by row, for `features`, `id` and `passthrough` ([expressions.md](expressions.md)). `as_of` is the time of the run.',
      example: `{ age: "date_diff('day', birth, as_of)" }`,
    },
    features: {
      type: { kind: 'map', keys: 'tensor', keysSay: 'input tensor to columns or value', of: FEATURE, min: 1 },
      defaultSays: 'every input of the model is the column of its name',
      doc: 'How columns become inputs of the model.',
      example: '{ input: { columns: [month, day, distance] } }',
    },
    outputs: {
      type: { kind: 'map', keys: 'column', keysSay: 'prediction column to output tensor', of: OUTPUT_COLUMN, min: 1 },
      defaultSays: 'every tensor output of the model under its own name',
      doc: 'How outputs of the model become columns, in this order.',
      example: '{ prediction: label, probability: { tensor: probabilities, index: 1 } }',
    },
    id: {
      type: { ...COLUMN_LIST, oneAllowed: true },
      default: [],
      doc: 'Columns that name a row; copied to the output and into the rejects.',
      example: '[flight_id]',
    },
    passthrough: {
      type: { ...COLUMN_LIST, oneAllowed: true },
      default: [],
      doc: 'Further columns that are copied to the output.',
      example: '[event_time]',
    },
    output: { type: OUTPUT, required: true, doc: 'Where predictions go.', example: '{ uri: out/flight-delay }' },
    predictions: {
      type: PREDICTIONS,
      defaultSays: 'predictions are not published',
      doc: 'Publishes the predictions for lookups by key.',
      example: '{ store: "lmdb:../out/predictions", key: flight_id }',
    },
    execution: { type: EXECUTION, default: {}, doc: 'How the work is done.', example: '{ memory: 4GiB }' },
    rejects: {
      type: REJECTS,
      default: {},
      doc: 'Rows that cannot be scored are set aside with a reason.',
      example: '{ limit: 100 }',
    },
    schedule: {
      type: SCHEDULE,
      defaultSays: '`prescore schedule` passes over the job',
      doc: 'When `prescore schedule` runs the job.',
      example: '{ cron: "0 2 * * *", timezone: Europe/Berlin }',
    },
    notify: {
      type: { kind: 'list', of: NOTIFY, min: 0, max: 20 },
      default: [],
      doc: 'Webhooks that are told of the end of a run.',
      example: '[{ url: "https://hooks.example.org/prescore", secretEnv: HOOK_SECRET, on: [failed] }]',
    },
  },
} as const satisfies ObjectShape;

/** A checked job file before it is compiled into a Job. */
export type JobFile = Value<typeof JOB_SHAPE>;
