import type { ObjectShape } from './field.ts';

const DAY_MS = 86_400_000;
const COLUMNS = { kind: 'list', of: { kind: 'text', rule: 'column' }, min: 1, max: 1000, unique: true } as const;

/** `predictions` of the job file. */
export const PREDICTIONS = {
  kind: 'object',
  fields: {
    store: {
      type: { kind: 'storeUrl' },
      required: true,
      doc: 'Where the set lives. User and password come from PRESCORE_REDIS_USERNAME and PRESCORE_REDIS_PASSWORD.',
      example: 'lmdb:../out/predictions',
    },
    set: {
      type: { kind: 'text', rule: 'name' },
      defaultSays: 'the name of the job',
      doc: 'Name of the set.',
      example: 'flight-delay',
    },
    key: {
      type: { ...COLUMNS, oneAllowed: true },
      required: true,
      doc: 'Columns of the output that together are the key; each must be in `id`, `passthrough` or `outputs`.',
      example: 'flight_id',
    },
    values: {
      type: { ...COLUMNS, oneAllowed: true },
      defaultSays: 'the columns of `outputs`',
      doc: 'Columns of the output that a lookup gives.',
      example: '[prediction, probability]',
    },
    scope: {
      type: { kind: 'word', values: ['latest', 'union'] },
      defaultSays: '`union` with `partitions`, else `latest`',
      doc: '`latest`: the newest run is the set. `union`: all committed partitions together are.',
      example: 'union',
    },
    mode: {
      type: { kind: 'word', values: ['replace', 'upsert'] },
      default: 'replace',
      doc: '`replace`: the set is replaced as one. `upsert`: the rows of a run are written one by one over what is there.',
      example: 'upsert',
    },
    onDuplicateKey: {
      type: { kind: 'word', values: ['last', 'error'] },
      default: 'last',
      doc: 'When two rows have one key: the last one stays and they are counted, or the publication fails.',
      example: 'error',
    },
    ttl: {
      type: { kind: 'duration', minMs: 1000, maxMs: 3650 * DAY_MS },
      defaultSays: 'predictions never expire',
      doc: 'How long a publication may be served.',
      example: '72h',
    },
    keep: {
      type: { kind: 'integer', min: 0, max: 100 },
      default: 2,
      doc: 'Older generations that are kept to go back to.',
      example: '1',
    },
  },
} as const satisfies ObjectShape;
