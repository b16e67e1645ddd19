import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { modelFolder, pinnedModel } from '../harness/model-files.ts';
import { leftIn } from '../harness/refusal.ts';
import { tempFolder } from '../harness/temp-job.ts';
import { tinyJob, writeTables } from '../harness/tiny-tables.ts';

interface Line {
  readonly verdict: string;
  readonly found: string;
  readonly fix: string;
}

/** `gather` takes 0 to 3 for its index; everything else fails in the runtime. */
describe('doctor scores rows before it says that all is well', () => {
  let gather: Readonly<Record<string, unknown>> = {};
  beforeAll(async () => {
    gather = { model: pinnedModel(join(await modelFolder(), 'gather.onnx')), outputs: { value: 'value' } };
  });

  async function doctor(...args: string[]) {
    const { code, events } = await prescore(['doctor', ...args, '--json']);
    const of = (check: string) => events.find((event) => event['check'] === check) as Line | undefined;
    return { code, scoring: of('scoring')!, rows: of('first rows')! };
  }

  /** A job that feeds c1, which is `i % 7 + salt`, to the model. */
  async function jobOf(folder: string, rows: number, salt: number, changes = {}): Promise<string> {
    const table = join(folder, 'in/a.parquet');
    if (rows > 0) await writeTables({ [table]: rows }, salt);
    return tinyJob(folder, table, { ...gather, features: { index: 'c1' }, ...changes });
  }

  it('with and without a job', async () => {
    const folder = tempFolder();
    const { code, scoring, rows } = await doctor(await jobOf(folder, 20, 0));
    expect(scoring).toMatchObject({ verdict: 'ok', found: expect.stringMatching(/^a row is scored/) });
    // 4, 5 and 6 of every seven fail.
    expect(rows).toMatchObject({
      verdict: 'ok',
      found: expect.stringMatching(/^10 of .*a\.parquet are scored, 6 rej/),
    });
    expect(code).toBe(0);
    expect(leftIn(join(folder, 'out')).filter((path) => path.endsWith('.parquet'))).toEqual([]);
    expect((await doctor()).scoring.verdict).toBe('ok');
  });

  it('and fails where the model refuses all of them', async () => {
    const { code, rows } = await doctor(await jobOf(tempFolder(), 20, 10));
    expect(rows).toMatchObject({
      verdict: 'fail',
      found: expect.stringMatching(/model refuses rows of .*out of data b/),
    });
    expect(code).toBe(5);
  });

  it('and fails where the input does not fit', async () => {
    const { code, rows } = await doctor(await jobOf(tempFolder(), 20, 0, { features: { index: 'nothing' } }));
    expect(rows).toMatchObject({ verdict: 'fail', found: expect.stringContaining('SIGNATURE_MISMATCH') });
    expect(code).toBe(5);
  });

  it('and says what it did not see: rows that the job rejects, an empty file, no input yet', async () => {
    const odd = await doctor(await jobOf(tempFolder(), 20, 0.5));
    expect(odd.rows).toMatchObject({ verdict: 'warn', found: expect.stringContaining('are rejected: fraction in c1') });
    const folder = tempFolder();
    await writeTables({ [join(folder, 'in/a.parquet')]: 0 });
    const none = await doctor(await jobOf(folder, 0, 0));
    expect(none.rows).toMatchObject({ verdict: 'warn', found: expect.stringMatching(/a\.parquet has no rows$/) });
    const late = await doctor(await jobOf(tempFolder(), 0, 0));
    expect(late.rows).toMatchObject({ verdict: 'warn', found: 'none was scored: input matched no file' });
    expect([odd.code, none.code, late.code]).toEqual([0, 0, 0]);
  });
});
