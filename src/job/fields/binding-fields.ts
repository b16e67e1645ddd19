import type { ObjectShape } from './field.ts';

const MAX_INDEX = 2 ** 31 - 1;

/** One entry of `features` in the job file. */
export const FEATURE = {
  kind: 'object',
  choose: [
    { needs: ['columns'], may: ['nulls'] },
    { needs: ['value'], may: [] },
  ],
  shorthand: { text: 'columns', list: 'columns' },
  fields: {
    columns: {
      type: { kind: 'list', of: { kind: 'text', rule: 'column' }, min: 1, max: 10_000, oneAllowed: true },
      doc: 'The columns of the tensor, in order. Several give `[N, F]`, one gives `[N]` or `[N, 1]` as the model declares, one list column gives `[N, K]`. A bare list, or one bare name, is a short form.',
      example: '[month, day, distance]',
    },
    nulls: {
      type: { kind: 'nulls' },
      defaultSays: '`nan` for float tensors, else `reject`',
      doc: 'What a null becomes: NaN, a rejected row, or a value. `{ fill: "nan" }` fills with that text.',
      example: '{ fill: 0 }',
    },
    value: {
      type: { kind: 'constant' },
      doc: 'The same value for every row.',
      example: '16000',
    },
  },
} as const satisfies ObjectShape;

/** One entry of `outputs` in the job file. */
export const OUTPUT_COLUMN = {
  kind: 'object',
  shorthand: { text: 'tensor' },
  fields: {
    tensor: {
      type: { kind: 'text', rule: 'tensor' },
      required: true,
      doc: 'The output of the model. `[N]` and `[N, 1]` give one value a row, `[N, K]` a list column. A bare name is a short form.',
      example: 'probabilities',
    },
    index: {
      type: { kind: 'integer', min: 0, max: MAX_INDEX },
      unit: 'position',
      doc: 'Takes one element of a row of `[N, K]`, counted from 0.',
      example: '1',
    },
    argmax: {
      type: { kind: 'flag' },
      default: false,
      doc: 'Takes the position of the largest element of a row of `[N, K]`; the first one where several are equal.',
      example: 'true',
    },
    labels: {
      type: { kind: 'list', of: { kind: 'label' }, min: 1, max: 25_000 },
      doc: 'With `argmax`: what is written in place of the position. All texts or all numbers.',
      example: '[early, late]',
    },
  },
} as const satisfies ObjectShape;
