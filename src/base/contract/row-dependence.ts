/**
 * Why a row's prediction is not a function of the row alone. neighbours: it depends on the other rows of its batch. quantization: the model
 * quantizes by the values of a batch, so it can. random: the same batch gives something else the next time. size: its last bits depend on how
 * many rows are scored with it. threads: they depend on how many threads share a batch.
 */
export type RowDependence = 'neighbours' | 'quantization' | 'random' | 'size' | 'threads';

/** What a trial of a model finds; null where it could not be tried. */
export type RowTrial = 'none' | 'neighbours' | 'random' | null;

const WORDS: Readonly<Record<RowDependence, string>> = {
  neighbours:
    "a row's prediction depends on the other rows of its batch (batch normalization in training mode, or a softmax, mean or sort over the rows): with other batches, files or requests it gets another one",
  quantization:
    'this model quantizes dynamically: the prediction of a row can depend on the other rows of its batch; quantize statically for repeatable ones',
  random:
    'the model is not deterministic (random operators, dropout in training mode): the same rows get other predictions every time',
  size: "the last bits of a row's prediction depend on how many rows are scored with it, and neither padding nor batches of one size helps",
  threads:
    "the last bits of a row's prediction are others with several threads (execution.intraOpThreads) than with one, which serve and stream have",
};

/** The sentence that people are told. */
export function sayRowDependence(dependence: RowDependence): string {
  return WORDS[dependence];
}

/** Joins what the file says of a model and what a trial found. */
export function rowDependence(isQuantized: boolean, found: RowTrial): RowDependence | null {
  if (found === 'random') return 'random';
  if (isQuantized) return 'quantization';
  return found === 'neighbours' ? 'neighbours' : null;
}
