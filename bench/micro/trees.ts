/*
 * Scores tree models both ways in one process, in turn: by prescore's own kernel and by ONNX Runtime, one thread each, rows in memory:
 * `node bench/micro/trees.ts [--rounds 8] [MODEL.onnx …]`. Rows are flights where a model takes 30 features, else random. Compares every bit.
 */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { Duck, literalPath, parquetSource, quoteText } from '../../src/data/duckdb/duckdb.ts';
import type { TensorValue } from '../../src/model/elements/elements.ts';
import type { ModelSession } from '../../src/model/elements/model-session.ts';
import { isSame } from '../../src/model/engine/open-model.ts';
import { openOnnx } from '../../test/harness/open-onnx.ts';
import { FLIGHT_FEATURES } from '../../test/harness/temp-job.ts';
import { machineFacts } from '../machine.ts';
import { printTable, writeResults } from '../report.ts';
import { spread } from '../statistics.ts';

const MODELS = ['fixtures/models/delay_histgb.onnx', 'fixtures/flights/delay_lgbm.onnx'];
const ROWS = 65_536;
const BATCH = 4096;
const FLIGHTS = 'fixtures/flights';
const MONTHS = 4;

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '8' } },
  allowPositionals: true,
});
const rounds = Number(values.rounds);
const models = positionals.length === 0 ? MODELS : positionals;

const flights = await readFlights();
const results = [];
for (const path of models) results.push(await compareModel(path));

const machine = machineFacts();
printTable(Object.entries(machine));
process.stdout.write(`\n${ROWS} rows, batches of ${BATCH}, ${rounds} rounds, one thread; microseconds a row\n\n`);
printTable([
  ['', 'load ms', 'ONNX Runtime', 'prescore', 'times as fast', 'batches with other bits'],
  ...results.map(({ model, loadMs, onnxruntime, prescore, wrong }) => [
    model,
    loadMs.toFixed(0),
    onnxruntime.min.toFixed(3),
    prescore.min.toFixed(3),
    (onnxruntime.min / prescore.min).toFixed(2),
    String(wrong),
  ]),
]);
const isWhole = positionals.length === 0;
process.stdout.write(
  `\n${writeResults('trees', isWhole, { case: 'trees', rows: ROWS, batch: BATCH, rounds, machine, results })}\n`,
);

async function compareModel(path: string) {
  const theirs = (await openOnnx(path, 'onnxruntime')).session;
  const started = performance.now();
  const ours = await openOnnx(path, 'auto');
  const loadMs = performance.now() - started;
  if (ours.choice.engine !== 'trees') throw new Error(`${path} is left to ONNX Runtime: ${ours.choice.why}`);
  const [input] = theirs.signature.inputs;
  const width = input!.dims[1] ?? FLIGHT_FEATURES.length;
  const data = width === FLIGHT_FEATURES.length ? flights : randomRows(width);
  const fetches = theirs.signature.outputs.filter((o) => o.type === 'float32').map((o) => o.name);
  const times = { onnxruntime: [] as number[], prescore: [] as number[] };
  let wrong = 0;
  for (let round = 0; round < rounds; round++) {
    const expected = await scoreAll(theirs, input!.name, data, width, fetches);
    const found = await scoreAll(ours.session, input!.name, data, width, fetches);
    times.onnxruntime.push(expected.microseconds);
    times.prescore.push(found.microseconds);
    wrong += expected.outputs.filter((output, i) => !isSame(output, found.outputs[i]!)).length;
  }
  return {
    model: basename(path),
    loadMs,
    onnxruntime: spread(times.onnxruntime),
    prescore: spread(times.prescore),
    wrong,
  };
}

async function scoreAll(
  session: ModelSession,
  input: string,
  data: Float32Array,
  width: number,
  fetches: readonly string[],
) {
  const outputs: TensorValue[] = [];
  const started = performance.now();
  for (let row = 0; row < ROWS; row += BATCH) {
    const rows = data.subarray(row * width, (row + BATCH) * width);
    const made = await session.run(new Map([[input, { type: 'float32', dims: [BATCH, width], data: rows }]]), fetches);
    for (const fetch of fetches) outputs.push(made.get(fetch)!);
  }
  return { outputs, microseconds: ((performance.now() - started) * 1000) / ROWS };
}

async function readFlights(): Promise<Float32Array> {
  const duck = await Duck.open({ memoryBytes: 512 * 2 ** 20, scratchDir: tmpdir(), scratchBytes: 2 ** 30 });
  const columns = FLIGHT_FEATURES.map((name) => `coalesce(${name}::FLOAT, 'nan'::FLOAT)`);
  const files = Array.from({ length: MONTHS }, (_, k) => `${FLIGHTS}/month=0${k + 1}`).flatMap((folder) =>
    readdirSync(folder).map((file) => quoteText(literalPath(`${folder}/${file}`))),
  );
  const from = parquetSource(files);
  const rows = new Float32Array(ROWS * columns.length);
  let done = 0;
  for await (const batch of duck.stream(`select ${columns.join(', ')} from ${from} limit ${ROWS}`, {
    where: FLIGHTS,
    columns: [],
  })) {
    columns.forEach((_, k) => {
      const column = batch.column(k).f32();
      for (let row = 0; row < batch.rows; row++) rows[(done + row) * columns.length + k] = column[row]!;
    });
    done += batch.rows;
  }
  duck.close();
  if (done !== ROWS) throw new Error(`${done} of ${ROWS} rows`);
  return rows;
}

function randomRows(width: number): Float32Array {
  return Float32Array.from({ length: ROWS * width }, () => 6 * Math.random() - 3);
}
