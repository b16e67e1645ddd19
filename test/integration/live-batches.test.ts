import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LiveTensor } from '../../src/base/contract/live-model.ts';
import type { TensorType } from '../../src/base/contract/signature.ts';
import { PrescoreError } from '../../src/base/errors/prescore-error.ts';
import { elementBytes, elementView } from '../../src/model/elements/elements.ts';
import { failureOf } from '../harness/failure-of.ts';
import { floats, openHost, putVersion, valuesOf } from '../harness/live-host.ts';
import { modelFolder, openModel } from '../harness/model-files.ts';
import { fixtures, tempFolder } from '../harness/temp-job.ts';

let models = '';
beforeAll(async () => {
  models = await modelFolder();
});

const made = (name: string): string => join(models, `${name}.onnx`);
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Elements of a tensor, as the runtime takes them. */
function dataOf(type: TensorType, count: number, at: (i: number) => number | string): LiveTensor['data'] {
  if (type === 'string') return Array.from({ length: count }, (_, i) => String(at(i)));
  const data = elementView(type, new ArrayBuffer(count * elementBytes(type)), 0, count);
  for (let i = 0; i < count; i++) {
    const value = Number(at(i));
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(value) + 2n ** 40n;
    else data[i] = type === 'float16' ? 0x3c00 * value : value;
  }
  return data;
}

/** A folder with one version of each of these models. */
function folderOf(...names: readonly string[]): string {
  const folder = tempFolder();
  for (const name of names) putVersion(folder, name, '1', made(name));
  return folder;
}

describe('batches of many callers', () => {
  const caller = fc.record({
    rows: fc.integer({ min: 0, max: 40 }),
    afterMs: fc.integer({ min: 0, max: 8 }),
    priority: fc.integer({ min: 0, max: 2 }),
    leavesAfterMs: fc.option(fc.integer({ min: 0, max: 6 }), { freq: 8 }),
  });

  it.each([
    ['an open batch', 'sum', 0],
    ['an open batch and a delay', 'sum', 2000],
    ['a fixed batch', 'fixed32', 0],
  ])('every answer returns to its owner: %s', async (_, name, maxQueueDelayMicros) => {
    const batches: number[] = [];
    const host = openHost(folderOf(name), {
      batcher: { maxBatchRows: 16, maxQueueDelayMicros },
      events: { onBatch: (_model, { requests }) => void batches.push(requests) },
    });
    const model = await host.model(name, null);
    let next = 0;
    const one = async ({
      rows,
      afterMs,
      priority,
      leavesAfterMs,
    }: typeof caller extends fc.Arbitrary<infer T> ? T : never) => {
      await wait(afterMs);
      const leaving = new AbortController();
      if (leavesAfterMs !== null) setTimeout(() => leaving.abort(), leavesAfterMs);
      // Whole numbers below 2^24: their sums are exact, and no two rows of a run have the same.
      const values = Float32Array.from({ length: rows * 3 }, (_, i) => (i % 3 === 0 ? next++ % 1_000_000 : i % 3));
      const want = Array.from({ length: rows }, (_, row) => values[row * 3]! + 3);
      try {
        const answer = await model.infer(floats('x', 3, values, { priority, signal: leaving.signal }));
        expect(valuesOf(answer, 'y')).toEqual(want);
        expect(answer.outputs.get('y')!.dims).toEqual([rows, 1]);
        expect(answer.failedRows).toEqual([]);
      } catch (error) {
        if (!(error instanceof PrescoreError)) throw error;
        expect([error.code, leavesAfterMs === null]).toEqual(['LIVE_CANCELLED', false]);
      }
    };
    await fc.assert(
      fc.asyncProperty(fc.array(caller, { maxLength: 60 }), async (callers) => {
        await Promise.all(callers.map(one));
        expect(host.stats()[0]).toMatchObject({ pendingRows: 0, pendingRequests: 0, restarts: 0 });
      }),
      { numRuns: 25 },
    );
    // Else nothing was proved.
    expect(Math.max(...batches)).toBeGreaterThan(1);
  });

  it('every element type and shape: the rows of several callers, and constants that are the same for all', async () => {
    const host = openHost(folderOf('types'));
    const model = await host.model('types', null);
    const ask = (seed: number, rows: number, scale: number) => {
      const inputs = new Map<string, LiveTensor>();
      for (const { name, type, dims } of model.signature.inputs) {
        const shape = dims.map((d) => d ?? rows);
        const count = shape.reduce((product, d) => product * d, 1);
        const number = (i: number): number => (name === 'scale' ? scale : (name === 'weights' ? i : seed * 31 + i) % 2);
        const data = dataOf(type!, count, (i) => (type === 'string' ? `${name} ${seed} ${i} é\n"` : number(i)));
        inputs.set(name, { type: type!, dims: shape, data });
      }
      return model.infer({ inputs, outputs: null, rows, deadlineMs: 10_000, priority: 0, signal: null });
    };
    // Alone, then together: the same answers.
    const cases = [
      [1, 3, 1],
      [2, 1, 1],
      [3, 5, 1],
      [4, 2, 7],
      [5, 300, 1],
    ] as const;
    const alone = [];
    for (const [seed, rows, scale] of cases) alone.push((await ask(seed, rows, scale)).outputs);
    const together = await Promise.all(cases.map(([seed, rows, scale]) => ask(seed, rows, scale)));
    expect(together.map(({ outputs }) => outputs)).toEqual(alone);
    expect(together.map(({ batchRows }) => batchRows)).toEqual([9, 9, 9, 2, 256]);
    expect(together[1]!.outputs.get('text_out')!.data).toEqual(['text 2 0 é\n"']);
    expect(together[2]!.outputs.get('i64_out')!.data).toEqual(
      new BigInt64Array([1n, 0n, 1n, 0n, 1n].map((n) => n + 2n ** 40n)),
    );
  });

  it.each([
    ['flights/delay_lgbm', 'input', 'probabilities'],
    ['models/delay_mlp', 'features', 'score'],
  ])('the bits of %s are those of a batch of 4096', async (path, input, output) => {
    const file = join(fixtures, `${path}.onnx`);
    const folder = tempFolder();
    putVersion(folder, 'm', '1', file);
    const model = await openHost(folder).model('m', null);
    const width = model.signature.inputs[0]!.dims[1]!;
    let seed = 1;
    const random = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const rows = 4096;
    const all = Float32Array.from({ length: rows * width }, () => Math.round(random() * 2000) / 10);
    const session = await openModel(file);
    const feeds = new Map([[input, { type: 'float32' as const, dims: [rows, width], data: all }]]);
    const batch = (await session.run(feeds, [output])).get(output)!;
    const bits = (data: unknown): Buffer =>
      Buffer.from((data as Float32Array).buffer, (data as Float32Array).byteOffset, (data as Float32Array).byteLength);
    const parts: Promise<Buffer>[] = [];
    for (let from = 0; from < rows; ) {
      const to = Math.min(rows, from + 1 + Math.floor(random() * 40));
      const request = floats(input, width, all.subarray(from * width, to * width), { outputs: [output] });
      parts.push(model.infer(request).then(({ outputs }) => bits(outputs.get(output)!.data)));
      from = to;
    }
    expect(Buffer.concat(await Promise.all(parts)).equals(bits(batch.data))).toBe(true);
    await session.close();
  });
});

describe('what a model refuses', () => {
  it('costs the guilty rows alone: their batch is bisected', async () => {
    const runs: number[] = [];
    const host = openHost(folderOf('gather'), {
      events: { onBatch: (_model, { executions }) => void runs.push(executions) },
    });
    const model = await host.model('gather', null);
    const ask = (...index: readonly bigint[]) => {
      const tensor: LiveTensor = { type: 'int64', dims: [index.length], data: BigInt64Array.from(index) };
      return model.infer({
        inputs: new Map([['index', tensor]]),
        outputs: null,
        rows: index.length,
        deadlineMs: 10_000,
        priority: 0,
        signal: null,
      });
    };
    const answers = await Promise.all([ask(0n, 1n), ask(99n), ask(2n, 50n, 3n), ask(3n)]);
    expect(answers.map((answer) => valuesOf(answer, 'value'))).toEqual([[10, 11], [0], [12, 0, 13], [13]]);
    expect(answers.map(({ failedRows }) => failedRows.map(({ row }) => row))).toEqual([[], [0], [1], []]);
    expect(answers[1]!.failedRows[0]!.message).toMatch(/idx=99 must be within the inclusive range/);
    expect(answers.map(({ batchRows }) => batchRows)).toEqual([7, 7, 7, 7]);
    expect(runs).toEqual([11]);
    // 300 rows are two batches; the answer is in the order of the request.
    const many = await ask(...Array.from({ length: 300 }, (_, i) => (i === 270 ? 9n : BigInt(i % 4))));
    expect(valuesOf(many, 'value')).toEqual(Array.from({ length: 300 }, (_, i) => (i === 270 ? 0 : 10 + (i % 4))));
    expect(many.failedRows.map(({ row }) => row)).toEqual([270]);
  });

  it('an output without rows is MODEL_OUTPUT_SHAPE; more memory than there is, MODEL_FAILED', async () => {
    const host = openHost(folderOf('total', 'huge'));
    const total = await host.model('total', null);
    const shape = await failureOf(() => total.infer(floats('x', 3, [1, 2, 3, 4, 5, 6])));
    expect(shape.message).toMatch(/^MODEL_OUTPUT_SHAPE: .*output y is not the batch; expected \[2, …\]; got \[\]/);
    const huge = await host.model('huge', null);
    const failed = await failureOf(() => huge.infer(floats('x', 3, [1, 2, 3, 4, 5, 6])));
    expect(failed.message).toMatch(/^MODEL_FAILED: .*160000000000/);
    expect(host.stats().map(({ restarts }) => restarts)).toEqual([0, 0]);
  });

  it('no rows are an answer of no rows; a misfit is LIVE_REQUEST and costs nobody else anything', async () => {
    const model = await openHost(folderOf('sum')).model('sum', null);
    const bad = failureOf(() => model.infer(floats('z', 3, [1, 2, 3])));
    const good = model.infer(floats('x', 3, [1, 2, 3]));
    expect((await model.infer(floats('x', 3, []))).outputs.get('y')).toEqual({
      type: 'float32',
      dims: [0, 1],
      data: new Float32Array(0),
    });
    expect((await bad).code).toBe('LIVE_REQUEST');
    expect(valuesOf(await good, 'y')).toEqual([6]);
  });
});

describe('a queue under load', () => {
  it('refuses what is over its rows at once, and drops what is too late before it is scored', async () => {
    const failures: string[] = [];
    let scored = 0;
    const host = openHost(folderOf('sum'), {
      batcher: { maxBatchRows: 2, maxQueueRows: 6 },
      events: {
        onFailure: (_model, code) => void failures.push(code),
        onBatch: (_model, { rows }) => {
          scored += rows;
        },
      },
    });
    // A stopped child scores nothing: one batch is in it, one waits in the pipe.
    const model = await host.model('sum', null);
    const ask = (deadlineMs: number) =>
      failureOf(() => model.infer(floats('x', 3, [1, 2, 3], { deadlineMs }))).catch(() => null);
    const { pid } = host.stats()[0]!;
    process.kill(pid!, 'SIGSTOP');
    const started = performance.now();
    const first = ask(10_000);
    await wait(20);
    const late = Array.from({ length: 6 }, () => ask(60));
    const refused = await ask(10_000);
    expect(refused?.message).toMatch(/^LIVE_OVERLOADED: .*expected at most 6 rows and \d+ bytes; got [46] rows/);
    expect((await Promise.all(late)).map((error) => error?.code)).toEqual(new Array(6).fill('LIVE_DEADLINE'));
    expect(performance.now() - started).toBeLessThan(600);
    process.kill(pid!, 'SIGCONT');
    expect(await first).toBe(null);
    expect(failures.sort()).toEqual([...new Array<string>(6).fill('LIVE_DEADLINE'), 'LIVE_OVERLOADED']);
    // At most the one batch that was in the pipe already.
    expect(scored).toBeLessThanOrEqual(3);
  });
});
