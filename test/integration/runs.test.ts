import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prescore, startPrescore } from '../harness/cli.ts';
import { partsOf, readOutput } from '../harness/read-parquet.ts';
import { fixtures, flightJob, sha256Of, tempFolder, writeJob } from '../harness/temp-job.ts';

const done = (result: Awaited<ReturnType<typeof prescore>>) => result.events.findLast((e) => e['event'] === 'done');
const code = (result: Awaited<ReturnType<typeof prescore>>) =>
  (result.events.find((e) => e['event'] === 'failed')?.['error'] as { code?: string } | undefined)?.code;

/** One small partition copied into the test's folder, so that it may be changed. */
function ownInput(folder: string): string {
  const path = join(folder, 'in.parquet');
  cpSync(join(fixtures, 'flights/month=02/part-0.parquet'), path);
  return path;
}

describe('a slot', () => {
  it('C69 is done once: again says so, --if-changed waits for a change, --new-run scores again', async () => {
    const folder = tempFolder();
    const input = ownInput(folder);
    const job = writeJob(folder, flightJob(folder, { input: { uri: input } }));
    const first = await prescore(['run', job, '--json']);
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(done(first)).toMatchObject({ rows: 24951, rejected: 0, parts: 1, alreadyDone: false });
    const [part] = partsOf(join(folder, 'out'));

    const again = await prescore(['run', job, '--json']);
    expect(again.code).toBe(0);
    expect(done(again)).toMatchObject({
      alreadyDone: true,
      rows: 24951,
      inputsChanged: 0,
      runId: done(first)?.['runId'],
    });
    expect(done(await prescore(['run', job, '--json', '--if-changed']))).toMatchObject({ alreadyDone: true });

    utimesSync(input, new Date(), new Date());
    expect(done(await prescore(['run', job, '--json']))).toMatchObject({ alreadyDone: true, inputsChanged: 1 });
    const changed = await prescore(['run', job, '--json', '--if-changed']);
    expect(done(changed)).toMatchObject({ alreadyDone: false, rows: 24951 });
    // The part of the run before is gone: a glob reader sees each row once.
    expect(existsSync(part!)).toBe(false);
    expect(partsOf(join(folder, 'out'))).toHaveLength(1);

    const anew = await prescore(['run', job, '--json', '--new-run']);
    expect(done(anew)).toMatchObject({ alreadyDone: false });
    expect(String(done(anew)?.['runId'])).toMatch(/\.3$/);
    expect((await prescore(['verify', join(folder, 'out')])).code).toBe(0);
  });

  it('that is done with an older definition exits 2 and names the fields', async () => {
    const folder = tempFolder();
    const input = ownInput(folder);
    await prescore(['run', writeJob(folder, flightJob(folder, { input: { uri: input } })), '--json']);
    const other = writeJob(
      folder,
      flightJob(folder, { input: { uri: input }, outputs: { p: { tensor: 'probabilities', index: 0 } } }),
    );
    const result = await prescore(['run', other, '--json']);
    expect([result.code, code(result)]).toEqual([2, 'RUN_OTHER_DEFINITION']);
    expect(result.stderr).toContain('outputs');
    expect(done(await prescore(['run', other, '--json', '--if-changed']))).toMatchObject({ alreadyDone: false });
  });

  it('has an order: an older logical time does not replace a newer one without --force', async () => {
    const folder = tempFolder();
    const job = writeJob(folder, flightJob(folder, { input: { uri: ownInput(folder) } }));
    expect((await prescore(['run', job, '--as-of', '2026-02-02', '--json'])).code).toBe(0);
    const older = await prescore(['run', job, '--as-of', '2026-02-01', '--json']);
    expect([older.code, code(older)]).toEqual([7, 'SUPERSEDED']);
    expect(partsOf(join(folder, 'out')).join()).toContain('20260202T000000Z');
    const forced = await prescore(['run', job, '--as-of', '2026-02-01', '--json', '--force']);
    expect(forced.code).toBe(0);
    expect(partsOf(join(folder, 'out')).join()).toContain('20260201T000000Z');
    const [row] = await readOutput(join(folder, 'out'));
    expect(row?.['scored_at']).toEqual(new Date('2026-02-01T00:00:00Z'));
  });
});

describe('an unfinished run', () => {
  async function killed(folder: string, changes: Record<string, unknown> = {}): Promise<string> {
    const job = writeJob(
      folder,
      flightJob(folder, { input: { uri: ownInput(folder) }, execution: { scorers: 1, chunkRows: 16384 }, ...changes }),
    );
    const run = startPrescore(['run', job, '--json'], { env: { PRESCORE_FAULT: 'after-record' } });
    expect((await run.result).signal).toBe('SIGKILL');
    return job;
  }

  /** Records of the one run in a folder: one, or on a slow machine a second that was on its way. */
  function recorded(folder: string): number {
    const runs = join(folder, 'out/_prescore/runs');
    // A record that was being written has another name.
    return readdirSync(join(runs, readdirSync(runs)[0]!, 'chunks')).filter((name) => name.endsWith('.json')).length;
  }

  it('goes on where it was, and refuses other settings by name', async () => {
    const folder = tempFolder();
    const job = await killed(folder);
    const before = recorded(folder);
    expect(before).toBeGreaterThan(0);
    expect(readdirSync(join(folder, 'out')).filter((name) => name.endsWith('.parquet'))).toEqual([]);
    const other = writeJob(
      folder,
      flightJob(folder, { input: { uri: join(folder, 'in.parquet') }, execution: { batchRows: 1024 } }),
      'other.yaml',
    );
    const refused = await prescore(['run', other, '--json']);
    expect([refused.code, code(refused)]).toEqual([2, 'RUN_INCOMPATIBLE']);
    expect(refused.stderr).toContain('execution.batchRows');
    expect((await prescore(['runs', 'list', job])).stdout).toMatch(new RegExp(`unfinished +${before}/2`));
    const result = await prescore(['run', job, '--json']);
    expect(done(result)).toMatchObject({ rows: 24951, chunksResumed: before });
    expect((await prescore(['runs', 'list', job])).stdout).toMatch(/committed +2\/2/);
  });

  it('leaves scratch files that the next start removes', async () => {
    const folder = tempFolder();
    const scratch = join(folder, 'scratch');
    mkdirSync(scratch);
    const job = writeJob(folder, flightJob(folder, { input: { uri: ownInput(folder) } }));
    const run = startPrescore(['run', job, '--json'], { env: { TMPDIR: scratch } });
    run.child.stdout?.on('data', () => run.child.kill('SIGKILL'));
    await run.result;
    const left = (): string[] => readdirSync(scratch).filter((name) => name.startsWith('prescore-'));
    expect(left()).toHaveLength(1);
    expect((await prescore(['run', job, '--json'], { env: { TMPDIR: scratch } })).code).toBe(0);
    expect(left()).toEqual([]);
  });

  it('stops when a planned input changed or is gone, until --new-run', async () => {
    const folder = tempFolder();
    const job = await killed(folder);
    const input = join(folder, 'in.parquet');
    writeFileSync(input, readFileSync(input));
    const changed = await prescore(['run', job, '--json']);
    expect([changed.code, code(changed)]).toEqual([4, 'INPUT_CHANGED']);
    renameSync(input, `${input}.away`);
    expect(code(await prescore(['run', job, '--json']))).toBe('INPUT_GONE');
    renameSync(`${input}.away`, input);
    expect(done(await prescore(['run', job, '--json', '--new-run']))).toMatchObject({ rows: 24951, chunksResumed: 0 });
  });

  it('scores a chunk again when its staged part is lost, and commits both', async () => {
    const folder = tempFolder();
    const job = await killed(folder);
    const before = recorded(folder);
    const waiting = readdirSync(join(folder, 'out')).find((name) => name.startsWith('.prescore-'))!;
    rmSync(join(folder, 'out', waiting), { recursive: true });
    const result = await prescore(['run', job, '--json']);
    expect(done(result)).toMatchObject({ rows: 24951, parts: 2 });
    expect(recorded(folder)).toBe(2 + before);
    expect((await prescore(['verify', join(folder, 'out')])).code).toBe(0);
  });

  it('leaves staged parts that gc finds, and removes only with --apply', async () => {
    const folder = tempFolder();
    const job = await killed(folder);
    const look = await prescore(['runs', 'gc', job, '--older-than', '0s']);
    expect(look.stdout).toContain('1 thing would be removed');
    await prescore(['runs', 'gc', job, '--older-than', '0s', '--apply']);
    expect(readdirSync(join(folder, 'out')).filter((name) => name.startsWith('.prescore-'))).toEqual([]);
    expect((await prescore(['runs', 'gc', job, '--older-than', '0s'])).stdout).toContain('nothing to remove');
  });
});

describe('two starters', () => {
  it('the second exits 7 at once, and nothing of it is scored', async () => {
    const folder = tempFolder();
    const months = ['01', '02', '03', '04', '05', '06'].map((m) => join(fixtures, `flights/month=${m}/part-0.parquet`));
    const job = writeJob(
      folder,
      flightJob(folder, { input: { uri: months }, execution: { scorers: 1, chunkRows: 16384 } }),
    );
    const first = startPrescore(['run', job, '--json']);
    await new Promise<void>((resolve) => first.child.stdout?.once('data', () => resolve()));
    const started = performance.now();
    const second = await prescore(['run', job, '--json']);
    expect([second.code, code(second)]).toEqual([7, 'RUN_OWNED']);
    expect(performance.now() - started).toBeLessThan(2000);
    expect((await first.result).code).toBe(0);
  });
});

describe('rejects', () => {
  it('over the limit exit 8 with nothing committed; a higher limit resumes without scoring again', async () => {
    const folder = tempFolder();
    const input = ownInput(folder);
    const changes = {
      input: { uri: input },
      features: { input: { ...(flightJob(folder)['features'] as { input: object }).input, nulls: 'reject' } },
    };
    const refused = await prescore(['run', writeJob(folder, flightJob(folder, changes)), '--json']);
    expect([refused.code, code(refused)]).toEqual([8, 'REJECT_LIMIT']);
    expect(existsSync(join(folder, 'out/_manifest.json'))).toBe(false);
    const error = refused.events.find((e) => e['event'] === 'failed')?.['error'];
    const { rejected, rows } = (error as { data: { rejected: number; rows: number } }).data;
    const allowed = await prescore([
      'run',
      writeJob(folder, flightJob(folder, { ...changes, rejects: { limit: '100%' } })),
      '--json',
    ]);
    expect(allowed.code).toBe(3);
    expect(done(allowed)).toMatchObject({
      rejected,
      rows: rows - rejected,
      rejectsByRule: { null: rejected },
      chunksResumed: 1,
    });
    expect(await readOutput(join(folder, 'out'))).toHaveLength(rows - rejected);
  });

  it('of every row leave a valid empty output with the full schema', async () => {
    const folder = tempFolder();
    const model = join(fixtures, 'models/delay_mlp.onnx');
    const job = writeJob(folder, {
      model: { uri: model, sha256: sha256Of(model) },
      input: { uri: join(fixtures, 'flights/month=01/part-0.parquet') },
      features: { features: { columns: Array.from({ length: 256 }, () => 'wind_gust'), nulls: 'reject' } },
      outputs: { score: { tensor: 'score' } },
      id: ['flight_id'],
      output: { uri: join(folder, 'out') },
      rejects: { limit: '100%' },
    });
    const result = await prescore(['run', job, '--json']);
    expect(result.code).toBe(3);
    const rows = await readOutput(join(folder, 'out'));
    expect(rows.length + Number(done(result)?.['rejected'])).toBe(27004);
    expect((await prescore(['verify', join(folder, 'out')])).code).toBe(0);
  });
});

describe('verify', () => {
  it('finds a changed byte, a missing part and a part too much', async () => {
    const folder = tempFolder();
    const job = writeJob(folder, flightJob(folder, { input: { uri: ownInput(folder) } }));
    await prescore(['run', job, '--json']);
    const out = join(folder, 'out');
    const [part] = partsOf(out);
    const bytes = readFileSync(part!);
    const flipped = Buffer.from(bytes);
    flipped[1000]! ^= 1;
    writeFileSync(part!, flipped);
    const changed = await prescore(['verify', out]);
    expect([changed.code, changed.stdout]).toEqual([4, expect.stringContaining('sha256')]);
    writeFileSync(part!, bytes);
    expect((await prescore(['verify', out])).code).toBe(0);
    writeFileSync(join(out, 'part-00009-other.parquet'), bytes);
    expect((await prescore(['verify', out])).stdout).toContain('does not name');
    rmSync(join(out, 'part-00009-other.parquet'));
    rmSync(part!);
    expect((await prescore(['verify', out])).stdout).toContain('missing');
  });
});
