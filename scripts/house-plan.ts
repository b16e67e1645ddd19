/**
 * The plan of the house: wings from the ground up, the rooms in each, what a room holds and which rooms it may import.
 * ARCHITECTURE.md shows it; `house-rules.ts` holds the sources to it.
 */
export interface Wing {
  readonly name: string;
  /** What the wing does, in one sentence. */
  readonly story: string;
  readonly rooms: readonly Room[];
}

export interface Room {
  /** Its folder, such as `data/arrow`. Files directly in a wing are a room of the wing's name, where there are any. */
  readonly path: string;
  readonly holds: string;
  /** Rooms of this wing or of wings below. */
  readonly may: readonly string[];
}

const BASE = ['base/errors', 'base/contract'] as const;
const SETS = [...BASE, 'sets/prediction-set'] as const;

/** From the ground up: a wing may import from itself and from the wings before it. */
export const WINGS: readonly Wing[] = [
  {
    name: 'base',
    story: 'What everything stands on: errors, interfaces, local files, the heap, words and figures for people.',
    rooms: [
      { path: 'base/errors', holds: 'the one table of codes, `PrescoreError`', may: [] },
      {
        path: 'base/contract',
        holds: 'interfaces and plain data: ObjectStore, Job, Plan, Binding, records, events',
        may: ['base/errors'],
      },
      { path: 'base/disk', holds: 'local files: digest, writes that survive a loss of power', may: [] },
      {
        path: 'base/formats',
        holds: 'what a file is by its bytes: tables, models of other tools, what is packed',
        may: [],
      },
      { path: 'base/lanes', holds: 'tasks under way together: so many, and so heavy, at a time', may: [] },
      { path: 'base/heap', holds: "what V8's garbage collector is not to be misled by", may: [] },
      {
        path: 'base/telemetry',
        holds: 'progress line, structured logs, metrics, health server, named points for crash proofs',
        may: BASE,
      },
    ],
  },
  {
    name: 'job',
    story: 'A file becomes a job, and a job and a time become slots; pure.',
    rooms: [
      {
        path: 'job/values',
        holds: 'how single values are written: times, durations, sizes, cron, globs, templates, endpoints',
        may: ['base/contract'],
      },
      {
        path: 'job/tree',
        holds: 'YAML text as a tree that knows its lines; the issues that point into it',
        may: ['base/errors'],
      },
      {
        path: 'job/fields',
        holds: 'the formats of job, serve and stream files as data, and JSON Schemas made from it',
        may: ['base/contract', 'job/values'],
      },
      {
        path: 'job/draft',
        holds: 'the text of a job file that init writes, and what the folders of an input say',
        may: ['base/errors'],
      },
      { path: 'job/slots', holds: 'partitions, run ids, folders, fingerprints', may: [...BASE, 'job/values'] },
      {
        path: 'job/lint',
        holds: 'what is well formed and still wrong',
        may: ['base/contract', 'job/values', 'job/tree', 'job/slots'],
      },
      {
        path: 'job/parse',
        holds: 'a text checked against its format and compiled',
        may: [...BASE, 'job/values', 'job/tree', 'job/fields', 'job/slots', 'job/lint'],
      },
    ],
  },
  {
    name: 'data',
    story: 'Bytes of a store become columns, and columns become Parquet.',
    rooms: [
      {
        path: 'data/object-store',
        holds: 'what all stores share: addresses, options, retries, ranges of bytes',
        may: BASE,
      },
      { path: 'data/file-store', holds: '`ObjectStore` over local files', may: [...BASE, 'data/object-store'] },
      { path: 'data/s3-store', holds: '`ObjectStore` over S3', may: [...BASE, 'data/object-store', 'data/file-store'] },
      {
        path: 'data/parquet',
        holds: 'footers, page headers, flat columns of numbers, sparse and joined scratch files',
        may: [...BASE, 'data/object-store'],
      },
      {
        path: 'data/arrow',
        holds: 'Arrow IPC: messages, schemas, where the batches lie',
        may: [...BASE, 'data/object-store'],
      },
      {
        path: 'data/arrow-values',
        holds: 'Arrow buffers become values, and a Parquet file that DuckDB reads',
        may: ['base/errors', 'data/arrow'],
      },
      {
        path: 'data/text',
        holds: 'CSV and JSONL: what the first lines say, and records that become a Parquet file',
        may: [...BASE, 'data/object-store', 'data/arrow-values'],
      },
      {
        path: 'data/duckdb',
        holds: 'DuckDB: decoding slices, encoding parts, describing inputs',
        may: [
          ...BASE,
          'base/formats',
          'base/heap',
          'data/object-store',
          'data/parquet',
          'data/arrow',
          'data/arrow-values',
          'data/text',
        ],
      },
    ],
  },
  {
    name: 'model',
    story: 'What scores: a model file, the session that runs it, the device it runs on.',
    rooms: [
      {
        path: 'model/elements',
        holds: 'element types of tensors, their typed arrays, the batch axis, and what every loaded model can do',
        may: BASE,
      },
      {
        path: 'model/gpu',
        holds: 'the CUDA provider beside ONNX Runtime: installing it, its libraries, what is missing',
        may: ['base/errors', 'base/disk'],
      },
      {
        path: 'model/native',
        holds: "readers of the trainers' own files: LightGBM, XGBoost, CatBoost",
        may: ['base/errors', 'base/formats', 'model/elements', 'model/trees'],
      },
      {
        path: 'model/onnx',
        holds: 'reading ONNX files, refusals, devices, the session',
        may: [...BASE, 'base/disk', 'base/formats', 'model/elements', 'model/gpu'],
      },
      {
        path: 'model/trees',
        holds:
          'tree ensembles as plain arrays, read from ONNX operators, the plain way to score them, contributions of features',
        may: ['base/errors', 'base/formats'],
      },
      {
        path: 'model/about',
        holds: 'what a model file says of itself, read without running it',
        may: [...BASE, 'base/formats', 'model/onnx', 'model/trees', 'model/native'],
      },
      {
        path: 'model/tree-kernel',
        holds: 'WebAssembly that scores tree ensembles, made for the model',
        may: ['model/trees'],
      },
      {
        path: 'model/engine',
        holds: 'what evaluates a model: its trees by the kernel where that is exact and faster, else ONNX Runtime',
        may: [
          ...BASE,
          'base/disk',
          'base/formats',
          'model/elements',
          'model/onnx',
          'model/trees',
          'model/native',
          'model/tree-kernel',
        ],
      },
      {
        path: 'model/certify',
        holds: 'whether a row gets the same bits in every batch: trials, proofs, and batches shaped so that it does',
        may: [...BASE, 'base/formats', 'model/elements', 'model/trees', 'model/engine'],
      },
    ],
  },
  {
    name: 'registry',
    story: 'Which version of a model, who says so, and where it came from.',
    rooms: [
      {
        path: 'registry/store',
        holds: 'the layout: versions, labels as a hash chain, tombstones, garbage; put-if-absent only',
        may: [...BASE, 'base/disk', 'base/lanes', 'data/object-store'],
      },
      {
        path: 'registry/import',
        holds: 'models of other tools: MLflow over REST, MLmodel folders, Triton repositories',
        may: [...BASE, 'base/disk', 'base/formats', 'data/object-store', 'job/tree', 'model/onnx'],
      },
    ],
  },
  {
    name: 'scoring',
    story: 'Columns become feeds, and feeds become predictions, in children that may die.',
    rooms: [
      {
        path: 'scoring/tensor',
        holds: 'binding columns to tensors, packing feeds, reading fetches',
        may: [...BASE, 'data/duckdb', 'model/elements'],
      },
      {
        path: 'scoring/draft',
        holds: 'a first binding of a table to a model: what is sure, what is a guess, what is a question',
        may: [...BASE, 'job/values', 'data/duckdb', 'scoring/tensor'],
      },
      {
        path: 'scoring/thread',
        holds: 'batches through the session, in a thread of their own',
        may: [...BASE, 'base/heap', 'model/elements', 'model/onnx', 'model/engine', 'model/certify', 'scoring/tensor'],
      },
      {
        path: 'scoring/child',
        holds: 'the process that walks a chunk from bytes to a staged part',
        may: [
          ...BASE,
          'base/disk',
          'base/lanes',
          'data/object-store',
          'data/parquet',
          'data/arrow',
          'data/arrow-values',
          'data/text',
          'data/duckdb',
          'model/about',
          'model/certify',
          'scoring/tensor',
          'scoring/thread',
        ],
      },
      {
        path: 'scoring/bench',
        holds: 'one model in a process of its own: what it is and takes, and how a changed one differs from it',
        may: [
          ...BASE,
          'base/disk',
          'model/elements',
          'model/onnx',
          'model/engine',
          'model/about',
          'model/certify',
          'scoring/tensor',
          'scoring/thread',
          'scoring/child',
        ],
      },
      {
        path: 'scoring/pool',
        holds: 'the supervisor of children: spawning, watching, handing out chunks',
        may: [...BASE, 'model/certify', 'scoring/child'],
      },
    ],
  },
  {
    name: 'run',
    story: 'From a slot to a commit: plan, score, record, make visible.',
    rooms: [
      {
        path: 'run/ledger',
        holds: 'run records, certificates, leases, commit, manifest chain, verify, garbage',
        may: [...BASE, 'base/lanes', 'model/certify'],
      },
      {
        path: 'run/delta',
        holds: 'the log of a Delta table: which files count in a version, their partition values and columns',
        may: [...BASE, 'job/values', 'data/object-store', 'data/parquet', 'data/duckdb', 'run/ledger'],
      },
      {
        path: 'run/plan',
        holds: 'listing inputs, unifying schemas, cutting chunks',
        may: [...BASE, 'job/values', 'scoring/tensor', 'run/delta'],
      },
      {
        path: 'run/pipeline',
        holds: 'the steps of a run, in one process or shared',
        may: [
          ...BASE,
          'base/lanes',
          'base/telemetry',
          'job/values',
          'job/slots',
          'model/certify',
          // A label is followed where a slot is planned.
          'registry/store',
          'scoring/tensor',
          'scoring/child',
          'scoring/pool',
          'run/ledger',
          'run/plan',
        ],
      },
    ],
  },
  {
    name: 'sets',
    story: 'A commit becomes lookups by key.',
    rooms: [
      {
        path: 'sets/prediction-set',
        holds: 'the format: keys, pages, values, overlay entries, the state and its order',
        may: BASE,
      },
      { path: 'sets/lmdb', holds: 'sets in LMDB files', may: [...SETS, 'base/disk'] },
      {
        path: 'sets/redis',
        holds: 'sets in a Redis; the one connection to it',
        may: [...SETS, 'base/heap', 'base/lanes'],
      },
      { path: 'sets/reader', holds: '`openPredictions`: get and getMany over either store', may: SETS },
      {
        path: 'sets/publish',
        holds: 'committed parts to a new generation: spool, pages, check, flip, reclaim',
        may: [
          ...SETS,
          'base/telemetry',
          'job/values',
          'job/slots',
          'data/object-store',
          'data/parquet',
          'data/duckdb',
          'run/ledger',
        ],
      },
    ],
  },
  {
    name: 'fleet',
    story: 'Many runs, on many machines, on time.',
    rooms: [
      { path: 'fleet/notify', holds: 'webhooks: messages, signature, delivery', may: BASE },
      {
        path: 'fleet/schedule',
        holds: 'slots of cron in a zone, the pure step, shared records, timetables',
        may: [...BASE, 'base/telemetry', 'job/values', 'job/slots', 'run/ledger'],
      },
      {
        path: 'fleet/backfill',
        holds: 'ranges of partitions: record, log and state, partition map, driver',
        may: [...BASE, 'job/values', 'job/slots', 'run/ledger', 'run/plan', 'run/pipeline'],
      },
      {
        path: 'fleet/queue',
        holds: 'tasks over BullMQ: worker, reconciler, enqueueing and following runs',
        may: [
          ...BASE,
          'base/telemetry',
          'job/slots',
          'scoring/pool',
          'run/ledger',
          'run/plan',
          'run/pipeline',
          'sets/redis',
        ],
      },
    ],
  },
  {
    name: 'inference',
    story: 'A few rows while somebody waits, by the same model and the same casts.',
    rooms: [
      {
        path: 'inference/child',
        holds: 'the live scorer process, and the seat that keeps one running',
        may: [...BASE, 'base/heap', 'model/elements', 'model/onnx', 'model/engine', 'model/certify', 'scoring/thread'],
      },
      {
        path: 'inference/host',
        holds: 'models of a folder, their versions, and the queue that joins requests into batches',
        may: [...BASE, 'base/disk', 'base/formats', 'base/heap', 'model/elements', 'model/onnx', 'inference/child'],
      },
      {
        path: 'inference/job',
        holds: "a job's rows from JSON values: the types of its source columns, its binding, its outputs",
        may: [...BASE, 'data/duckdb', 'model/elements', 'scoring/tensor', 'sets/prediction-set'],
      },
    ],
  },
  {
    name: 'online',
    story: 'The endpoint: what is published by key, what is not by live inference, over HTTP, gRPC and streams.',
    rooms: [
      {
        path: 'online/http',
        holds: 'the server: connections, keys, limits, admission, errors',
        may: [...BASE, 'base/telemetry'],
      },
      {
        path: 'online/live',
        holds: 'the lane to the model behind a set, and the write-back of its answers',
        may: [...SETS, 'base/heap', 'sets/redis', 'online/http'],
      },
      {
        path: 'online/lookup',
        holds: "a set's order: store lane, breaker, live lane; the route of predictions",
        may: [...SETS, 'base/lanes', 'base/telemetry', 'sets/redis', 'sets/reader', 'online/http', 'online/live'],
      },
      {
        path: 'online/protocol',
        holds: 'V1 and V2 over one dataplane; the description of the API',
        may: [...BASE, 'model/elements', 'online/http'],
      },
      {
        path: 'online/grpc',
        holds: 'V2 over gRPC',
        may: [...BASE, 'base/telemetry', 'online/http', 'online/protocol'],
      },
      {
        path: 'online/stream',
        holds: 'events of a Redis Stream: micro-batches, overlay, dead letters',
        may: [...SETS, 'base/telemetry', 'job/values', 'sets/redis'],
      },
    ],
  },
  {
    name: 'cli',
    story: 'The commands, and the only place that builds adapters.',
    rooms: [
      {
        path: 'cli/output',
        holds: 'tables, JSON, summaries, errors on the terminal',
        may: [...BASE, 'base/telemetry', 'model/certify', 'scoring/bench'],
      },
      {
        path: 'cli/load',
        holds: 'what a command was given: files and flags',
        may: [...BASE, 'job/values', 'job/parse', 'data/object-store'],
      },
      {
        path: 'cli/processes',
        holds: 'children and what they get: memory, devices, scratch folders, the model; signals',
        may: [
          ...BASE,
          'base/disk',
          'base/formats',
          'data/object-store',
          'data/file-store',
          // A model's background is a table.
          'data/duckdb',
          'model/gpu',
          'model/about',
          'model/onnx',
          'scoring/pool',
          'scoring/bench',
          'run/ledger',
          'run/pipeline',
          'sets/publish',
          'inference/child',
        ],
      },
      {
        path: 'cli/wiring',
        holds: 'which adapter stands behind which interface: stores, queues, sets, models, launchers',
        may: [
          ...BASE,
          'base/disk',
          'base/lanes',
          'base/telemetry',
          'job/values',
          'job/slots',
          'data/object-store',
          'data/file-store',
          'data/s3-store',
          'data/duckdb',
          'model/certify',
          'registry/store',
          'registry/import',
          'scoring/tensor',
          'run/ledger',
          'run/plan',
          'run/pipeline',
          'sets/lmdb',
          'sets/redis',
          'sets/publish',
          'fleet/queue',
          'inference/host',
          'inference/job',
          'online/http',
          'online/live',
          'online/lookup',
          'online/protocol',
          'online/grpc',
          'cli/load',
          'cli/processes',
        ],
      },
      {
        path: 'cli/commands',
        holds: 'commands that end, a file each',
        may: [
          ...BASE,
          'base/disk',
          'base/telemetry',
          'job/values',
          'job/slots',
          'job/draft',
          'job/parse',
          'data/object-store',
          'data/parquet',
          'model/certify',
          'model/gpu',
          'scoring/draft',
          'scoring/tensor',
          'scoring/pool',
          'run/ledger',
          'run/plan',
          'run/pipeline',
          'sets/prediction-set',
          'sets/reader',
          'sets/publish',
          'fleet/notify',
          'fleet/schedule',
          'fleet/backfill',
          'fleet/queue',
          'cli/output',
          'cli/load',
          'cli/processes',
          'cli/wiring',
        ],
      },
      {
        path: 'cli/models',
        holds: 'commands that look at a model and no job',
        may: [
          ...BASE,
          'base/telemetry',
          'job/values',
          'data/object-store',
          'scoring/bench',
          'scoring/draft',
          'registry/import',
          'run/plan',
          'run/pipeline',
          'cli/output',
          'cli/load',
          'cli/processes',
          'cli/wiring',
          'cli/commands',
        ],
      },
      {
        path: 'cli/services',
        holds: 'commands that stay: schedule, worker, serve, stream',
        may: [
          ...BASE,
          'base/heap',
          'base/telemetry',
          'data/object-store',
          'run/ledger',
          'run/pipeline',
          'sets/redis',
          'fleet/notify',
          'fleet/schedule',
          'fleet/queue',
          'inference/host',
          'online/http',
          'online/lookup',
          'online/stream',
          'cli/output',
          'cli/load',
          'cli/processes',
          'cli/wiring',
        ],
      },
      {
        path: 'cli/program',
        holds: 'which commands and flags there are',
        may: ['base/errors', 'job/values', 'cli/output', 'cli/wiring', 'cli/commands', 'cli/models', 'cli/services'],
      },
      {
        path: 'cli',
        holds: 'programs: the command line and the children it starts',
        may: [
          'base/errors',
          'data/duckdb',
          'scoring/thread',
          'scoring/child',
          'scoring/bench',
          'sets/publish',
          'inference/child',
          'cli/processes',
          'cli/wiring',
          'cli/program',
        ],
      },
    ],
  },
];

/** Packages that do I/O or native work, and where they may be imported: a file, or a room where one file is too few. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'onnxruntime-node': ['model/onnx/onnx-session.ts'],
  '@aws-sdk/client-s3': ['data/s3-store/s3-client.ts'],
  '@duckdb/node-api': ['data/duckdb/', 'data/arrow-values/', 'data/text/text-to-parquet.ts'],
  '@duckdb/node-bindings': ['data/duckdb/', 'data/arrow-values/'],
  lmdb: ['sets/lmdb/lmdb-env.ts'],
  ioredis: ['sets/redis/connection.ts'],
  bullmq: ['fleet/queue/'],
  yaml: ['job/tree/', 'job/draft/'],
  croner: ['job/values/cron.ts'],
  pino: ['base/telemetry/logger.ts'],
  'prom-client': ['base/telemetry/'],
  fastify: ['online/http/', 'online/lookup/', 'online/protocol/', 'cli/services/serve-command.ts'],
  '@grpc/grpc-js': ['online/grpc/'],
  '@grpc/proto-loader': ['online/grpc/grpc-server.ts'],
  commander: ['cli/program/'],
  yauzl: ['model/gpu/zip-file.ts'],
};
