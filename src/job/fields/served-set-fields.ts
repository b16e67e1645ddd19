import type { ObjectShape } from './field.ts';

const DAY_MS = 86_400_000;

/** One entry of `sets` in the serve file. */
export const SERVED_SET = {
  kind: 'object',
  fields: {
    store: {
      type: { kind: 'storeUrl' },
      defaultSays: '`predictions.store` of the job',
      doc: 'Where the set lives. User and password come from PRESCORE_REDIS_USERNAME and PRESCORE_REDIS_PASSWORD.',
      example: 'redis://localhost:6379/0',
    },
    job: {
      type: { kind: 'uri', placeholder: false, glob: false },
      defaultSays: 'lookups alone',
      doc: 'Job file: binding and model of live inference.',
      example: '../jobs/flight-delay.yaml',
    },
    order: {
      type: {
        kind: 'list',
        of: { kind: 'word', values: ['cache', 'live', 'stale', 'default'] },
        min: 1,
        max: 4,
        unique: true,
      },
      defaultSays: '`[cache]`, then `live` with a job, `stale` with `staleFor`, `default` with `default`',
      doc: 'Where an answer may come from; the first that has one gives it.',
      example: '[cache, live, stale, default]',
    },
    maxAge: {
      type: { kind: 'duration', minMs: 0, maxMs: 3650 * DAY_MS },
      defaultSays: 'any age will do',
      doc: 'A prediction that is older is not `cache`. Age counts from the publication.',
      example: '36h',
    },
    staleFor: {
      type: { kind: 'duration', minMs: 0, maxMs: 3650 * DAY_MS },
      defaultSays: 'none is given when it is older than `maxAge`',
      doc: 'How much older than `maxAge` a `stale` answer may be.',
      example: '12h',
    },
    cacheFor: {
      type: { kind: 'duration', minMs: 0, maxMs: 365 * DAY_MS },
      default: '5s',
      doc: 'How long a client or a CDN may keep the answer of a GET without asking again.',
      example: '60s',
    },
    negativeFor: {
      type: { kind: 'duration', minMs: 0, maxMs: 3_600_000 },
      default: '1s',
      doc: 'How long it is remembered that a key is in no set, or has no features. 0s: not at all.',
      example: '10s',
    },
    features: {
      type: {
        kind: 'object',
        fields: {
          from: {
            type: { kind: 'word', values: ['request'] },
            doc: 'Each row of a request brings its features.',
            example: 'request',
          },
          redis: {
            type: { kind: 'storeUrl' },
            doc: 'The Redis that has a hash of features per key.',
            example: 'redis://localhost:6379/1',
          },
          key: {
            type: { kind: 'text', rule: 'text' },
            doc: 'Name of that hash; `{key}` stands for the key.',
            example: '"features:{key}"',
          },
        },
        choose: [
          { needs: ['from'], may: [] },
          { needs: ['redis', 'key'], may: [] },
        ],
      },
      default: { from: 'request' },
      doc: 'Where live inference gets its features.',
      example: '{ redis: "redis://localhost:6379/1", key: "features:{key}" }',
    },
    default: {
      type: { kind: 'map', keys: 'column', keysSay: 'value column to value', of: { kind: 'constant' }, min: 1 },
      defaultSays: 'a key without any answer is an error',
      doc: 'The answer of last resort.',
      example: '{ prediction: 0, probability: 0.2 }',
    },
    writeBack: {
      type: {
        kind: 'object',
        fields: {
          ttl: {
            type: { kind: 'duration', minMs: 1000, maxMs: 3650 * DAY_MS },
            required: true,
            doc: 'How long a live answer may be served from the set.',
            example: '10m',
          },
        },
      },
      defaultSays: 'live answers are not kept',
      doc: 'Writes live answers into the set, after they were given.',
      example: '{ ttl: 10m }',
    },
  },
} as const satisfies ObjectShape;
