/*
 * Contributions of features to the scores of trainers' own files, beside the trainers themselves: `node bench/micro/explain.ts [--rounds 5]
 * [--rows 2000] [--python python3]`. The Python has numpy, pyarrow, lightgbm, xgboost and catboost. One thread each; CPU time, so that others on the machine matter
 * less. Models are trained on flights with a made label.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Contributions } from '../../src/model/engine/contributions.ts';
import { readNativeModel } from '../../src/model/native/read-native-model.ts';
import type { Ensemble } from '../../src/model/trees/ensemble.ts';
import { plainScores } from '../../src/model/trees/plain-scores.ts';
import { FLIGHT_FEATURES } from '../../test/harness/temp-job.ts';
import { machineFacts } from '../machine.ts';
import { printTable, writeResults } from '../report.ts';
import { spread } from '../statistics.ts';

const FLIGHTS = 'fixtures/flights';
const MODELS = ['lightgbm_200x31.txt', 'lightgbm_100x255.txt', 'xgboost_200x64.json', 'catboost_200x64.cbm'];
const SCRIPT = 'bench/python/explain.py';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    rows: { type: 'string', default: '2000' },
    python: { type: 'string', default: 'python3' },
  },
});
const rounds = Number(values.rounds);
const count = Number(values.rows);

const folder = mkdtempSync(join(tmpdir(), 'prescore-explain-'));
try {
  const rowsPath = join(folder, 'rows.f32');
  const files = readdirSync(FLIGHTS)
    .filter((name) => name.startsWith('month='))
    .flatMap((month) => readdirSync(join(FLIGHTS, month)).map((file) => join(FLIGHTS, month, file)));
  python(['train', folder, FLIGHT_FEATURES.join(','), String(count), ...files]);
  const rows = new Float32Array(new Uint8Array(readFileSync(rowsPath)).buffer);
  const results = MODELS.map((model) => compare(model, rows, rowsPath));
  const machine = machineFacts();
  printTable(Object.entries(machine));
  process.stdout.write(`\n${count} rows, best of ${rounds} rounds, one thread; microseconds of CPU a row\n\n`);
  printTable([
    ['', 'trainer', 'prescore, first', 'prescore', 'times as fast', 'largest difference, of the largest of the row'],
    ...results.map((one) => [
      one.model,
      one.trainer.min.toFixed(1),
      one.first.toFixed(1),
      one.prescore.min.toFixed(1),
      (one.trainer.min / one.prescore.min).toFixed(2),
      one.difference.toExponential(1),
    ]),
  ]);
  const result = { case: 'explain', rows: count, rounds, machine, results };
  process.stdout.write(`\n${writeResults('explain', true, result)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function python(args: readonly string[]): string {
  return execFileSync(values.python, [SCRIPT, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function compare(model: string, floats: Float32Array, rowsPath: string) {
  const path = join(folder, model);
  const args = ['run', path, rowsPath, String(FLIGHT_FEATURES.length), String(rounds)];
  const trainer = python(args).trim().split('\n').map(Number);
  const expected = new Float64Array(new Uint8Array(readFileSync(`${rowsPath}.contributions`)).buffer);
  const { ensemble } = readNativeModel(readFileSync(path), model);
  const rows = ensemble.values === 'float32' ? floats : Float64Array.from(floats);
  const raw = plainScores(ensemble, rows);
  const contributions = Contributions.byCover(ensemble, model);
  const ours: number[] = [];
  let found = new Float64Array(0);
  for (let round = 0; round <= rounds; round++) {
    const begun = process.cpuUsage();
    found = contributions.of(rows, raw).data as Float64Array<ArrayBuffer>;
    const { user, system } = process.cpuUsage(begun);
    ours.push((user + system) / count);
  }
  // The first round computes what the others look up.
  const [first = 0, ...later] = ours;
  const difference = largestDifference(found, expected, ensemble);
  return { model, trainer: spread(trainer), first, prescore: spread(later), difference };
}

function largestDifference(found: Float64Array, expected: Float64Array, { features, targets }: Ensemble): number {
  const width = targets * (features + 1);
  let worst = 0;
  for (let from = 0; from < found.length; from += width) {
    const own = expected.subarray(from, from + width);
    const most = own.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    own.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(found[from + i]! - value) / most);
    });
  }
  return worst;
}
