/** The lineage file of `models add`, as data: where a model comes from, as far as somebody says so. */
import type { ObjectShape, Value } from './field.ts';

const TEXT = { kind: 'text', rule: 'text' } as const;
const MOST_ROWS = Number.MAX_SAFE_INTEGER;

export const LINEAGE_SHAPE = {
  kind: 'object',
  fields: {
    trainedAt: { type: TEXT, doc: 'When it was trained.', example: '2026-11-29T03:00:00Z' },
    dataset: {
      type: {
        kind: 'object',
        fields: {
          uri: { type: TEXT, doc: 'Where the data are.', example: 's3://lake/train/2026-11' },
          sha256: { type: { kind: 'text', rule: 'sha256' }, doc: 'Digest of the data.', example: '9f86d081…' },
          rows: { type: { kind: 'integer', min: 0, max: MOST_ROWS }, unit: 'rows', doc: 'How many.', example: '81000' },
          name: { type: TEXT, doc: 'Their name in a tracking server.', example: 'flights' },
          digest: { type: TEXT, doc: 'Their digest there.', example: 'a1b2c3' },
        },
      },
      doc: 'What it was trained on.',
      example: '{ uri: s3://lake/train/2026-11, rows: 81000 }',
    },
    params: {
      type: { kind: 'map', keys: 'text', keysSay: 'name of a parameter', of: { kind: 'constant' }, min: 0 },
      default: {},
      doc: 'With what it was trained.',
      example: '{ depth: 6 }',
    },
    metrics: {
      type: { kind: 'map', keys: 'text', keysSay: 'name of a metric', of: { kind: 'constant' }, min: 0 },
      default: {},
      doc: 'How good it was found to be; numbers.',
      example: '{ auc: 0.91 }',
    },
    code: {
      type: {
        kind: 'object',
        fields: {
          commit: { type: TEXT, doc: 'The commit.', example: '1f3c5a7' },
          repository: { type: TEXT, doc: 'Of which repository.', example: 'git@example.com:delay.git' },
        },
      },
      doc: 'What trained it.',
      example: '{ commit: 1f3c5a7 }',
    },
    parent: { type: TEXT, doc: 'The version that it was made from.', example: 'delay/7' },
  },
} as const satisfies ObjectShape;

export type LineageFile = Value<typeof LINEAGE_SHAPE>;
