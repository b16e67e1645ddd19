import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { pinnedModel } from '../harness/model-files.ts';
import { runPython } from '../harness/python.ts';
import { readOutput, readParquet } from '../harness/read-parquet.ts';
import { type RedisServer, startRedis } from '../harness/redis-server.ts';
import { ask, startServe, writeServe } from '../harness/serve-process.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { tempFolder, writeJob } from '../harness/temp-job.ts';

interface Expected {
  readonly encoder: readonly ({ readonly score: readonly [number]; readonly embedding: readonly number[] } | null)[];
  readonly plain: Expected['encoder'];
  readonly steps: readonly number[];
  readonly two: readonly number[];
  readonly tags: readonly (readonly number[] | null)[];
}

const ENCODER = { input_ids: 'tokens', attention_mask: { maskOf: 'input_ids' }, token_type_ids: { value: 0 } };
const PADDED = { ...ENCODER, input_ids: { columns: 'tokens', pad: 0, maxLength: 100 } };
const BAD = [
  [7, 'null_list', 'list is null'],
  [8, 'list_length', 'list is empty'],
  [9, 'null', 'an element is null'],
  [10, 'list_length', 'list has 200 steps, more than 100 (maxLength)'],
];

describe('lists of any length', () => {
  const made = suiteFolder();
  let expected: Expected;
  beforeAll(async () => {
    await runPython('make_sequences.py', [made]);
    expected = JSON.parse(readFileSync(join(made, 'expected.json'), 'utf8')) as Expected;
  }, 120_000);

  const job = (folder: string, model: string, changes: object): string =>
    writeJob(folder, {
      model: pinnedModel(join(made, `${model}.onnx`)),
      input: { uri: join(made, 'rows.parquet') },
      id: ['row_id'],
      output: { uri: join(folder, 'out') },
      rejects: { limit: 10 },
      ...changes,
    });

  async function rowsOf(folder: string): Promise<Map<number, Record<string, unknown>>> {
    return new Map((await readOutput(join(folder, 'out'))).map((row) => [Number(row['row_id']), row]));
  }

  /** The largest difference to what onnxruntime says of each row alone, and how many rows there are. */
  async function distance(folder: string, want: Expected['encoder']): Promise<{ rows: number; off: number }> {
    const found = await rowsOf(folder);
    let off = 0;
    for (const [id, row] of found) {
      const { score, embedding } = want[id]!;
      const got = [Number(row['score']), ...(row['embedding'] as number[])];
      for (const [i, value] of [...score, ...embedding].entries()) off = Math.max(off, Math.abs(value - got[i]!));
    }
    return { rows: found.size, off };
  }

  it.each([
    ['rows.parquet', {}],
    ['rows.parquet', { batchRows: 7 }],
    ['rows.parquet', { batchRows: 1 }],
    ['rows.arrow', {}],
    ['rows.jsonl', {}],
  ])('%s padded to the longest of a batch, with a mask: %o', async (input, execution) => {
    const folder = tempFolder();
    const path = job(folder, 'encoder', {
      features: PADDED,
      input: { uri: join(made, input) },
      execution: { scorers: 1, ...execution },
    });
    const { code, stderr } = await prescore(['run', path]);
    expect([code, stderr]).toEqual([3, expect.any(String)]);
    const { rows, off } = await distance(folder, expected.encoder);
    expect(rows).toBe(296);
    expect(off).toBeLessThan(1e-5);
    const shown = await prescore(['rejects', 'show', path, '--json']);
    // Lines count from 1.
    const first = input.endsWith('.jsonl') ? 1 : 0;
    for (const [row, rule, message] of BAD)
      expect(shown.stdout).toMatch(
        new RegExp(
          `"row":${Number(row) + first},.*"rule":"${rule}".*"message":"${String(message).replace(/[()]/g, '\\$&')}"`,
        ),
      );
  });

  it.each(['encoder', 'plain'] as const)('%s without pad: rows of one length share a batch', async (model) => {
    const folder = tempFolder();
    const features = model === 'encoder' ? ENCODER : { input_ids: { columns: 'tokens', maxLength: 100 } };
    const input_ids = { columns: 'tokens', maxLength: 100 };
    const path = job(folder, model, { features: { ...features, input_ids } });
    expect((await prescore(['run', path])).code).toBe(3);
    const { rows, off } = await distance(folder, expected[model]);
    expect(rows).toBe(296);
    expect(off).toBeLessThan(1e-6);
  });

  it('a model that feels padding refuses it by name, and says what to do', async () => {
    const folder = tempFolder();
    const path = job(folder, 'plain', { features: { input_ids: { columns: 'tokens', pad: 0 } } });
    const { code, stderr } = await prescore(['run', path]);
    expect(code).toBe(5);
    expect(stderr).toMatch(/MODEL_PADDING: padding changes predictions: a row gives 0\.\d+ alone and 0\.\d+ beside/);
    expect(stderr).toContain('Leave pad: out');
  });

  it('an output as long as its list is a list of that length', async () => {
    const folder = tempFolder();
    const path = job(folder, 'tags', { features: { tokens: { columns: 'tokens', maxLength: 100 } } });
    expect((await prescore(['run', path])).code).toBe(3);
    const rows = await rowsOf(folder);
    const wanted = [...expected.tags.entries()].filter(([, tags]) => tags !== null);
    expect([...rows].map(([id, row]) => [id, row['tag']])).toEqual(wanted);
    // In chunks and batches of other rows too.
    const small = tempFolder();
    const execution = { scorers: 2, chunkRows: 97, batchRows: 3 };
    expect(
      (
        await prescore([
          'run',
          job(small, 'tags', { features: { tokens: { columns: 'tokens', maxLength: 100 } }, execution }),
        ])
      ).code,
    ).toBe(3);
    expect(await readOutput(join(small, 'out'))).toEqual(await readOutput(join(folder, 'out')));
  });

  it('an output as long as its list is refused where rows are padded', async () => {
    const features = { tokens: { columns: 'tokens', pad: 0 } };
    const { code, stderr } = await prescore(['run', job(tempFolder(), 'tags', { features })]);
    expect([code, stderr]).toEqual([5, expect.stringContaining('padding would become part of predictions')]);
  });

  it('steps of several numbers, and two lists of lengths of their own beside a number', async () => {
    const [steps, two] = [tempFolder(), tempFolder()];
    for (const pad of [{}, { pad: -1000 }]) {
      const path = job(steps, 'steps', { features: { x: { columns: 'steps', ...pad } } });
      expect((await prescore(['run', path, '--new-run'])).code).toBe(0);
      for (const [id, row] of await rowsOf(steps)) expect(row['y']).toBe(Math.fround(expected.steps[id]!));
    }
    const features = { history: 'history', basket: { columns: 'basket', pad: -1000 }, age: 'age' };
    expect((await prescore(['run', job(two, 'two', { features })])).code).toBe(0);
    const found = await rowsOf(two);
    expect(found.size).toBe(300);
    for (const [id, row] of found) expect(row['y']).toBeCloseTo(expected.two[id]!, 4);
  });

  it('the same text for live: the predictions of the rows alone', async () => {
    const redis: RedisServer = await startRedis({ persistent: false });
    const folder = tempFolder();
    const path = job(folder, 'encoder', {
      name: 'texts',
      features: PADDED,
      predictions: { store: redis.url, set: 'texts', key: 'row_id' },
    });
    expect((await prescore(['run', path])).code).toBe(3);
    const server = await startServe(
      writeServe(folder, { sets: { live: { job: path, store: redis.url, order: ['live'] } } }),
    );
    try {
      const rows = (await readParquet(join(made, 'rows.parquet'))).slice(0, 60);
      const body = {
        rows: rows.map((row) => ({
          key: String(row['row_id']),
          features: {
            tokens: (row['tokens'] as unknown[] | null)?.map((v) => (v === null ? null : Number(v))) ?? null,
          },
        })),
      };
      const { status, body: answer } = await ask(`${server.url}/v1/predictions/live`, body);
      expect([status, answer]).toEqual([200, expect.anything()]);
      const given = answer['predictions'] as { key: string; reason?: string; values: Record<string, never> }[];
      const off = given.filter(({ key, values }) => {
        const want = expected.encoder[Number(key)];
        return want == null ? values !== undefined : Math.abs(Number(values?.['score']) - want.score[0]) > 1e-6;
      });
      expect([given.length, off]).toEqual([60, []]);
    } finally {
      await server.stop();
      await redis.stop();
    }
  });

  it('init drafts a job that runs', async () => {
    const folder = tempFolder();
    const path = join(folder, 'job.yaml');
    const args = ['--out', path, '--id', 'row_id', '--exclude', 'steps,history,basket,age'];
    const { code, stdout } = await prescore(['init', join(made, 'encoder.onnx'), join(made, 'rows.parquet'), ...args]);
    expect([code, stdout]).toEqual([0, expect.stringContaining('3 of 3 inputs bound')]);
    expect(readFileSync(path, 'utf8')).toContain('maskOf: input_ids');
    const sample = await prescore(['run', path, '--sample', '4']);
    expect([sample.code, sample.stdout]).toEqual([
      0,
      expect.stringContaining(expected.encoder[3]!.score[0].toPrecision(4).slice(0, -1)),
    ]);
  });

  it('what cannot be bound is said by name', async () => {
    const features = {
      input_ids: { columns: 'tokens', pad: 0.5 },
      attention_mask: { maskOf: 'tokens' },
      token_type_ids: { value: 0 },
    };
    const { code, stderr } = await prescore(['check', job(tempFolder(), 'encoder', { features })]);
    expect(code).toBe(5);
    expect(stderr).toContain('pad: int64 takes whole numbers');
    expect(stderr).toContain('maskOf: no list column of open length feeds an input named "tokens"');
  });
});
