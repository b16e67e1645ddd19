import { expect, test } from 'vitest';
import type { Binding } from '../../../../src/base/contract/binding.ts';
import { Duck } from '../../../../src/data/duckdb/duckdb.ts';
import { sourceKind } from '../../../../src/data/duckdb/source-kind.ts';
import type { VectorView } from '../../../../src/data/duckdb/vector-batch.ts';
import { FeaturePacker, slabFeeds } from '../../../../src/scoring/tensor/feature-packer.ts';
import { RejectCodes } from '../../../../src/scoring/tensor/reject-codes.ts';
import { exactLayout } from '../../../../src/scoring/tensor/slab-layout.ts';
import { StringDictionary } from '../../../../src/scoring/tensor/string-dictionary.ts';
import { tempFolder } from '../../../harness/temp-job.ts';

const WIDTH = 64;
const ROWS = 2048;
const BINDING: Binding = {
  fixedBatch: null,
  inputs: [
    { kind: 'list', tensor: 'x', type: 'float32', column: 'x', width: WIDTH, tail: [WIDTH], nulls: { fill: -1 } },
  ],
  outputs: [],
};

// V8 counts every view over the elements of a batch as memory of its own, and marks the whole heap for each 64 MB of them.
test('the elements of lists are looked at once a batch, however many blocks are packed', async () => {
  const duck = await Duck.open({ memoryBytes: 2 ** 28, scratchDir: tempFolder(), scratchBytes: 2 ** 20 });
  const kind = sourceKind('FLOAT[]')!;
  const codes = new RejectCodes();
  const packer = new FeaturePacker(BINDING, [{ name: 'x', kind }], codes, new StringDictionary());
  const layout = exactLayout(BINDING, ROWS);
  const feeds = slabFeeds(BINDING, layout, new SharedArrayBuffer(layout.bytes));
  let looks = 0;
  const counted = (view: VectorView): VectorView =>
    new Proxy(view, {
      get: (target, name) => {
        if (name === 'list') looks++;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  const lists = `list_transform(range(${WIDTH}), lambda k: if(i = 5 and k = 7, null, i * ${WIDTH} + k)::FLOAT)`;
  const short = `case i when 300 then null when 301 then [1.5]::FLOAT[] else ${lists} end`;
  for await (const batch of duck.stream(`select ${short} from range(${ROWS}) t(i)`, { where: 'lists', columns: [] })) {
    expect(batch.rows).toBe(ROWS);
    const watched = {
      rows: batch.rows,
      column: (index: number) => counted(batch.column(index)),
      text: batch.text.bind(batch),
    };
    packer.pack(watched, 0, batch.rows, feeds, 0);
  }
  duck.close();
  expect(looks).toBe(1);
  const packed = feeds.arrays[0] as Float32Array;
  const wanted = Float32Array.from({ length: ROWS * WIDTH }, (_, i) => {
    const row = Math.floor(i / WIDTH);
    if (row === 300 || row === 301) return 0;
    return row === 5 && i % WIDTH === 7 ? -1 : i;
  });
  expect(packed).toEqual(wanted);
  const marked = [...feeds.codes.entries()].filter(([, code]) => code !== 0);
  expect(marked.map(([row, code]) => [row, codes.reasonOf(code)?.rule])).toEqual([
    [300, 'null_list'],
    [301, 'list_length'],
  ]);
});
