/** The stream file, version 1, as data. The validator, its JSON Schema, docs/stream-file.md and the types come from this table. */
import type { ObjectShape, Value } from './field.ts';

/** The version that this package reads. A newer file is refused with SPEC_VERSION. */
export const STREAM_VERSION = 1;

const TEXT = { kind: 'text', rule: 'text' } as const;
const FIELD = { kind: 'text', rule: 'column' } as const;
const HOUR_MS = 3_600_000;

const STREAM = {
  kind: 'object',
  fields: {
    redis: {
      type: { kind: 'storeUrl' },
      required: true,
      doc: 'The Redis of the stream. User and password come from PRESCORE_REDIS_USERNAME and PRESCORE_REDIS_PASSWORD.',
      example: 'redis://localhost:6379/0',
    },
    key: { type: TEXT, required: true, doc: 'Key of the Redis Stream.', example: 'events' },
    group: {
      type: TEXT,
      default: 'prescore',
      doc: 'The consumer group; made when it is not there. All processes of one group share the events.',
      example: 'prescore',
    },
    from: {
      type: { kind: 'word', values: ['beginning', 'end'] },
      default: 'beginning',
      doc: 'Where a group that is made begins: with what is in the stream already, or with what comes next.',
      example: 'end',
    },
  },
} as const satisfies ObjectShape;

const EVENT = {
  kind: 'object',
  fields: {
    key: {
      type: { kind: 'list', of: FIELD, min: 1, max: 16, unique: true, oneAllowed: true },
      defaultSays: '`predictions.key` of the job',
      doc: 'Fields that hold the key of the set, in the order of its columns.',
      example: 'flight_id',
    },
    features: {
      type: FIELD,
      defaultSays: 'each field of the event is a feature, as a text',
      doc: 'The field that holds all features as one JSON object.',
      example: 'payload',
    },
    time: {
      type: FIELD,
      defaultSays: 'the time in the id that Redis gave',
      doc: 'The field with the time of the event: RFC 3339, or milliseconds since 1970. The newer event of a key wins.',
      example: 'event_time',
    },
    ignore: {
      type: { kind: 'list', of: FIELD, min: 0, max: 1000, unique: true },
      default: [],
      doc: 'Fields, or names in the JSON object, that are no features. Any other unknown one is an error of the event.',
      example: '[trace_id]',
    },
  },
} as const satisfies ObjectShape;

export const STREAM_SHAPE = {
  kind: 'object',
  fields: {
    'prescore-stream': {
      type: { kind: 'integer', min: STREAM_VERSION, max: STREAM_VERSION },
      required: true,
      doc: 'Version of this format.',
      example: '1',
    },
    job: {
      type: { kind: 'uri', placeholder: false, glob: false },
      required: true,
      doc: 'Job file: binding, model, and `predictions` with the set that is written into.',
      example: '../jobs/flight-delay.yaml',
    },
    stream: {
      type: STREAM,
      required: true,
      doc: 'Where events come from.',
      example: '{ redis: "redis://…", key: events }',
    },
    event: { type: EVENT, default: {}, doc: 'What the fields of an event mean.', example: '{ features: payload }' },
    batch: {
      type: {
        kind: 'object',
        fields: {
          maxRows: {
            type: { kind: 'integer', min: 1, max: 4096 },
            default: 256,
            unit: 'rows',
            doc: 'Events that are scored together. At most two batches are held at a time.',
            example: '64',
          },
          maxWait: {
            type: { kind: 'duration', minMs: 0, maxMs: 1000 },
            default: '50ms',
            doc: 'How long the first event of a batch waits for others.',
            example: '10ms',
          },
        },
      },
      default: {},
      doc: 'Micro-batches.',
      example: '{ maxRows: 64, maxWait: 10ms }',
    },
    deadLetter: {
      type: TEXT,
      defaultSays: '`stream.key` with `:dead`',
      doc: 'Key of the stream, in the same Redis, for events that cannot be scored.',
      example: 'events:dead',
    },
    retry: {
      type: {
        kind: 'object',
        fields: {
          claimAfter: {
            type: { kind: 'duration', minMs: 100, maxMs: 24 * HOUR_MS },
            default: '30s',
            doc: 'Events that a consumer holds this long without a sign of life are taken over.',
            example: '2m',
          },
          maxDeliveries: {
            type: { kind: 'integer', min: 1, max: 1000 },
            default: 5,
            doc: 'An event that was delivered more often is taken for what ends its consumers, and goes to the dead letters.',
            example: '3',
          },
        },
      },
      default: {},
      doc: 'What becomes of events that are not finished.',
      example: '{ claimAfter: 2m }',
    },
  },
} as const satisfies ObjectShape;

/** A checked stream file before it is compiled. */
export type StreamFile = Value<typeof STREAM_SHAPE>;
