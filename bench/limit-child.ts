/*
 * One process of the limit: onnxruntime-node alone, one intra-op thread, rows in memory, batches of 4,096. Sixteen batches
 * (65,536 rows spread over the whole input) are scored again and again, so that reading them is next to nothing.
 * Arguments: MODEL ROWS_FOLDER ROWS. Prints {"rows", "mean"}.
 */
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';

interface RowsInput {
  readonly name: string;
  readonly type: 'float32' | 'int64' | 'string';
  readonly width: number;
  readonly offset: number;
  readonly texts?: readonly string[];
}

interface RowsFile {
  readonly batch: number;
  readonly batches: number;
  readonly inputs: readonly RowsInput[];
}

type Feeds = Record<string, ort.Tensor>;

function sliceInput(bytes: ArrayBuffer, input: RowsInput, start: number, end: number): ort.Tensor {
  const { offset, width, type, texts } = input;
  const [from, count] = [start * width, (end - start) * width];
  const dims = [end - start, width];
  if (type === 'float32') return new ort.Tensor(type, new Float32Array(bytes, offset + from * 4, count), dims);
  if (type === 'int64') return new ort.Tensor(type, new BigInt64Array(bytes, offset + from * 8, count), dims);
  const codes = new Int32Array(bytes, offset + from * 4, count);
  return new ort.Tensor(
    type,
    Array.from(codes, (code) => texts![code]!),
    dims,
  );
}

function loadBatches(folder: string, rowsFile: RowsFile, lastRows: number): { whole: Feeds[]; last: Feeds } {
  const file = readFileSync(`${folder}/rows.bin`);
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer;
  const feeds = (start: number, end: number): Feeds =>
    Object.fromEntries(rowsFile.inputs.map((input) => [input.name, sliceInput(bytes, input, start, end)]));
  const { batch, batches } = rowsFile;
  const whole = Array.from({ length: batches }, (_, k) => feeds(k * batch, (k + 1) * batch));
  return { whole, last: feeds(0, lastRows) };
}

/** Scores `rows` rows; answers with the mean of the last output's last element a row, to show that work was done. */
export async function scoreShare(model: string, folder: string, rows: number): Promise<{ rows: number; mean: number }> {
  const rowsFile = JSON.parse(readFileSync(`${folder}/rows.json`, 'utf8')) as RowsFile;
  const { batch, batches } = rowsFile;
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  });
  const { whole, last } = loadBatches(folder, rowsFile, rows % batch);
  const fetch = session.outputNames.at(-1)!;
  let sum = 0;
  for (let done = 0, k = 0; done < rows; done += batch, k++) {
    const results = await session.run(rows - done < batch ? last : whole[k % batches]!);
    sum += (results[fetch]!.data as Float32Array).at(-1)!;
  }
  return { rows, mean: sum / Math.max(1, Math.ceil(rows / batch)) };
}

if (import.meta.main) {
  const [model, folder, rows] = process.argv.slice(2) as [string, string, string];
  process.stdout.write(`${JSON.stringify(await scoreShare(model, folder, Number(rows)))}\n`);
}
