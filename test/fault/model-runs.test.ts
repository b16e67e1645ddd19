import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { prescore, startPrescore } from '../harness/cli.ts';
import { modelFolder, pinnedModel } from '../harness/model-files.ts';
import { childrenOf, isAlive, watchChildren } from '../harness/processes.ts';
import { readOutput, readParquet } from '../harness/read-parquet.ts';
import { expectRefusal, leftIn } from '../harness/refusal.ts';
import { sumJob } from '../harness/sum-job.ts';
import { fixtures, flightJob, sha256Of, tempFolder, writeJob } from '../harness/temp-job.ts';

/*
 * Models that are well formed and go wrong while they run. What a failed run leaves is its records, never a part.
 */
let models = '';
beforeAll(async () => {
  models = await modelFolder();
});

const made = (name: string): string => join(models, `${name}.onnx`);
const partsIn = (folder: string): string[] => leftIn(folder).filter((path) => !path.startsWith('/_prescore/'));

function expected(name: string): (number | null)[] {
  const all = JSON.parse(readFileSync(join(models, 'expected.json'), 'utf8')) as Record<string, (number | null)[]>;
  return all[name]!;
}

describe('models that do not end, or ask for too much', () => {
  it('D92 a runaway Loop is killed at execution.batchDeadline, three times, and its children are gone', async () => {
    const folder = tempFolder();
    const execution = { scorers: 1, batchDeadline: '400ms' };
    const { child, result } = startPrescore(['run', await sumJob(folder, made('loop'), { execution })]);
    const scorers = watchChildren(child.pid!);
    const { code, stderr } = await result;
    const seen = scorers();
    expect(stderr).toMatch(/^SCORER_DEADLINE: a batch ran for \d+ ms; .*attempt 3; expected at most 400 ms/m);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(5);
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(seen.filter(isAlive)).toEqual([]);
    expect(partsIn(join(folder, 'out'))).toEqual([]);
  });

  it('D92 one that runs away while it is loaded is killed too', async () => {
    const folder = tempFolder();
    const execution = { scorers: 1, batchDeadline: '1s', memory: '4GiB' };
    const job = await sumJob(folder, made('slow_load'), { execution });
    const { child, result } = startPrescore(['run', job]);
    const scorers = watchChildren(child.pid!);
    const { code, stderr } = await result;
    const seen = scorers();
    expect(stderr).toMatch(/^SCORER_DEADLINE: the model did not load in time; .*at most 10 s.*\.$/m);
    expect(code).toBe(5);
    expect(seen.filter(isAlive)).toEqual([]);
    expect(leftIn(join(folder, 'out'))).toEqual([]);
  });

  it('D93 a tensor of 160 GB: an error at once, not a row-by-row search and no OOM kill', async () => {
    const folder = tempFolder();
    const says = /requested buffer of size 160000000000; .*even for one row/;
    await expectRefusal(['run', await sumJob(folder, made('huge'))], { exit: 5, code: 'MODEL_FAILED', says });
    expect(partsIn(join(folder, 'out'))).toEqual([]);
  });

  it('several values a row where the model declares no such thing are a list, and index: takes one', async () => {
    const [list, one] = [tempFolder(), tempFolder()];
    expect((await prescore(['run', await sumJob(list, made('hidden'))])).code).toBe(0);
    const outputs = { y: { tensor: 'y', index: 1 } };
    expect((await prescore(['run', await sumJob(one, made('hidden'), { outputs })])).code).toBe(0);
    const [rows, seconds] = [await readOutput(join(list, 'out')), await readOutput(join(one, 'out'))];
    expect(rows).toHaveLength(1037);
    expect(rows.map((row) => (row['y'] as number[])[1])).toEqual(seconds.map((row) => row['y']));
  });

  it('an output without rows', async () => {
    const folder = tempFolder();
    const says = /first axis of an output is not the batch; .*expected \[1037, …\]; got \[\]/;
    await expectRefusal(['run', await sumJob(folder, made('total'))], { exit: 5, code: 'MODEL_OUTPUT_SHAPE', says });
    expect(partsIn(join(folder, 'out'))).toEqual([]);
  });
});

describe('rows that a model cannot score', () => {
  /** Runs a model of one input over one column in batches of 100; gives values by id and reject entries. */
  async function score(name: string, input: string, column: string, limit: number | string) {
    const folder = tempFolder();
    const changes = {
      features: { [input]: column },
      outputs: undefined,
      rejects: { limit },
      execution: { scorers: 1, batchRows: 100 },
    };
    const result = await prescore(['run', await sumJob(folder, made(name), changes)]);
    const runs = join(folder, 'out/_prescore/runs');
    const rejects = await readParquet(join(runs, readdirSync(runs)[0]!, 'rejects/0.pq'));
    return { result, rejects, rows: result.code === 3 ? await readOutput(join(folder, 'out')) : [] };
  }

  it('B50 B51 a Gather index of 99: bisected to model_error; -1 wraps silently, as in Python', async () => {
    const { result, rows, rejects } = await score('gather', 'index', 'pick', 6);
    expect(result.code).toBe(3);
    const values = expected('gather');
    const bad = values.flatMap((value, id) => (value === null ? [id] : []));
    expect(bad).toEqual([0, 250, 251, 399, 400, 1036]);
    expect(rejects.map((r) => [Number(r['id']), r['rule'], r['column']])).toEqual(
      bad.map((id) => [id, 'model_error', '']),
    );
    expect(rejects[0]!['message']).toMatch(/running Gather node.*idx=99 must be within the inclusive range \[-4,3\]$/);
    const good = values.flatMap((value, id) => (value === null ? [] : [[id, value]]));
    expect(rows.map((row) => [Number(row['id']), row['value']])).toEqual(good);
  });

  it('one row over rejects.limit: exit 8, nothing committed', async () => {
    const { result, rejects } = await score('gather', 'index', 'pick', 5);
    expect(result.code).toBe(8);
    expect(result.stderr).toMatch(
      /^REJECT_LIMIT: 6 of 1037 rows were rejected \(model_error 6\), such as row 0 of \S+types\.parquet: model_error: .*idx=99/m,
    );
    expect(rejects).toHaveLength(6);
  });

  it('a text with a NUL character, which the runtime would cut: bad_utf8', async () => {
    const { result, rows, rejects } = await score('echo', 'text', 'cut', 2);
    expect(result.code).toBe(3);
    expect(rejects.map((r) => [Number(r['id']), r['rule'], r['column']])).toEqual([
      [5, 'bad_utf8', 'cut'],
      [104, 'bad_utf8', 'cut'],
    ]);
    expect(rows.every((row) => row['out'] === `row ${Number(row['id']) % 3}`)).toBe(true);
  });

  it('B57 NaN and infinities that the model returns: bad_output', async () => {
    const { result, rows, rejects } = await score('log', 'x', 'level', '1%');
    expect(result.code).toBe(3);
    expect(rejects.map((r) => [Number(r['id']), r['rule'], r['column'], r['message']])).toEqual([
      [3, 'bad_output', 'y', 'model returned NaN'],
      [700, 'bad_output', 'y', 'model returned -Infinity'],
    ]);
    expect(rows.map((row) => row['y'])).toEqual(expected('log').filter((value) => value !== null));
  });
});

describe('D95 a model that is replaced while it is used', () => {
  it('scores with the bytes it began with, in a scorer that is started later too', async () => {
    const folder = tempFolder();
    const original = join(fixtures, 'models/delay_histgb.onnx');
    const path = join(folder, 'model.onnx');
    writeFileSync(path, readFileSync(original));
    const job = writeJob(folder, flightJob(folder, { model: pinnedModel(path), execution: { scorers: 1 } }));
    const { child, result } = startPrescore(['run', job, '--json']);
    await new Promise<void>((resolve) => {
      child.stdout!.on('data', (text: string) => {
        if (!text.includes('"planned"')) return;
        writeFileSync(path, readFileSync(made('gather')));
        for (const pid of childrenOf(child.pid!)) process.kill(pid, 'SIGKILL');
        resolve();
      });
    });
    const { code, events } = await result;
    expect(code).toBe(0);
    expect(events.at(-1)).toMatchObject({ event: 'done', rows: 27004, rejected: 0 });
    expect(events.find((e) => e['event'] === 'chunk')).toMatchObject({ attempt: 2 });
    const runs = join(folder, 'out/_prescore/runs');
    const plan = JSON.parse(readFileSync(join(runs, readdirSync(runs)[0]!, 'plan.json'), 'utf8'));
    expect(plan.model.sha256).toBe(sha256Of(original));
  });
});

describe('D97 session options of the runtime', () => {
  it("that ONNX Runtime would take from the model's metadata are not asked for", async () => {
    const folder = tempFolder();
    const job = await sumJob(folder, made('profiled'));
    const work = tempFolder();
    const { code } = await prescore(['run', job], { cwd: work, env: { ORT_LOAD_CONFIG_FROM_MODEL: '1' } });
    expect(code).toBe(0);
    expect(leftIn(work)).toEqual([]);
  });
});
