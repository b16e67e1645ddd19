import { describe, expect, it } from 'vitest';
import type { Dim, TensorSignature, TensorType } from '../../../../src/base/contract/signature.ts';
import type { DraftBinding, DraftWishes } from '../../../../src/scoring/draft/draft-binding.ts';
import { suggestBinding } from '../../../../src/scoring/draft/suggest-binding.ts';

const tensor = (name: string, dims: readonly Dim[], type: TensorType = 'float32'): TensorSignature => ({
  name,
  type,
  declared: type,
  dims,
});
const OUTPUTS = [tensor('label', [null], 'int64'), tensor('probabilities', [null, 2])];

interface Asked {
  readonly inputs: readonly TensorSignature[];
  readonly outputs?: readonly TensorSignature[];
  readonly columns: Readonly<Record<string, string>>;
  readonly names?: readonly string[];
  readonly wishes?: Partial<DraftWishes>;
}

function suggest({ inputs, outputs = OUTPUTS, columns, names, wishes = {} }: Asked): DraftBinding {
  const model = { signature: { inputs, outputs }, ...(names === undefined ? {} : { featureNames: names }) };
  const table = Object.entries(columns).map(([name, type]) => ({ name, type, nullable: true }));
  return suggestBinding(
    model,
    table,
    { features: new Map(), exclude: new Set(), id: [], ...wishes },
    ['run_id'],
    'm.onnx',
  );
}

/** Tensor -> certainty and columns. */
const fed = ({ features }: DraftBinding): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    features.map(({ tensor: t, certainty, feed }) => [
      t,
      [certainty, 'columns' in feed ? feed.columns : Object.values(feed)[0]],
    ]),
  );

const X4 = [tensor('X', [null, 4])];
const FOUR = { age: 'FLOAT', income: 'FLOAT', score: 'FLOAT', height: 'FLOAT' };
const NAMES = Object.keys(FOUR);

describe('what is certain', () => {
  it('a column for every input of its name, whatever else the table has', () => {
    const inputs = [tensor('age', [null, 1]), tensor('city', [null, 1], 'string'), tensor('target', [null])];
    const columns = { ...FOUR, city: 'VARCHAR', target: 'BIGINT', id: 'BIGINT' };
    expect(fed(suggest({ inputs, columns }))).toEqual({
      age: ['sure', ['age']],
      city: ['sure', ['city']],
      target: ['sure', ['target']],
    });
  });

  it('the only list column, also of the known length; the only column that can feed a single value', () => {
    const list = { columns: { id: 'VARCHAR', vector: 'FLOAT[]', n: 'INTEGER' } };
    expect(fed(suggest({ inputs: [tensor('input', [null, 256])], ...list }))).toEqual({ input: ['sure', ['vector']] });
    const arrays = { a: 'FLOAT[8]', b: 'FLOAT[16]' };
    expect(fed(suggest({ inputs: [tensor('input', [null, 16])], columns: arrays }))).toEqual({
      input: ['sure', ['b']],
    });
    const text = { columns: { review: 'VARCHAR', stars: 'INTEGER' } };
    expect(fed(suggest({ inputs: [tensor('input', [null, 1], 'string')], ...text }))).toEqual({
      input: ['sure', ['review']],
    });
  });

  it("names and order of the model's metadata", () => {
    const mixed = { height: 'FLOAT', target: 'BIGINT', score: 'FLOAT', income: 'FLOAT', age: 'FLOAT', extra: 'FLOAT' };
    expect(fed(suggest({ inputs: X4, columns: mixed, names: NAMES }))).toEqual({ X: ['sure', NAMES] });
  });

  it('what somebody said', () => {
    const columns = { ...FOUR, extra: 'FLOAT', customer_id: 'BIGINT' };
    const features = new Map([['X', ['extra', 'age', 'income', 'score']]]);
    const found = suggest({ inputs: X4, columns, wishes: { features, id: ['height'] } });
    expect(fed(found)).toEqual({ X: ['sure', ['extra', 'age', 'income', 'score']] });
    expect(found.id).toMatchObject({ columns: ['height'], certainty: 'sure' });
    const all = { features: new Map([['X', ['*']]]), exclude: new Set(['extra']) };
    expect(fed(suggest({ inputs: X4, columns, wishes: all }))).toEqual({ X: ['sure', NAMES] });
  });
});

describe('what is a guess, and runs', () => {
  it('names that differ in case and signs only', () => {
    const inputs = [tensor('Sepal_Length__cm_', [null, 1]), tensor('AGE', [null, 1])];
    const found = suggest({ inputs, columns: { 'sepal length (cm)': 'DOUBLE', age: 'BIGINT' } });
    expect(fed(found)).toEqual({ Sepal_Length__cm_: ['guess', ['sepal length (cm)']], AGE: ['guess', ['age']] });
    const names = suggest({
      inputs: X4,
      columns: { Age: 'FLOAT', Income: 'FLOAT', Score: 'FLOAT', Height: 'FLOAT' },
      names: NAMES,
    });
    expect(fed(names)).toEqual({ X: ['guess', ['Age', 'Income', 'Score', 'Height']] });
    expect(names.features[0]?.of?.get('Age')).toContain('"age"');
  });

  it('numbered columns, when nothing else can be meant and the table has them in order', () => {
    const series = { f0: 'FLOAT', f1: 'FLOAT', f2: 'FLOAT', f3: 'FLOAT' };
    expect(fed(suggest({ inputs: X4, columns: { id: 'BIGINT', ...series, y: 'BIGINT' } }))).toEqual({
      X: ['guess', Object.keys(series)],
    });
    for (const columns of [
      { ...series, amount: 'FLOAT' },
      { f1: 'FLOAT', f0: 'FLOAT', f2: 'FLOAT', f3: 'FLOAT' },
      { f0: 'FLOAT', f1: 'FLOAT', f2: 'FLOAT', f4: 'FLOAT' },
    ])
      expect(suggest({ inputs: X4, columns }).features[0]?.certainty).toBe('question');
  });

  it('an id by its name, never one of the lineage columns; a text', () => {
    for (const id of ['id', 'customer_id', 'PassengerId', 'userID', 'uuid', 'order_key'])
      expect(suggest({ inputs: X4, columns: { ...FOUR, [id]: 'BIGINT' } }).id).toMatchObject({
        columns: [id],
        certainty: 'guess',
      });
    expect(suggest({ inputs: X4, columns: { ...FOUR, run_id: 'BIGINT', name: 'VARCHAR' } }).id.columns).toEqual([
      'name',
    ]);
    expect(suggest({ inputs: X4, columns: { ...FOUR, paid: 'FLOAT', valid: 'FLOAT' } }).id.columns).toEqual([]);
  });
});

describe('an encoder of texts', () => {
  const open = [null, null];
  const inputs = ['attention_mask', 'input_ids', 'token_type_ids'].map((name) => tensor(name, open, 'int64'));

  it('a mask and the kinds of tokens go with the only list column, in whatever order the model has them', () => {
    expect(fed(suggest({ inputs, columns: { doc_id: 'VARCHAR', tokens: 'BIGINT[]' } }))).toEqual({
      attention_mask: ['guess', 'input_ids'],
      input_ids: ['sure', ['tokens']],
      token_type_ids: ['guess', 0],
    });
  });

  it('columns of their names are taken as they are; of two lists one is asked for', () => {
    const columns = { input_ids: 'BIGINT[]', attention_mask: 'BIGINT[]', token_type_ids: 'BIGINT[]' };
    expect(fed(suggest({ inputs, columns }))).toEqual({
      attention_mask: ['sure', ['attention_mask']],
      input_ids: ['sure', ['input_ids']],
      token_type_ids: ['sure', ['token_type_ids']],
    });
    const two = suggest({ inputs, columns: { title: 'BIGINT[]', body: 'BIGINT[]' } });
    expect(two.features.find(({ tensor: name }) => name === 'input_ids')).toMatchObject({ certainty: 'question' });
  });
});

describe('what is a question', () => {
  it('columns that fit by their number alone: their order may be another', () => {
    const found = suggest({ inputs: X4, columns: FOUR });
    expect(fed(found)).toEqual({ X: ['question', NAMES] });
    expect(found.features[0]?.text).toContain('in the order of the training');
  });

  it.each([
    ['an index of pandas', { ...FOUR, __index_level_0__: 'BIGINT' }],
    ['an index from CSV', { 'Unnamed: 0': 'BIGINT', ...FOUR }],
    ['an index by name', { index: 'BIGINT', ...FOUR }],
    ['an id', { customer_id: 'BIGINT', ...FOUR }],
    ['the target', { ...FOUR, target: 'FLOAT' }],
    ["the model's own output", { ...FOUR, Label: 'BIGINT' }],
    ['all of them', { id: 'INTEGER', index: 'BIGINT', ...FOUR, y: 'FLOAT', label: 'BIGINT' }],
  ])('%s is not among the columns that are put down, and is told', (_, columns) => {
    const found = suggest({ inputs: X4, columns });
    expect(fed(found)).toEqual({ X: ['question', NAMES] });
    const extra = Object.keys(columns).filter((name) => !NAMES.includes(name));
    for (const name of extra) expect([...found.leftOut.keys(), ...found.id.columns]).toContain(name);
  });

  it('only what really is an index counts as one', () => {
    const found = suggest({ inputs: [tensor('X', [null, 5])], columns: { index: 'DOUBLE', ...FOUR } });
    expect(fed(found)).toEqual({ X: ['question', ['index', ...NAMES]] });
  });

  it('too many columns, too few, an open number of them, none', () => {
    expect(fed(suggest({ inputs: X4, columns: { ...FOUR, extra: 'FLOAT' } }))).toEqual({
      X: ['question', [...NAMES, 'extra']],
    });
    expect(fed(suggest({ inputs: [tensor('X', [null, 9])], columns: FOUR }))).toEqual({ X: ['question', NAMES] });
    expect(fed(suggest({ inputs: [tensor('X', [null, null])], columns: FOUR }))).toEqual({ X: ['question', NAMES] });
    expect(fed(suggest({ inputs: X4, columns: { city: 'VARCHAR' } }))).toEqual({ X: ['question', ['X']] });
  });

  it('a name that is not there: the nearest; metadata that the table lacks', () => {
    const inputs = [tensor('age', [null, 1]), tensor('incmoe', [null, 1]), tensor('zip', [null, 1])];
    const found = suggest({ inputs, columns: FOUR });
    expect(fed(found)).toEqual({
      age: ['sure', ['age']],
      incmoe: ['question', ['income']],
      zip: ['question', ['zip']],
    });
    expect(found.features.map(({ text }) => text)).toEqual([
      '',
      expect.stringContaining('nearest, "income"'),
      expect.stringContaining('The table has "score"'),
    ]);
    const names = suggest({ inputs: X4, columns: FOUR, names: ['age', 'incmoe', 'score', 'zip'] });
    expect(fed(names)).toEqual({ X: ['question', ['age', 'income', 'score', 'zip']] });
    expect(names.features[0]?.text).toBe(
      `the table lacks what the model's metadata names: "incmoe" (nearest: "income"), "zip"`,
    );
  });

  it('a column of the right name and the wrong type; a scalar; several list columns', () => {
    const typed = suggest({
      inputs: [tensor('age', [null, 1]), tensor('n', [null, 1])],
      columns: { age: 'VARCHAR', n: 'FLOAT' },
    });
    expect(typed.features[0]).toMatchObject({ certainty: 'question' });
    const scalar = suggest({ inputs: [tensor('x', [null, 1]), tensor('rate', [], 'int64')], columns: { x: 'FLOAT' } });
    expect(fed(scalar)).toEqual({ x: ['sure', ['x']], rate: ['question', 0] });
    const lists = suggest({ inputs: [tensor('input', [null, 8])], columns: { a: 'FLOAT[]', b: 'FLOAT[]' } });
    expect(lists.features[0]).toMatchObject({ certainty: 'question', text: 'which list column is it: "a", "b"?' });
  });

  it('two towers: columns that begin with the name of an input', () => {
    const inputs = [tensor('user', [null, 2]), tensor('item', [null, 2])];
    const columns = { item_a: 'FLOAT', user_a: 'FLOAT', item_b: 'FLOAT', user_b: 'FLOAT' };
    expect(fed(suggest({ inputs, columns }))).toEqual({
      user: ['question', ['user_a', 'user_b']],
      item: ['question', ['item_a', 'item_b']],
    });
  });
});

it('outputs: a column each, none of a name that is taken, maps told', () => {
  const outputs = [
    ...OUTPUTS,
    { ...tensor('odd name!', [null, 3]), name: 'odd name!' },
    { name: 'map', type: null, declared: 'map', dims: [] },
  ];
  const found = suggest({ inputs: X4, outputs, columns: FOUR, wishes: { id: ['Label'] } });
  expect(found.outputs.map(({ column, index }) => [column, index])).toEqual([
    ['predicted_label', undefined],
    ['probability', 1],
    ['odd_name_', undefined],
  ]);
  expect(found.notes.join()).toContain('output map is a map');
});

it('an input that prescore cannot feed at all is refused, not asked about', () => {
  const inputs = [{ name: 'sequence', type: null, declared: 'sequence', dims: [] }];
  expect(() => suggest({ inputs, columns: FOUR })).toThrow(/^SIGNATURE_MISMATCH.*sequence/);
});
