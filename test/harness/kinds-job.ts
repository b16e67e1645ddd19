import { join } from 'node:path';
import { pinnedModel } from './model-files.ts';

const FEATURES = {
  i8: 'i8',
  u8: 'u8',
  i16: 'i16',
  u16: 'u16',
  i32: 'i32',
  u32: 'u32',
  i64: 'i64',
  u64: 'u64',
  half: ['h0', 'h1', 'h2'],
  double: ['d0', 'd1'],
  flag: 'flag',
  text: 'text',
  words: ['w0', 'w1'],
  cube: ['c0', 'c1', 'c2', 'c3', 'c4', 'c5'],
  list: 'list',
  half_list: 'list',
  scale: { value: 2.5 },
  shift: { value: -1 },
  weights: { value: [1, 2, 3, 4, 5, 6] },
};

const OUTPUTS = {
  i8: 'i8_out',
  u8: 'u8_out',
  i16: 'i16_out',
  u16: 'u16_out',
  i32: 'i32_out',
  u32: 'u32_out',
  i64: 'i64_out',
  u64: 'u64_out',
  half_square: 'half_square',
  half_second: { tensor: 'half_square', index: 1 },
  half_sum: 'half_sum',
  double_sum: 'double_sum',
  not_flag: 'not_flag',
  text: 'text_out',
  second_word: { tensor: 'words_out', index: 1 },
  cube_sums: 'cube_sums',
  list_scaled: 'list_scaled',
  half_list_sum: 'half_list_sum',
  best: 'best',
  best_index: { tensor: 'list_scaled', argmax: true },
  best_text: { tensor: 'list_scaled', argmax: true, labels: ['a', 'b', 'c', 'd', 'e', 'f'] },
  best_number: { tensor: 'list_scaled', argmax: true, labels: [10, 20, 30, 40, 50, 60] },
  best_fraction: { tensor: 'half_square', argmax: true, labels: [0.5, 1.5, 2.5] },
  as_int8: 'as_int8',
};

/**
 * One model with every element type and every shape of a feed, scored in batches of 100 (1,037 rows: the last batch is odd, and row groups
 * end inside batches). `models` is that of `modelFolder`.
 */
export function kindsJob(models: string, output: string): Readonly<Record<string, unknown>> {
  return {
    model: pinnedModel(join(models, 'types.onnx')),
    input: { uri: join(models, 'types.parquet') },
    features: FEATURES,
    outputs: OUTPUTS,
    id: ['id'],
    output: { uri: output },
    execution: { scorers: 1, batchRows: 100 },
  };
}
