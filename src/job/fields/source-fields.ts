import type { ObjectShape } from './field.ts';

/** One entry of `stores` in the job file. */
export const STORE = {
  kind: 'object',
  fields: {
    endpoint: {
      type: { kind: 'text', rule: 'endpoint' },
      defaultSays: 'the endpoint of AWS for the region',
      doc: 'Where the store answers. Credentials come from the environment, never from here or from the URL.',
      example: '"http://127.0.0.1:9000"',
    },
    region: {
      type: { kind: 'text', rule: 'region' },
      defaultSays: 'from the environment',
      doc: 'The region that requests are signed for.',
      example: 'us-east-1',
    },
    pathStyle: {
      type: { kind: 'flag' },
      default: false,
      doc: 'Puts the bucket into the path (`host/bucket/key`) instead of the host name; most stores other than AWS need it.',
      example: 'true',
    },
    buckets: {
      type: { kind: 'list', of: { kind: 'text', rule: 'bucket' }, min: 0, max: 1000, unique: true },
      default: [],
      doc: 'The buckets that this store serves. `main` has none and serves all others.',
      example: '[archive]',
    },
  },
} as const satisfies ObjectShape;

const BACKGROUND = {
  kind: 'object',
  fields: {
    uri: {
      type: { kind: 'uri', placeholder: false, glob: false },
      required: true,
      doc: 'A Parquet file with the columns that feed the model, of 1 to 100 rows: a sample of the training rows.',
      example: 'background.parquet',
    },
    sha256: {
      type: { kind: 'text', rule: 'sha256' },
      required: true,
      doc: 'Pins its bytes.',
      example: `${'0123456789abcdef'.repeat(4)}`,
    },
  },
} as const satisfies ObjectShape;

/** `model` of the job file. */
export const MODEL = {
  kind: 'object',
  choose: [
    { needs: ['uri'], may: ['name', 'version', 'sha256'] },
    { needs: ['ref'], may: [] },
  ],
  fields: {
    uri: {
      type: { kind: 'uri', placeholder: false, glob: false },
      doc: 'The ONNX file, or the file of a tree trainer.',
      example: '../fixtures/flights/delay_lgbm.onnx',
    },
    ref: {
      type: { kind: 'text', rule: 'modelRef' },
      doc: 'A version in a registry, in place of `uri`: by label, by number or by digest. It is looked up when a run is planned, and name, version and sha256 are what the registry says ([registry.md](registry.md#in-a-job)).',
      example: 'delay@production',
    },
    name: {
      type: { kind: 'text', rule: 'text' },
      defaultSays: 'the file name of the model without its ending',
      doc: 'Written into lineage columns and manifests.',
      example: 'delay_lgbm',
    },
    version: {
      type: { kind: 'text', rule: 'text' },
      doc: 'Written into lineage columns and manifests. A text: quote what looks like a number.',
      example: '"2013.1"',
    },
    sha256: {
      type: { kind: 'text', rule: 'sha256' },
      doc: 'Pins the bytes of the model; a damaged model often still runs. Needed, unless a trial is run with `--allow-unpinned`.',
      example: `${'0123456789abcdef'.repeat(4)}`,
    },
    background: {
      type: BACKGROUND,
      defaultSays: 'what the file of the model says of its training rows',
      doc: 'Rows beside which `explain` explains (interventional TreeSHAP): what is not known of a row is taken from them. Trees in ONNX need it.',
      example: `{ uri: background.parquet, sha256: ${'0123456789abcdef'.repeat(4)} }`,
    },
  },
} as const satisfies ObjectShape;

/** `input.csv` of the job file. */
export const CSV = {
  kind: 'object',
  fields: {
    delimiter: {
      type: { kind: 'text', rule: 'delimiter' },
      defaultSays: 'the one of `,` `;` tab `|` that divides the first lines alike',
      doc: 'What stands between two fields: one character, or `tab`.',
      example: '";"',
    },
    quote: {
      type: { kind: 'text', rule: 'csvQuote' },
      default: '"',
      doc: 'What a field stands in that holds delimiters or line breaks; inside it is written twice. `none`: no character is special.',
      example: '"\'"',
    },
    escape: {
      type: { kind: 'text', rule: 'csvEscape' },
      doc: 'A character that makes the next one an ordinary one.',
      example: '"\\\\"',
    },
    header: {
      type: { kind: 'flag' },
      defaultSays: 'true, but false where `names` are given',
      doc: 'Whether the first line holds names. With `names` it is then passed over.',
      example: 'false',
    },
    names: {
      type: { kind: 'list', of: { kind: 'text', rule: 'column' }, min: 1, max: 20_000, unique: true },
      defaultSays: 'the fields of the first line',
      doc: 'The names of all columns, in order.',
      example: '[flight_id, month, distance]',
    },
    nulls: {
      type: { kind: 'list', of: { kind: 'text', rule: 'csvNull' }, min: 0, max: 20, oneAllowed: true, unique: true },
      default: [],
      doc: 'Texts that stand for null where they are not quoted. An empty field always does.',
      example: '[NA, "null"]',
    },
    decimal: {
      type: { kind: 'word', values: ['.', ','] },
      default: '.',
      doc: 'What stands before the fraction of a number.',
      example: '","',
    },
    dateFormat: {
      type: { kind: 'text', rule: 'dateFormat' },
      defaultSays: 'ISO 8601: 2013-01-31',
      doc: 'How dates are written: `%Y` `%m` `%d` and plain text.',
      example: '"%d.%m.%Y"',
    },
    timestampFormat: {
      type: { kind: 'text', rule: 'timestampFormat' },
      defaultSays: 'ISO 8601: 2013-01-31T23:59:59',
      doc: 'How times without a zone are written: `%Y` `%m` `%d` `%H` `%M` `%S` `%f` and plain text.',
      example: '"%d/%m/%Y %H:%M"',
    },
  },
} as const satisfies ObjectShape;

/** `input` of the job file. */
export const INPUT = {
  kind: 'object',
  fields: {
    uri: {
      type: {
        kind: 'list',
        of: { kind: 'uri', placeholder: true, glob: true },
        min: 1,
        max: 1000,
        oneAllowed: true,
        unique: true,
      },
      required: true,
      doc: 'The files to score. `*` and `?` stay within one path segment, `**` spans segments, a closing `/` means everything below. Where a segment is matched, names that start with `_` or `.`, names that end in `.crc` and empty folder markers are passed over.',
      example: '"../fixtures/flights/month={partition}/*.parquet"',
    },
    format: {
      type: { kind: 'word', values: ['auto', 'parquet', 'arrow', 'csv', 'jsonl'] },
      default: 'auto',
      doc: 'What the files are; `auto` looks at their first bytes, then at their names. `arrow` is the IPC file or stream format, `jsonl` one JSON object a line. Text files may be packed by gzip or zstd ([text-files.md](text-files.md)).',
      example: 'parquet',
    },
    csv: {
      type: CSV,
      defaultSays: 'a header, the delimiter that the first lines show, `"` for quotes',
      doc: 'How CSV files are written, where their first lines do not say it.',
      example: '{ delimiter: ";", decimal: ",", nulls: [NA] }',
    },
    schema: {
      type: {
        kind: 'map',
        keys: 'column',
        keysSay: 'column name to type',
        of: { kind: 'text', rule: 'columnType' },
        min: 1,
      },
      doc: 'Types of the source columns: of text files, which are guessed of the first lines where they are not said here, and for live inference before the first run.',
      example: '{ month: float, carrier: string }',
    },
    table: {
      type: { kind: 'word', values: ['delta'] },
      defaultSays: 'a folder with a `_delta_log` is read as a Delta table, any other as files',
      doc: 'What keeps a log of the files that count: the URI names the folder of a Delta table, or partitions of it, and a folder that is none is an error ([delta.md](delta.md)).',
      example: 'delta',
    },
    version: {
      type: { kind: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER },
      defaultSays: 'the newest when the run is planned',
      doc: 'The version of the Delta table to read; says as well that it is one.',
      example: '12',
    },
    pathColumns: {
      type: {
        kind: 'map',
        keys: 'column',
        keysSay: 'path key to type',
        of: { kind: 'text', rule: 'pathType' },
        min: 0,
      },
      default: {},
      doc: 'Folders `key=value` of the path that become columns. Only these do: a folder name never replaces a column of the file.',
      example: '{ month: int32 }',
    },
    onBadFile: {
      type: { kind: 'word', values: ['fail', 'skip'] },
      default: 'fail',
      doc: 'What to do with a file that cannot be read, or whose columns do not go with those of most files. `skip` leaves it out of the plan and says so.',
      example: 'skip',
    },
    lossy: {
      type: { kind: 'flag' },
      default: false,
      doc: 'Accepts columns whose values would change on the way: zoned nanoseconds, INT96 below a microsecond, durations.',
      example: 'true',
    },
  },
} as const satisfies ObjectShape;

/** `partitions` of the job file. */
export const PARTITIONS = {
  kind: 'object',
  choose: [
    { needs: ['values'], may: [] },
    { needs: ['every', 'format', 'start'], may: [] },
  ],
  fields: {
    values: {
      type: { kind: 'list', of: { kind: 'text', rule: 'partition' }, min: 1, max: 20_000, unique: true },
      doc: 'The partitions, listed. Texts: quote what looks like a number.',
      example: '["01", "02"]',
    },
    every: {
      type: { kind: 'word', values: ['hour', 'day', 'month'] },
      doc: 'One partition for each hour, day or month, in UTC.',
      example: 'day',
    },
    format: {
      type: { kind: 'text', rule: 'timeFormat' },
      doc: 'How the start of a partition becomes its value: `%Y` `%m` `%d` `%H` and plain text.',
      example: '"%Y-%m-%d"',
    },
    start: {
      type: { kind: 'text', rule: 'instant' },
      doc: 'The start of the first partition, in UTC.',
      example: '2013-01-01',
    },
  },
} as const satisfies ObjectShape;
