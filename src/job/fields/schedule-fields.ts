import type { ObjectShape } from './field.ts';

const DAY_MS = 86_400_000;

/** `schedule` of the job file. */
export const SCHEDULE = {
  kind: 'object',
  fields: {
    cron: {
      type: { kind: 'text', rule: 'cron' },
      required: true,
      doc: 'When slots begin: minute, hour, day of the month, month, day of the week.',
      example: '"0 2 * * *"',
    },
    timezone: {
      type: { kind: 'text', rule: 'timezone' },
      default: 'UTC',
      doc: 'The clock that `cron` goes by. Skipped and repeated hours: [schedules](schedules.md).',
      example: 'Europe/Berlin',
    },
    offset: {
      type: { kind: 'integer', min: -100_000, max: 0 },
      default: 0,
      doc: 'With `partitions.every`: 0 scores the latest partition that has ended, -1 the one before.',
      example: '-1',
    },
    catchUp: {
      type: { kind: 'word', values: ['none', 'last', 'all'] },
      default: 'last',
      doc: 'What happens to slots that passed while no scheduler ran.',
      example: 'all',
    },
    overlap: {
      type: { kind: 'word', values: ['forbid', 'allow', 'replace'] },
      default: 'forbid',
      doc: 'When a slot is due and an earlier one is in work: it waits for its end, starts beside it, or takes its place.',
      example: 'allow',
    },
    jitter: {
      type: { kind: 'duration', minMs: 0, maxMs: DAY_MS },
      default: '0s',
      doc: 'Starts each slot later by up to this, so that many jobs do not start at once. The same for all schedulers.',
      example: '5m',
    },
    waitForInput: {
      type: {
        kind: 'object',
        fields: {
          for: {
            type: { kind: 'duration', minMs: 1000, maxMs: 365 * DAY_MS },
            required: true,
            doc: 'How long after the slot the input may come. Then the slot has failed (`INPUT_NOT_FOUND`).',
            example: '6h',
          },
          every: {
            type: { kind: 'duration', minMs: 1000, maxMs: DAY_MS },
            default: '5m',
            doc: 'How often it is looked for.',
            example: '1m',
          },
          marker: {
            type: { kind: 'text', rule: 'fileName' },
            defaultSays: 'any input file is enough',
            doc: 'A file beside the input that says that it is complete.',
            example: '_SUCCESS',
          },
        },
      },
      defaultSays: 'a slot without input fails at once',
      doc: 'Lets a slot wait for its input. Later slots do not wait for it.',
      example: '{ for: 6h, every: 5m, marker: _SUCCESS }',
    },
  },
} as const satisfies ObjectShape;

/** One entry of `notify` in the job file. */
export const NOTIFY = {
  kind: 'object',
  fields: {
    url: {
      type: { kind: 'text', rule: 'webhook' },
      required: true,
      doc: 'Where the message is sent, by POST.',
      example: 'https://hooks.example.org/prescore',
    },
    secretEnv: {
      type: { kind: 'text', rule: 'variable' },
      defaultSays: 'messages are not signed',
      doc: 'The environment variable that holds the secret for signing.',
      example: 'HOOK_SECRET',
    },
    on: {
      type: {
        kind: 'list',
        of: { kind: 'word', values: ['done', 'failed', 'rejects'] },
        min: 1,
        max: 3,
        unique: true,
        oneAllowed: true,
      },
      default: ['done', 'failed', 'rejects'],
      doc: '`rejects` is a run that ended over `rejects.limit`; without it, that is `failed`.',
      example: '[failed, rejects]',
    },
  },
} as const satisfies ObjectShape;
