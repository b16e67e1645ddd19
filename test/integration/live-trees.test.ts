import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { LiveModel } from '../../src/base/contract/live-model.ts';
import { seeded } from '../../src/model/elements/seeded.ts';
import { floats, openHost, until } from '../harness/live-host.ts';
import { sha256Of, tempFolder } from '../harness/temp-job.ts';

const FOREST = 'fixtures/models/delay_histgb.onnx';
const given = (path: string) => ({ name: 'trees', version: '1', sha256: sha256Of(path), file: { path } });

/** 3,000 rows of 30 features: more than the server takes by itself. */
function rowsOf(width: number): Float32Array {
  const random = seeded(3);
  return Float32Array.from({ length: 3000 * width }, () => (random() < 0.1 ? Number.NaN : random() * 2000 - 100));
}

async function scoresOf(model: LiveModel, rows: Float32Array, output: string): Promise<unknown[]> {
  const { outputs } = await model.infer(floats('input', 30, rows));
  return Array.from(outputs.get(output)!.data as Float32Array);
}

test('a few rows of trees, scored in the server, have the bits of many, which its child scores; also when it is gone', async () => {
  const computed: number[] = [];
  const host = openHost(null, { events: { onBatch: (_, { rows }) => void computed.push(rows) } });
  const model = await host.addModel(given(FOREST));
  const rows = rowsOf(30);
  const whole = {
    label: await scoresOf(model, rows, 'label'),
    probabilities: await scoresOf(model, rows, 'probabilities'),
  };
  process.kill(host.stats()[0]!.pid!, 'SIGKILL');
  await until(() => host.stats()[0]!.child !== 'ready');
  for (const count of [1, 2, 40, 100])
    for (const at of [0, 300, 2900]) {
      const part = rows.subarray(at * 30, (at + count) * 30);
      expect(await scoresOf(model, part, 'label')).toEqual(whole.label.slice(at, at + count));
      expect(await scoresOf(model, part, 'probabilities')).toEqual(whole.probabilities.slice(2 * at, 2 * (at + count)));
    }
  await expect(scoresOf(model, rows, 'label')).rejects.toMatchObject({ code: 'LIVE_UNAVAILABLE' });
  expect(computed.filter((count) => count === 2)).toHaveLength(6);
});

test('bytes of any view are taken as the tensor that they are', async () => {
  const model = await openHost(null).addModel(given(FOREST));
  const rows = rowsOf(30).subarray(30, 90);
  // An odd place in its buffer.
  const bytes = new Uint8Array(rows.byteLength + 1);
  bytes.set(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength), 1);
  const request = floats('input', 30, rows);
  const odd = { ...request.inputs.get('input')!, data: bytes.subarray(1) };
  const [plain, other] = await Promise.all([
    model.infer(request),
    model.infer({ ...request, inputs: new Map([['input', odd]]) }),
  ]);
  expect(other.outputs.get('probabilities')).toEqual(plain.outputs.get('probabilities'));
});

test("a trainer's file is scored in the server as well", async () => {
  const path = join(tempFolder(), 'model.json');
  writeFileSync(path, gunzipSync(readFileSync('fixtures/trainers/xgboost_binary.json.gz')));
  const host = openHost(null);
  const model = await host.addModel(given(path));
  const inputs = new Map(
    model.signature.inputs.map(({ name, type, dims }) => {
      const data = new Float32Array(dims[1] ?? 1).fill(0.5);
      return [name, { type: type!, dims: [1, dims[1] ?? 1], data }] as const;
    }),
  );
  process.kill(host.stats()[0]!.pid!, 'SIGKILL');
  await until(() => host.stats()[0]!.child !== 'ready');
  const { outputs } = await model.infer({ inputs, outputs: null, rows: 1, deadlineMs: 100, priority: 0, signal: null });
  expect([...outputs.keys()].sort()).toEqual(['prediction', 'probability', 'raw']);
});
