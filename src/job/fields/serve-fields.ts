/** The serve file, version 1, as data. The validator, its JSON Schema, docs/serve-file.md and the types come from this table. */
import type { ObjectShape, Value } from './field.ts';
import { SERVE_LIMITS } from './serve-limit-fields.ts';
import { SERVED_SET } from './served-set-fields.ts';

/** The version that this package reads. A newer file is refused with SPEC_VERSION. */
export const SERVE_VERSION = 1;

const MIB = 2 ** 20;
const PORT = { kind: 'integer', min: 0, max: 65_535 } as const;
const FILE = { kind: 'uri', placeholder: false, glob: false } as const;

const LISTEN = {
  kind: 'object',
  fields: {
    host: {
      type: { kind: 'text', rule: 'host' },
      default: '127.0.0.1',
      doc: 'Address to listen on. Any but loopback needs `auth.keysFile`.',
      example: '0.0.0.0',
    },
    port: { type: PORT, default: 8080, doc: 'Port of HTTP; 0 takes any free one.', example: '8080' },
    grpcPort: {
      type: PORT,
      defaultSays: 'gRPC is not served',
      doc: 'Port of the gRPC service of the Open Inference Protocol.',
      example: '8081',
    },
    metricsPort: {
      type: PORT,
      defaultSays: 'metrics are not served',
      doc: 'Port of `/metrics`, `/health/live` and `/health/ready`, without keys.',
      example: '9090',
    },
  },
} as const satisfies ObjectShape;

const MODELS = {
  kind: 'object',
  fields: {
    folder: {
      type: FILE,
      defaultSays: 'the models of `serve`',
      doc: 'Holds `<name>/<version>/model.onnx`, with its sha256 beside it.',
      example: 's3://models/',
    },
    pinned: {
      type: { kind: 'list', of: { kind: 'text', rule: 'name' }, min: 0, max: 1000, unique: true },
      default: [],
      doc: 'Models of `folder` that are loaded at the start and never unloaded.',
      example: '[flight-delay]',
    },
    registry: {
      type: FILE,
      defaultSays: '`PRESCORE_REGISTRY` of the environment',
      doc: 'The registry of the models in `serve`, which is only read.',
      example: 's3://models/',
    },
    serve: {
      type: { kind: 'list', of: { kind: 'text', rule: 'modelRef' }, min: 1, max: 1000, unique: true },
      defaultSays: 'the models of `folder`',
      doc: 'Labels and versions of a registry: `name@label`, `name/version` or `name@sha256:…`. They are loaded at the start and stay so. The first of a name answers requests that name neither version nor label.',
      example: '[delay@stable, delay@canary, delay/7]',
    },
    poll: {
      type: { kind: 'duration', minMs: 100, maxMs: 86_400_000 },
      defaultSays: '2s',
      doc: 'How often the labels of `serve` are looked up.',
      example: '10s',
    },
    keep: {
      type: { kind: 'duration', minMs: 0, maxMs: 365 * 86_400_000 },
      defaultSays: '10m',
      doc: 'A version that no entry of `serve` names any more stays loaded this long, so that a label can go back to it at once; sooner gone where `memory` is needed.',
      example: '1h',
    },
    idleUnload: {
      type: { kind: 'duration', minMs: 1000, maxMs: 365 * 86_400_000 },
      default: '5m',
      doc: 'A model of `folder` that nobody asked for this long is unloaded.',
      example: '30m',
    },
    memory: {
      type: { kind: 'size', min: 64 * MIB, max: 2 ** 50 },
      default: '2GiB',
      doc: 'Of all loaded models together; the one that was not used longest goes first.',
      example: '4GiB',
    },
    exact: {
      type: { kind: 'word', values: ['require', 'prefer', 'off'] },
      default: 'prefer',
      doc: 'Whether a row gets the same bits in every batch, as `execution.exact` of a job ([certify.md](certify.md)). With `require` a model for which no way is found is not served.',
      example: 'require',
    },
  },
} as const satisfies ObjectShape;

const BATCHER = {
  kind: 'object',
  fields: {
    maxBatchRows: {
      type: { kind: 'integer', min: 1, max: 65_536 },
      default: 256,
      unit: 'rows',
      doc: 'Rows that are scored at once.',
      example: '64',
    },
    maxQueueDelayMicros: {
      type: { kind: 'integer', min: 0, max: 1_000_000 },
      default: 0,
      doc: 'How long the first row waits for others; 0: whatever waits is one batch.',
      example: '500',
    },
    maxQueueRows: {
      type: { kind: 'integer', min: 1, max: 10_000_000 },
      default: 4096,
      unit: 'rows',
      doc: 'Rows that may wait; more are refused with 503.',
      example: '1024',
    },
    deadline: {
      type: { kind: 'duration', minMs: 1, maxMs: 600_000 },
      default: '200ms',
      doc: 'A request that has waited this long is dropped before it is scored.',
      example: '50ms',
    },
  },
} as const satisfies ObjectShape;

export const SERVE_SHAPE = {
  kind: 'object',
  fields: {
    'prescore-serve': {
      type: { kind: 'integer', min: SERVE_VERSION, max: SERVE_VERSION },
      required: true,
      doc: 'Version of this format.',
      example: '1',
    },
    listen: { type: LISTEN, default: {}, doc: 'Where the server listens.', example: '{ port: 8080 }' },
    sets: {
      type: { kind: 'map', keys: 'name', keysSay: 'name of a set to how it is served', of: SERVED_SET, min: 0 },
      default: {},
      doc: 'The prediction sets.',
      example: '{ flight-delay: { store: "redis://localhost:6379/0" } }',
    },
    models: {
      type: MODELS,
      defaultSays: 'only the models of the sets',
      doc: 'A folder of models for the model protocols, or what is served of a registry: `folder` or `serve`.',
      example: '{ folder: "s3://models/" }',
    },
    batcher: { type: BATCHER, default: {}, doc: 'How rows of many requests are scored together.', example: '{}' },
    auth: {
      type: {
        kind: 'object',
        fields: {
          keysFile: {
            type: FILE,
            required: true,
            doc: 'JSON file of hashed keys; read again when it changes.',
            example: 'keys.json',
          },
        },
      },
      defaultSays: 'no keys; only on loopback',
      doc: 'Who may ask.',
      example: '{ keysFile: keys.json }',
    },
    tls: {
      type: {
        kind: 'object',
        fields: {
          cert: { type: FILE, required: true, doc: 'PEM file of the certificate chain.', example: 'cert.pem' },
          key: { type: FILE, required: true, doc: 'PEM file of its private key.', example: 'key.pem' },
        },
      },
      defaultSays: 'plain HTTP',
      doc: 'Serves HTTPS.',
      example: '{ cert: cert.pem, key: key.pem }',
    },
    hosts: {
      type: { kind: 'list', of: { kind: 'text', rule: 'host' }, min: 0, max: 100, unique: true, oneAllowed: true },
      default: [],
      doc: 'Names by which clients may ask, besides the address itself; others get 421.',
      example: '[predictions.example.org]',
    },
    limits: { type: SERVE_LIMITS, default: {}, doc: 'What a request may be.', example: '{ body: 4MiB }' },
  },
} as const satisfies ObjectShape;

/** A checked serve file before it is compiled. */
export type ServeFile = Value<typeof SERVE_SHAPE>;
