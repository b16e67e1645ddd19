import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { Comparison } from '../../src/scoring/bench/comparison.ts';
import { type CliResult, prescore } from '../harness/cli.ts';
import { pythonPath, runPython } from '../harness/python.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { fixtures, sha256Of, tempFolder } from '../harness/temp-job.ts';

interface Optimized {
  readonly says: string;
  readonly rows: string;
  readonly bytes: { readonly parent: number; readonly changed: number };
  readonly sha256: string;
  readonly comparison: Comparison;
  readonly accept: readonly { readonly rule: string; readonly isMet: boolean }[];
  readonly kept: string | null;
}

interface ByPython {
  readonly rows: number;
  readonly max: number;
  readonly mean: number;
  readonly p99: number;
  readonly flips: number;
  readonly auc: readonly [number, number];
}

const folder = suiteFolder();
const train = join(folder, 'train.parquet');
const test_ = join(folder, 'test.parquet');
let python = '';

beforeAll(async () => {
  await runPython('make_vectors.py', [train, '600', '1']);
  await runPython('make_vectors.py', [test_, '3000', '2']);
  python = await pythonPath();
}, 300_000);

/** A copy of a network that a test may write beside. */
function network(): string {
  const path = join(tempFolder(), 'net.onnx');
  copyFileSync(join(fixtures, 'models/delay_mlp.onnx'), path);
  return path;
}

function optimize(model: string, ...args: readonly string[]): Promise<CliResult> {
  return prescore(['model', 'optimize', model, ...args], { env: { PYTHONPATH: python }, timeoutMs: 180_000 });
}

const reportOf = ({ events }: CliResult): Optimized =>
  events.find(({ event }) => event === 'optimized') as unknown as Optimized;

test('int8: the report is what Python finds, and the model is kept where it is accepted', async () => {
  const model = network();
  const args = ['--int8', '--calibrate', train, '--data', test_, '--labels', 'late', '--rows', '2500'];
  const accept = 'flips<5%,max<0.3,p99<0.1,auc_drop<2%';
  const result = await optimize(model, ...args, '--accept', accept, '--json');
  expect(result.stderr).toBe('');
  expect(result.code).toBe(0);
  const { kept, comparison, bytes, sha256, says, rows } = reportOf(result);
  expect(says).toMatch(/^int8: 2 layers in eight bits, 1 before the outputs kept \(onnxruntime /);
  expect(rows).toBe(`the first 2,500 of ${test_}`);
  expect(kept).toBe(model.replace('.onnx', '.int8.onnx'));
  expect(sha256Of(kept!)).toBe(sha256);
  expect(bytes.changed).toBe(readFileSync(kept!).length);
  expect(bytes.changed).toBeLessThan(0.4 * bytes.parent);
  const head = join(folder, 'head.parquet');
  await runPython('first_rows.py', [test_, head, '2500']);
  const found = JSON.parse(await runPython('check_changed.py', [model, kept!, head, 'late'])) as ByPython;
  expect(comparison.rows).toBe(found.rows);
  const [score] = comparison.outputs;
  expect(score!.max).toBeCloseTo(found.max, 7);
  expect(score!.mean).toBeCloseTo(found.mean, 7);
  expect(score!.p99).toBeCloseTo(found.p99, 7);
  expect(comparison.flips).toEqual({ count: found.flips, share: found.flips / 2500, by: 'score above 0.5' });
  expect(comparison.auc).toMatchObject({ output: 'score', rows: 2500 });
  expect([comparison.auc!.parent, comparison.auc!.changed]).toEqual(found.auc.map((one) => expect.closeTo(one, 9)));
  expect(comparison.speed.map(({ batchRows }) => batchRows)).toEqual([1, 64, 4096]);
  // Its input is what it was: whoever feeds the parent feeds it.
  const inspected = await prescore(['model', 'inspect', kept!, '--json']);
  expect((inspected.events[0] as { about: { inputs: unknown } }).about.inputs).toEqual([
    { name: 'features', type: 'float32', shape: ['batch', 256] },
  ]);
  // Once more: the same bytes are no reason to fail, others are never written over.
  const again = await optimize(model, ...args, '--accept', accept, '--json');
  expect([again.code, reportOf(again).kept]).toEqual([0, kept]);
  writeFileSync(kept!, 'mine');
  const refused = await optimize(model, ...args, '--accept', accept);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('another file is there already');
  expect(readFileSync(kept!, 'utf8')).toBe('mine');
}, 300_000);

test('what --accept does not allow is not kept: exit code 8, with the figures; without it nothing is', async () => {
  const model = network();
  const args = ['--int8', '--calibrate', train];
  const refused = await optimize(model, ...args, '--accept', 'max<1e-6,flips<50%');
  expect(refused.code).toBe(8);
  expect(refused.stderr).toMatch(
    /^MODEL_NOT_ACCEPTED: nothing was kept: max<1e-6 does not hold; .*got max<1e-6: 0\.\d+\./,
  );
  expect(refused.stdout).toMatch(/^refused {3}max<1e-6: 0\.\d+$/m);
  expect(refused.stdout).toMatch(/^accepted {2}flips<50%: \d+\.\d\d %$/m);
  expect(refused.stdout).toContain('the ranges were found on rows of the same table');
  const alone = await optimize(model, ...args);
  expect([alone.code, alone.stderr]).toEqual([0, '']);
  expect(alone.stdout).toMatch(/^kept {2}nothing: --accept says what would be$/m);
  expect(existsSync(model.replace('.onnx', '.int8.onnx'))).toBe(false);
}, 300_000);

test('fp16 keeps its inputs, halves the file, and differs by little', async () => {
  const model = network();
  const out = join(tempFolder(), 'half.onnx');
  const args = ['--fp16', '--data', test_, '--accept', 'max<0.01', '--out', out, '--json'];
  const { kept, bytes, comparison } = reportOf(await optimize(model, ...args));
  expect(kept).toBe(out);
  expect(bytes.changed / bytes.parent).toBeCloseTo(0.5, 1);
  const [score] = comparison.outputs;
  expect(score!.max).toBeGreaterThan(0);
  expect(score!.max).toBeLessThan(0.01);
  const found = JSON.parse(await runPython('check_changed.py', [model, out, test_])) as ByPython;
  expect([score!.max, score!.mean]).toEqual([expect.closeTo(found.max, 7), expect.closeTo(found.mean, 7)]);
}, 300_000);

test.each(['basic', 'all'])(
  'a graph of level %s, on made-up rows: the same bits',
  async (level) => {
    const model = join(tempFolder(), 'mixed.onnx');
    copyFileSync(join(fixtures, 'models/delay_mixed.onnx'), model);
    const args = ['--graph', level, '--rows', '500', '--accept', 'max<=0,flips<=0', '--json'];
    const result = await optimize(model, ...args);
    expect([result.code, result.stderr]).toEqual([0, '']);
    const { kept, rows, comparison } = reportOf(result);
    expect(rows).toMatch(/^500 made-up rows/);
    expect(comparison).toMatchObject({ rows: 500, isMadeUp: true, flips: { count: 0 } });
    const { parent, changed } = comparison.exactness;
    expect([parent.policy, changed.policy]).toEqual(['pad8', 'pad8']);
    expect(changed.rows).toBeGreaterThan(100);
    expect(kept).toBe(model.replace('.onnx', `.graph-${level}.onnx`));
    expect((await prescore(['model', 'inspect', kept!])).code).toBe(0);
  },
  120_000,
);

test('lists of any length are fed as a run feeds them', async () => {
  const made = tempFolder();
  await runPython('make_sequences.py', [made]);
  const columns = ['--features', 'input_ids=tokens'];
  const args = ['--graph', 'basic', '--data', join(made, 'rows.parquet'), '--accept', 'max<1e-5', '--json'];
  const result = await optimize(join(made, 'encoder.onnx'), ...args, ...columns, '--out', join(tempFolder(), 'e.onnx'));
  expect(result.stderr).toBe('');
  const { comparison, kept } = reportOf(result);
  expect(comparison.rows).toBeGreaterThan(200);
  expect(kept).not.toBeNull();
  const rows = join(made, 'rows.parquet');
  const eight = await optimize(join(made, 'encoder.onnx'), '--int8', '--calibrate', rows, ...columns, '--json');
  expect([eight.code, eight.stderr]).toEqual([0, '']);
  const [score] = reportOf(eight).comparison.outputs;
  expect(score!.max).toBeGreaterThan(0);
  expect(score!.max).toBeLessThan(0.2);
}, 120_000);

test('trees have nothing to quantize, and it is said of which', async () => {
  for (const [model, says] of [
    [join(fixtures, 'flights/delay_lgbm.onnx'), 'the model is 300 trees'],
    [join(fixtures, 'models/delay_mixed.onnx'), 'no layer with weights'],
  ] as const) {
    const { code, stderr } = await optimize(model, '--int8', '--calibrate', train);
    expect(code).toBe(5);
    expect(stderr).toContain('MODEL_NOT_CHANGED: there is nothing to quantize');
    expect(stderr).toContain(says);
  }
}, 120_000);

test('a Python that lacks the packages is told the line that installs them', async () => {
  const model = network();
  const bare = join(tempFolder(), 'bare-python');
  writeFileSync(bare, '#!/bin/sh\nexec python3 -I -S "$@"\n');
  chmodSync(bare, 0o755);
  const lacking = await optimize(model, '--fp16', '--python', bare);
  expect(lacking.code).toBe(2);
  expect(lacking.stderr).toMatch(/PYTHON_UNUSABLE: it has no package \w+; .*-m pip install onnxruntime==\S+ onnx==\S+/);
  const missing = await optimize(model, '--fp16', '--python', join(tempFolder(), 'none'));
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('PYTHON_UNUSABLE: it cannot be started')]);
}, 120_000);

test.each([
  [[], 'it is not said how'],
  [['--fp16', '--graph', 'basic'], 'one way at a time'],
  [['--int8'], '--int8 needs rows'],
  [['--fp16', '--calibrate', 'x.parquet'], '--calibrate belongs to --int8'],
  [['--fp16', '--labels', 'late'], '--labels is a column of the data'],
  [['--fp16', '--accept', 'auc_drop<1%'], 'no labels are given'],
  [['--fp16', '--accept', 'nonsense'], 'is no condition'],
])('%j is refused before anything is opened', async (args, says) => {
  const { code, stderr } = await optimize('none.onnx', ...args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(says)]);
});

test('columns that are not sure and labels that are not of two classes are refused', async () => {
  const flights = join(fixtures, 'flights/month=01/part-0.parquet');
  const trees = join(fixtures, 'flights/delay_lgbm.onnx');
  const unsure = await optimize(trees, '--graph', 'basic', '--data', flights);
  expect([unsure.code, unsure.stderr]).toEqual([2, expect.stringContaining('it is not sure which columns feed input')]);
  const model = network();
  const many = await optimize(model, '--graph', 'basic', '--data', test_, '--labels', 'flight_id');
  expect([many.code, many.stderr]).toEqual([2, expect.stringContaining('is not of two classes')]);
  const none = await optimize(model, '--graph', 'basic', '--data', test_, '--labels', 'lat');
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('--labels: there is no such column')]);
}, 120_000);
