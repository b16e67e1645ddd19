import type { ObjectShape } from './field.ts';

const MAX_INDEX = 2 ** 31 - 1;

/** One entry of `features` in the job file. */
export const FEATURE = {
  kind: 'object',
  choose: [
    { needs: ['columns'], may: ['nulls', 'pad', 'maxLength'] },
    { needs: ['maskOf'], may: [] },
    { needs: ['value'], may: [] },
  ],
  shorthand: { text: 'columns', list: 'columns' },
  fields: {
    columns: {
      type: { kind: 'list', of: { kind: 'text', rule: 'column' }, min: 1, max: 10_000, oneAllowed: true },
      doc: 'The columns of the tensor, in order. Several give `[N, F]`, one gives `[N]` or `[N, 1]` as the model declares, one list column gives `[N, K]`, or `[N, T]` with lists of any length where the model leaves T open (prescore help sequences). A bare list, or one bare name, is a short form.',
      example: '[month, day, distance]',
    },
    nulls: {
      type: { kind: 'nulls' },
      defaultSays: '`nan` for float tensors, else `reject`',
      doc: 'What a null becomes: NaN, a rejected row, or a value. `{ fill: "nan" }` fills with that text.',
      example: '{ fill: 0 }',
    },
    pad: {
      type: { kind: 'constant' },
      doc: 'For a list column where the model leaves the length open: rows of several lengths share a batch, and shorter ones end in this value. Left out, only rows of one length share a batch, and nothing is padded. The model must not care: its predictions are compared, and differences refused.',
      example: '0',
    },
    maxLength: {
      type: { kind: 'integer', min: 1, max: 1_000_000 },
      unit: 'steps',
      defaultSays: '4096',
      doc: 'For a list column where the model leaves the length open: rows with longer lists are rejected (`list_length`). Nothing is cut off.',
      example: '512',
    },
    maskOf: {
      type: { kind: 'text', rule: 'tensor' },
      doc: 'Another input of the model, which a list column of open length feeds: this one gets 1 for each step of its lists and 0 where they are padded.',
      example: 'input_ids',
    },
    value: {
      type: { kind: 'constant' },
      doc: 'The same value for every row. An open axis behind the batch gets the length of the lists.',
      example: '16000',
    },
  },
} as const satisfies ObjectShape;

/** One entry of `outputs` in the job file. */
export const OUTPUT_COLUMN = {
  kind: 'object',
  choose: [
    { needs: ['tensor'], may: ['index', 'argmax', 'labels'] },
    { needs: ['explain'], may: ['count', 'index'] },
  ],
  shorthand: { text: 'tensor' },
  fields: {
    tensor: {
      type: { kind: 'text', rule: 'tensor' },
      doc: 'The output of the model. `[N]` and `[N, 1]` give one value a row, `[N, K]` a list column. A bare name is a short form.',
      example: 'probabilities',
    },
    index: {
      type: { kind: 'integer', min: 0, max: MAX_INDEX },
      unit: 'position',
      doc: 'Takes one element of a row of `[N, K]`, counted from 0. With `explain: top`: explains this score of several; left out, that of the class that is highest.',
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
    explain: {
      type: { kind: 'word', values: ['top', 'contributions'] },
      doc: 'Why a tree model scores a row as it does: exact contributions of features to the raw score (TreeSHAP). `top` gives the features with the largest ones: their names as a list, and a second column `<name>_contributions` beside it. `contributions` gives a list of all, in the order of the model, and last the average answer.',
      example: 'top',
    },
    count: {
      type: { kind: 'integer', min: 1, max: 1000 },
      unit: 'features',
      defaultSays: '3',
      doc: 'With `explain: top`: how many features.',
      example: '3',
    },
  },
} as const satisfies ObjectShape;
